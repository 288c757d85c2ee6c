"""Ratings of 1 to 5 stars in PRs: by the form, a file and its table, the API, and into a build."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.builds.manifest import freeze_rows
from apps.builds.models import Build, Entry
from apps.builds.queries import waiting_for_a_build
from apps.contributions.models import Draft, Kind, Row
from apps.contributions.stages import Stage
from tests.people import a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db

FORM = {
    **{"prompt": "What is 2 plus 2?", "completion": "5", "title": "Rated"},
    **{"licence": "CC0-1.0", "consent": "train", "signed_off": "on", "do": "send"},
}


def judged() -> list[tuple[bool | None, int | None]]:
    return list(Row.objects.order_by("position").values_list("label", "stars"))


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(somebody())
    return client


@pytest.mark.parametrize(
    ("picked", "stored"),
    [
        ({"stars": "2"}, (False, 2)),
        ({"label": "true"}, (True, None)),
        ({"label": "true", "stars": "4"}, (True, 4)),
        ({"stars": "3"}, (None, 3)),
    ],
)
def test_the_form_takes_a_thumb_or_stars_or_both(client: Client, picked: Any, stored: Any) -> None:
    a_line()

    sent = client.post("/submit?kind=rating", {**FORM, **picked})

    assert sent.status_code == 302
    assert judged() == [stored]


@pytest.mark.parametrize(
    ("picked", "told"),
    [
        ({}, "Say whether it is good, or pick its stars."),
        ({"label": "false", "stars": "5"}, "The stars say the opposite"),
    ],
)
def test_the_form_says_what_a_rating_lacks(client: Client, picked: Any, told: str) -> None:
    a_line()

    again = client.post("/submit?kind=rating", {**FORM, **picked})

    assert told in again.content.decode()
    assert judged() == []


def test_stars_of_a_file_stand_in_the_table_where_they_are_changed(client: Client) -> None:
    a_line()
    file = SimpleUploadedFile("rated.csv", b"prompt,completion,stars\n1+1,2,5\n2+2,5,9\n")
    page = client.post(
        "/submit?kind=dataset", {**FORM, "prompt": "", "do": "read", "file": file}, follow=True
    )
    assert 'name="cell-stars" aria-invalid="true"' in page.content.decode()
    draft = Draft.objects.get()
    (bad,) = draft.rows.exclude(fault=None)

    cells = {"cell-prompt": "2+2", "cell-completion": "5", "cell-label": "", "cell-stars": "1"}
    mended = {"row": bad.uid, "mending": "1", "first": "0", **cells}
    kept = {"draft": draft.key, "version": draft.version, "tab": draft.tab}
    sent = client.post("/submit?kind=dataset", {**FORM, **kept, **mended})

    assert sent.status_code == 302
    assert judged() == [(True, 5), (False, 1)]


def test_the_page_of_the_pr_and_its_json_show_stars(client: Client) -> None:
    pr = a_contribution(
        kind=Kind.RATING, rows=[{"prompt": "2+2", "completion": "4", "stars": 4}], by=somebody()
    )
    reader = Client()
    reader.force_login(pr.author)

    assert "4 of 5 stars" in reader.get(f"/prs/{pr.pk}/rows").content.decode()
    (row,) = reader.get(f"/api/v1/contributions/{pr.pk}/rows").json()["items"]
    assert (row["stars"], row["label"]) == (4, True)


def test_three_stars_are_in_no_build_and_alone_wait_for_none(tmp_path: Any) -> None:
    line = a_line()
    rows = [{"prompt": f"{stars}?", "completion": "c", "stars": stars} for stars in (1, 3, 5)]
    mixed = a_contribution(line, kind=Kind.RATING, rows=rows, stage=Stage.ACCEPTED)
    a_contribution(line, kind=Kind.RATING, rows=rows[1:2], stage=Stage.ACCEPTED)
    assert list(waiting_for_a_build(line)) == [mixed]
    build = Build.objects.create(line=line, asked_by=somebody())
    Entry.objects.create(
        build=build, contribution=mixed, revision=1, digest=mixed.digest, row_count=3
    )

    assert freeze_rows(build, tmp_path).rows == 2
