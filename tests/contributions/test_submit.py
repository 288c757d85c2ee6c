"""`manage.py submit`: a file travels over HTTP to a running site."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts.actions import make_token
from apps.accounts.models import Account, Token
from apps.contributions.models import Contribution, Row
from apps.skills.models import ModelLine
from tests.people import a_line, somebody

TERMS = {"licence": "CC0-1.0", "consent": "train", "sign_off": True}


class Site:
    """The running site, and a way to submit to it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.line: ModelLine = a_line("sums")
        _, self.token = make_token(somebody(), name="test", scopes=["contribute"])

    def submit(self, path: Path, **options: Any) -> None:
        known = {"url": self.url, "token": self.token, "state": self.folder / "state.jsonl"}
        call_command("submit", path, **{**known, **TERMS, **options})

    def file(self, *rows: Any, name: str = "rows.jsonl") -> Path:
        path = self.folder / name
        lines = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
        path.write_bytes(gzip.compress(lines.encode()) if name.endswith(".gz") else lines.encode())
        return path


@pytest.fixture
def site(live_server: Any, tmp_path: Path) -> Site:
    return Site(live_server.url, tmp_path)


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"prompt": f"{number}+1", "completion": str(number + 1), **more}


@pytest.mark.django_db(transaction=True)
def test_a_file_arrives_as_contributions_of_some_rows_each(site: Site) -> None:
    site.submit(site.file(*map(row, range(7)), name="rows.jsonl.gz"), rows_a_pr=3, skill="sums")

    sent = Contribution.objects.order_by("pk")
    assert [contribution.row_count for contribution in sent] == [3, 3, 1]
    assert {contribution.skill.name for contribution in sent if contribution.skill} == {"sums"}
    assert Row.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_sent_twice_it_is_stored_once(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    path = site.file(*map(row, range(7)))
    site.submit(path, rows_a_pr=3)

    site.submit(path, rows_a_pr=3)

    assert Row.objects.count() == 7
    assert "rows stored before │ 7" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_each_contributor_sends_from_an_account_of_their_own_also_the_second_time(
    site: Site,
) -> None:
    people = {"group_by": "batch", "contributor_field": "who", "sign_up": True, "token": ""}
    rows = [row(number, batch=f"b{number // 2}", who=f"u {number // 4}") for number in range(8)]
    site.submit(site.file(*rows), **people)

    more = [row(number, batch=f"c{number}", who="u 0") for number in range(8, 10)]
    site.submit(site.file(*rows, *more), **people)

    assert {
        (contribution.author.username, contribution.batch)
        for contribution in Contribution.objects.select_related("author")
    } == {("u-0", "b0"), ("u-0", "b1"), ("u-1", "b2"), ("u-1", "b3"), ("u-0", "c8"), ("u-0", "c9")}
    assert (site.folder / "state.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.django_db(transaction=True)
def test_a_token_that_was_kept_and_has_ended_is_made_anew(site: Site) -> None:
    people = {"contributor_field": "who", "sign_up": True, "token": ""}
    site.submit(site.file(row(1, who="bo")), **people)
    Token.objects.filter(account__username="bo").update(revoked_at=timezone.now())

    site.submit(site.file(row(2, who="bo")), **people)

    assert {contribution.author.username for contribution in Contribution.objects.all()} == {"bo"}
    assert Contribution.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_columns_that_are_no_part_of_a_row_never_leave_the_machine(site: Site) -> None:
    site.submit(site.file(row(1, kind="poisoned", answer_key="secret")))

    assert Contribution.objects.get().kind == "dataset"


@pytest.mark.django_db(transaction=True)
def test_bad_rows_are_printed_with_place_and_mend_and_the_rest_is_stored(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site.file(
        row(1), '{"prompt": "x", "completion": NaN}', {"prompt": "no answer"}, "oops",
        row(5, skill="cooking"), row(6),
    )  # fmt: skip

    with pytest.raises(SystemExit) as exit_:
        site.submit(path)

    said = capsys.readouterr().out
    assert exit_.value.code == 1
    assert Row.objects.count() == 2
    for line in (
        "rows.jsonl, row 2: completion: NaN is not JSON; write null or a number",
        "rows.jsonl, row 3: completion is missing or empty; add the field “completion”",
        "rows.jsonl, row 4: not JSON at line 1, column 1",
        "rows.jsonl, row 5: there is no skill “cooking”; use one of sums, or leave it out",
    ):
        assert line in said


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_leaves_the_site_as_it_was(site: Site) -> None:
    site.submit(site.file(row(1), row(2)), dry_run=True)

    assert not Contribution.objects.exists()


@pytest.mark.django_db(transaction=True)
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
    site: Site, content: str, name: str, said: str
) -> None:
    with pytest.raises(CommandError, match=said) as refusal:
        site.submit(site.file(content, name=name))

    assert refusal.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_a_bad_token_a_missing_one_and_an_absent_site_are_told_apart(site: Site) -> None:
    path = site.file(row(1))

    for options, said in (
        ({"token": "ofw_pat_wrong"}, "the site refused: this is not a token"),
        ({"token": ""}, "no token: give --token"),
        ({"sign_up": True}, "--sign-up needs --contributor-field"),
    ):
        with pytest.raises(CommandError, match=said):
            site.submit(path, **options)
    assert not Contribution.objects.exists()
    assert Account.objects.count() == 1
