"""Rows come in as people have them; what is wrong is named with its line, what is good is kept."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.meters import Policy
from apps.contributions.incoming import LARGEST_FILE
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.pages import allowances
from tests.pages.world import World

ROW = {"prompt": "Which day is 3.4.?", "completion": "3 April."}
GOOD = json.dumps(ROW)
TERMS = {"title": "Dates", "licence": "CC0-1.0", "consent": "train", "signed_off": "on"}


def sent(world: World, **given: object) -> str:
    """What the page says after the rows were sent."""
    client = Client()
    client.force_login(world.author)
    answer = client.post("/submit?kind=dataset", {**TERMS, **given}, follow=True)
    return answer.content.decode()


def newest() -> Contribution:
    return Contribution.objects.latest("pk")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", GOOD.encode()),
        ("rows.csv", b"prompt,completion\nWhich day is 3.4.?,3 April.\n"),
        ("rows.json", f"[{GOOD}]".encode()),
    ],
)
def test_a_file_becomes_a_pr(world: World, name: str, content: bytes) -> None:
    sent(world, file=SimpleUploadedFile(name, content))

    row = newest().revisions.get().rows.get()
    assert {"prompt": row.prompt, "completion": row.completion} == ROW


def test_every_line_that_cannot_be_sent_is_named_with_its_mend(world: World) -> None:
    before = Contribution.objects.count()

    page = sent(world, pasted=f'{GOOD}\n\n{{"prompt": NaN}}\n{{"prompt": "no answer"}}')

    assert Contribution.objects.count() == before
    assert "3 rows were read." in page
    assert "Keep the 1 good row" in page
    assert "Line 3: NaN" in page
    assert "Line 4: completion is missing or empty. Mend: add the field" in page


def revised(world: World, **given: object) -> tuple[Contribution, Any]:
    """The PR that was asked to change, and the answer to its new rows."""
    pr = world.prs[Stage.CHANGES_REQUESTED]
    client = Client()
    client.force_login(world.author)
    answer = client.post(f"/prs/{pr.pk}/revise", given, follow=True)
    pr.refresh_from_db()
    return pr, answer


def rows_now(pr: Contribution) -> list[tuple[str, str]]:
    rows = pr.revisions.get(number=pr.revision).rows.order_by("position")
    return list(rows.values_list("prompt", "completion"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", GOOD.encode()),
        ("rows.csv", b"prompt,completion\nWhich day is 3.4.?,3 April.\n"),
    ],
)
def test_a_file_becomes_a_revision(world: World, name: str, content: bytes) -> None:
    given = {"file": SimpleUploadedFile(name, content), "pasted": "what stood there"}
    pr, _answer = revised(world, note="From my notes.", **given)

    assert (pr.revision, pr.stage) == (2, Stage.SUBMITTED)
    assert rows_now(pr) == [(ROW["prompt"], ROW["completion"])]


def test_a_folder_becomes_a_revision(world: World) -> None:
    files = [SimpleUploadedFile(name, GOOD.encode()) for name in ("a.jsonl", "README.md")]

    pr, _answer = revised(world, note="All of it.", folder=files)

    assert (pr.revision, pr.row_count) == (2, 1)


def test_the_good_rows_of_a_partly_bad_file_become_a_revision_by_one_click(world: World) -> None:
    bad = '{"prompt": NaN}\n{"prompt": "no answer"}'
    content = f'{GOOD}\n{bad}\n{{"prompt": "a", "completion": "b"}}'
    file = SimpleUploadedFile("rows.jsonl", content.encode())

    pr, answer = revised(world, note="Mended.", file=file)

    page = answer.content.decode()
    assert (pr.revision, pr.stage) == (1, Stage.CHANGES_REQUESTED)
    assert "2 rows cannot be sent as they are" in page
    assert "Line 2 of rows.jsonl: NaN" in page
    assert "Line 3 of rows.jsonl: completion is missing or empty. Mend: add the field" in page
    assert "Keep the 2 good rows" in page

    # The browser has forgotten the file; what was read of it stands in the field.
    shown = answer.context["form"]["pasted"].value()
    pr, _answer = revised(world, note="Mended.", pasted=shown, do="keep-good")

    assert (pr.revision, pr.stage) == (2, Stage.SUBMITTED)
    assert rows_now(pr) == [(ROW["prompt"], ROW["completion"]), ("a", "b")]


def test_a_file_is_not_asked_for_again_when_the_note_is_missing(world: World) -> None:
    pr, answer = revised(world, file=SimpleUploadedFile("rows.jsonl", GOOD.encode()))

    assert pr.revision == 1
    assert "note" in answer.context["form"].errors
    assert json.loads(answer.context["form"]["pasted"].value()) == ROW


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"file": ("a.exe", b"MZ")}, "A.exe is none of .jsonl"),
        ({"file": ("a.jsonl", b"x" * (LARGEST_FILE + 1))}, "holds more than 20 MB; split"),
        ({"file": ("a.jsonl", b'{"prompt": "no answer"}')}, "A.jsonl has the columns prompt;"),
        ({"pasted": f'{GOOD[:-1]}, "skill": "none"}}'}, "No row could be kept; row 1: there is"),
        ({"pasted": " "}, "There are no rows; pick a file or paste them."),
    ],
)
def test_a_revision_without_a_usable_row_is_refused_beside_the_field(
    world: World, given: dict[str, object], says: str
) -> None:
    if isinstance(named := given.get("file"), tuple):
        given = {"file": SimpleUploadedFile(*named)}

    pr, answer = revised(world, note="Mended.", do="keep-good", **given)

    assert says in str(answer.context["form"].errors)
    assert (pr.revision, pr.stage) == (1, Stage.CHANGES_REQUESTED)


def test_a_line_that_is_left_out_of_a_revision_is_named(world: World) -> None:
    pr = world.prs[Stage.CHANGES_REQUESTED]
    client = Client()
    client.force_login(world.author)
    kept = client.get(f"/prs/{pr.pk}/revise").context["form"].initial["pasted"]
    given = {"pasted": f"{kept}\nnonsense", "note": "One more."}
    lines = kept.splitlines()

    pr, answer = revised(world, **given)
    assert pr.revision == 1
    assert f"Line {len(lines) + 1}: " in answer.content.decode()
    assert answer.context["form"]["pasted"].value() == given["pasted"]

    pr, answer = revised(world, **given, do="keep-good")
    assert (pr.revision, pr.row_count) == (2, len(lines))
    assert f"line {len(lines) + 1}: " in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pasted": "nonsense"}, "The text has the columns nonsense"),
        ({"pasted": '{"a": NaN}\n'}, "No row can be read; line 1: "),
        ({"pasted": ""}, "There are no rows"),
        ({"file": ("a.exe", b"MZ")}, "A.exe is none of .jsonl"),
        ({"file": ("a.jsonl", b"x" * (LARGEST_FILE + 1))}, "holds more than 20 MB; split"),
        ({"pasted": f"{GOOD}\n" * 10_001}, "more than 10,000 rows; split it"),
    ],
)
def test_rows_that_cannot_be_sent_are_refused_beside_the_field(
    world: World, given: dict[str, object], says: str
) -> None:
    before = Contribution.objects.count()
    if isinstance(named := given.get("file"), tuple):
        given = {"file": SimpleUploadedFile(*named)}

    page = sent(world, **given)

    assert says in page
    assert Contribution.objects.count() == before


def test_strangers_of_one_network_begin_and_send_only_so_much(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS_FACTOR = 1
    for name in ("BEGUN", "READ"):
        monkeypatch.setattr(allowances, name, Policy(f"{name}-{uuid4()}", 1, 3600))

    def saved(key: str, client: Client) -> int:
        typed = {"draft": key * 16, "version": "0", "tab": "t" * 16, "prompt": "Which day?"}
        return client.post("/drafts/save?kind=dataset", typed).status_code

    def read(client: Client) -> str:
        sent = {"do": "read", "file": SimpleUploadedFile("a.jsonl", GOOD.encode())}
        sent |= {"draft": "a" * 16, "version": "1", "tab": "t" * 16}
        return client.post("/submit?kind=dataset", sent, follow=True).content.decode()

    first, second, known = Client(), Client(), Client()
    known.force_login(world.author)

    assert [saved("a", first), saved("a", first), saved("b", second)] == [200, 200, 422]
    assert saved("c", known) == 200
    assert "1 row is ready to be sent" in read(first)
    assert "Too much came from your network without an account" in read(first)


def test_a_folder_whose_paths_are_not_told_is_read_by_names_unless_two_are_the_same(
    world: World,
) -> None:
    def folder(*names: str) -> list[SimpleUploadedFile]:
        return [SimpleUploadedFile(name, GOOD.encode()) for name in names]

    before = Contribution.objects.count()
    assert "two files “folder/a.jsonl”; pack the folder as a zip instead" in sent(
        world, folder=folder("a.jsonl", "a.jsonl")
    )
    outside = {"folder-path": ["../../a.jsonl"]}
    assert "leads out of the folder" in sent(world, folder=folder("a.jsonl"), **outside)
    assert Contribution.objects.count() == before

    sent(world, folder=folder("a.jsonl", "README.md"))

    assert newest().row_count == 1
