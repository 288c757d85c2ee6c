"""`openflywheel submit`: a file travels over HTTP to a running site."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Account, Token
from apps.contributions.models import Consent, Contribution, Kind, Licence, Row
from apps.contributions.rows import MOST_ROWS
from openflywheel.commands.sending import CONSENTS, LICENCES
from openflywheel.offering import KINDS, MOST_ROWS_A_PR
from tests.client.conftest import Terminal


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"prompt": f"{number}+1", "completion": str(number + 1), **more}


def test_a_file_arrives_as_contributions_of_some_rows_each(terminal: Terminal) -> None:
    file = terminal.file(*map(row, range(7)), name="rows.jsonl.gz")

    done = terminal.submit(file, "--rows-a-pr", "3", "--skill", "sums")

    assert done.exit_code == 0, done.output
    sent = Contribution.objects.order_by("pk")
    assert [contribution.row_count for contribution in sent] == [3, 3, 1]
    assert {contribution.skill.name for contribution in sent if contribution.skill} == {"sums"}
    assert Row.objects.count() == 7


def test_without_the_sign_off_nothing_is_sent(terminal: Terminal) -> None:
    terms = ("--licence", "CC0-1.0", "--consent", "train")

    done = terminal.run("submit", terminal.file(row(1)), *terms)

    assert done.exit_code == 2
    assert "say --sign-off" in done.output


def test_sent_twice_it_is_stored_once(terminal: Terminal) -> None:
    path = terminal.file(*map(row, range(7)))
    terminal.submit(path, "--rows-a-pr", "3")

    again = terminal.submit(path, "--rows-a-pr", "3")

    assert Row.objects.count() == 7
    assert "rows stored before │ 7" in again.output


def test_each_contributor_sends_from_an_account_of_their_own_also_the_second_time(
    terminal: Terminal,
) -> None:
    state = terminal.folder / "state.jsonl"
    people = (
        "--group-by",
        "batch",
        "--contributor-field",
        "who",
        "--sign-up",
        "--state",
        str(state),
    )
    rows = [row(number, batch=f"b{number // 2}", who=f"u {number // 4}") for number in range(8)]
    terminal.submit(terminal.file(*rows), *people, token="")

    more = [row(number, batch=f"c{number}", who="u 0") for number in range(8, 10)]
    done = terminal.submit(terminal.file(*rows, *more), *people, token="")

    assert done.exit_code == 0, done.output
    assert {
        (contribution.author.username, contribution.batch)
        for contribution in Contribution.objects.select_related("author")
    } == {("u-0", "b0"), ("u-0", "b1"), ("u-1", "b2"), ("u-1", "b3"), ("u-0", "c8"), ("u-0", "c9")}
    assert state.stat().st_mode & 0o077 == 0


def test_a_token_that_was_kept_and_has_ended_is_made_anew(terminal: Terminal) -> None:
    state = str(terminal.folder / "state.jsonl")
    people = ("--contributor-field", "who", "--sign-up", "--state", state)
    terminal.submit(terminal.file(row(1, who="bo")), *people, token="")
    Token.objects.filter(account__username="bo").update(revoked_at=timezone.now())

    terminal.submit(terminal.file(row(2, who="bo")), *people, token="")

    assert {contribution.author.username for contribution in Contribution.objects.all()} == {"bo"}
    assert Contribution.objects.count() == 2


def test_columns_that_are_no_part_of_a_row_never_leave_the_machine(terminal: Terminal) -> None:
    terminal.submit(terminal.file(row(1, kind="poisoned", answer_key="secret")))

    assert Contribution.objects.get().kind == "dataset"


def test_rows_of_several_kinds_become_a_contribution_each(terminal: Terminal) -> None:
    pair = {"prompt": "2+2", "chosen": "4", "rejected": "5"}
    thumb = {"prompt": "2+2", "completion": "5", "label": False}
    named = {"prompt": "2+2", "completion": "4", "kind": "correction"}

    done = terminal.submit(terminal.file(row(1), pair, thumb, named))

    assert done.exit_code == 0, done.output
    kinds = Contribution.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["dataset", "preference", "rating", "correction"]


def test_bad_rows_are_printed_with_place_and_mend_and_the_rest_is_stored(
    terminal: Terminal,
) -> None:
    path = terminal.file(
        row(1), '{"prompt": "x", "completion": NaN}', {"prompt": "no answer"}, "oops",
        row(5, skill="cooking"), row(6),
    )  # fmt: skip

    done = terminal.submit(path)

    assert done.exit_code == 1
    assert Row.objects.count() == 2
    for line in (
        "rows.jsonl, row 2: completion: NaN is not JSON; write null or a number",
        "rows.jsonl, row 3: completion is missing or empty; add the field “completion”",
        "rows.jsonl, row 4: not JSON at line 1, column 1",
        "rows.jsonl, row 5: there is no skill “cooking”; use one of sums, or leave it out",
    ):
        assert line in done.output


def test_as_json_the_outcome_is_one_object_on_standard_output(terminal: Terminal) -> None:
    done = terminal.submit(terminal.file(row(1), "oops"), "--json")

    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert (said["stored"], said["duplicate"], said["dry_run"]) == (1, 0, False)
    assert said["contributions"] == [Contribution.objects.get().pk]
    assert [bad["place"] for bad in said["refused"]] == [2]


def test_a_dry_run_leaves_the_site_as_it_was(terminal: Terminal) -> None:
    done = terminal.submit(terminal.file(row(1), row(2)), "--dry-run")

    assert "rows that would be stored │ 2" in done.output
    assert not Contribution.objects.exists()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("", "rows.jsonl", "rows.jsonl is empty"),
        ('{"question": "2+2"}', "rows.jsonl", "has the columns question; needed are"),
        ("a,b\n1,2\n", "rows.csv", "has the columns a, b; needed are"),
        ("no Parquet", "rows.parquet", "is not Parquet"),
    ],
)
def test_a_file_that_is_no_rows_is_refused_before_anything_is_sent(
    terminal: Terminal, content: str, name: str, said: str
) -> None:
    done = terminal.submit(terminal.file(content, name=name))

    assert done.exit_code == 2
    assert said in done.output
    assert not Contribution.objects.exists()


def test_a_bad_token_a_missing_one_and_missing_fields_are_told_apart(terminal: Terminal) -> None:
    path = terminal.file(row(1))

    for token, words, said in (
        ("ofw_pat_wrong", [], "this is not a token"),
        ("", [], "no token: run `openflywheel login`"),
        ("", ["--sign-up"], "--sign-up needs --contributor-field"),
    ):
        done = terminal.submit(path, *words, token=token)
        assert done.exit_code == 2
        assert said in done.output
    assert not Contribution.objects.exists()
    assert Account.objects.count() == 1


def test_the_client_knows_every_licence_consent_and_kind_that_the_site_does() -> None:
    assert list(LICENCES) == Licence.values
    assert set(CONSENTS) == set(Consent.values)
    assert list(KINDS) == Kind.values
    assert MOST_ROWS_A_PR == MOST_ROWS


def test_chat_logs_of_another_shape_are_mapped_and_the_unmappable_line_is_named(
    terminal: Terminal,
) -> None:
    asked = {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "2+2"},
        ]
    }
    answered = {"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "4"}}]}
    log = terminal.file({"request": asked, "response": answered}, {"request": asked})

    done = terminal.submit(log, "--from", "openai")

    assert done.exit_code == 1
    assert "rows.jsonl, row 2: " in done.output
    stored = Row.objects.get()
    assert (stored.prompt, stored.completion, stored.client_id) == ("2+2", "4", "chatcmpl-1")
    assert stored.context == [{"role": "system", "content": "Be brief."}]
