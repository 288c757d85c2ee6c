"""Rows that go out: who may have them, in every form, and the same when they come back."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from django.contrib.auth.models import AnonymousUser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Account, Role
from apps.builds.exporting import FORMATS, ROWS_A_GROUP, Selection
from apps.contributions import actions
from apps.contributions.actions import Terms
from apps.contributions.models import Contribution, Kind
from apps.contributions.rows import content_digest, read_rows
from apps.contributions.stages import Stage
from apps.reviews.sampling.models import RowVerdict, Sample
from apps.skills.models import ModelLine
from openflywheel.reading.archives import rows_in_archive
from openflywheel.reading.files import rows_in
from tests.people import TERMS, a_contribution, a_line, reverted, somebody

pytestmark = pytest.mark.django_db

# Whatever is a text here: many scripts, line breaks and spaces at either end, marks that join.
WORDS = st.text(
    st.one_of(
        st.sampled_from(" \t\n\r\u00a0\u2028äß你好مرحبا😀e\u0301\x1f\"\\,'{}[]"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    ),
    min_size=1,
    max_size=12,
).filter(str.strip)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": WORDS}
    ),
    max_size=3,
)
PROMPT = st.one_of(
    WORDS,
    st.builds(lambda earlier, now: [*earlier, {"role": "user", "content": now}], TURNS, WORDS),
)
SKILL = st.sampled_from([{}, {"skill": ""}, {"skill": None}, {"skill": "sums"}])
FIELDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    Kind.DATASET: st.fixed_dictionaries({"prompt": PROMPT, "completion": WORDS}),
    Kind.CORRECTION: st.fixed_dictionaries(
        {"prompt": PROMPT, "completion": WORDS}, optional={"original": st.just("") | WORDS}
    ).filter(lambda row: row.get("original") != row["completion"]),
    Kind.PREFERENCE: st.fixed_dictionaries(
        {"prompt": PROMPT, "chosen": WORDS, "rejected": WORDS}
    ).filter(lambda row: row["chosen"] != row["rejected"]),
    Kind.RATING: st.tuples(
        st.fixed_dictionaries({"prompt": PROMPT, "completion": WORDS}),
        st.one_of(
            st.fixed_dictionaries({"label": st.booleans()}),
            st.fixed_dictionaries({"stars": st.integers(1, 5)}),
            st.sampled_from([{"label": True, "stars": 4}, {"label": False, "stars": 3}]),
        ),
    ).map(lambda parts: parts[0] | parts[1]),
}


def exported(form: str, **chosen: Any) -> bytes:
    """What somebody gets; a stranger, unless `reader` says who."""
    selection = Selection(**{"reader": AnonymousUser(), **chosen})
    return b"".join(FORMATS[form].write(selection))


def rows_of(data: bytes, form: str) -> list[Any]:
    """The rows of an exported file, read as a sender's file is read."""
    file = io.BytesIO(data)
    if form == "hf":
        found = rows_in_archive(file, name="rows.zip", most=1024**2, told=str)
    else:
        found = rows_in(file, name=f"rows{FORMATS[form].ending}")
    return [row for _, row in found]


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def accepted(
    *rows: dict[str, Any],
    line: ModelLine | None = None,
    kind: str = Kind.DATASET,
    by: Account | None = None,
    **terms: Any,
) -> Contribution:
    known = {"licence": "CC0-1.0", "consent": "train", "signed_off": True}
    return a_contribution(
        line, rows=list(rows), kind=kind, by=by, stage=Stage.ACCEPTED, terms=Terms(**known | terms)
    )


@pytest.mark.parametrize("kind", Kind.values)
@given(data=st.data())
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_is_exported_and_sent_again_has_the_same_digest(
    data: st.DataObject, kind: str
) -> None:
    drawn = data.draw(st.lists(st.tuples(FIELDS[kind], SKILL), min_size=1, max_size=6))
    line = a_line("sums", "manners")
    own_skill = data.draw(st.sampled_from([None, line.skills.get(name="manners")]))
    sent = actions.offer(
        line,
        by=somebody(),
        kind=kind,
        title="",
        rows=[{**row, **skill} for row, skill in drawn],
        terms=TERMS,
        skill=own_skill,
    ).contribution
    mine = {"reader": sent.author, "mine": True}

    for form, style in (("ndjson", ""), ("ndjson", "conversational"), ("parquet", "")):
        again, _, refused = read_rows(rows_of(exported(form, style=style, **mine), form), kind)
        assert not refused
        assert content_digest(again) == sent.digest, (form, style)
    # The folder is made to be trained on: ratings that say neither are not in it.
    trains = [row for row in again if kind != Kind.RATING or row.label is not None]
    if trains:
        assert read_rows(rows_of(exported("hf", **mine), "hf"), kind)[0] == trains


def test_a_stranger_has_accepted_rows_that_were_given_to_be_trained_on_and_no_others() -> None:
    line = a_line()
    given = accepted({"prompt": "given", "completion": "c"}, line=line)
    accepted({"prompt": "to measure only", "completion": "c"}, line=line, consent="evaluate")
    accepted({"prompt": "to read only", "completion": "c"}, line=line, consent="review")
    accepted({"prompt": "to count only", "completion": "c"}, line=line, consent="rate")
    accepted({"prompt": "not to pass on", "completion": "c"}, licence="LicenseRef-proprietary")
    for stage in set(Stage.values) - {Stage.ACCEPTED}:
        a_contribution(line, rows=[{"prompt": stage, "completion": "c"}], stage=stage)

    assert [row["prompt"] for row in rows_of(exported("ndjson"), "ndjson")] == ["given"]
    for stage in set(Stage.values) - {Stage.ACCEPTED}:
        assert exported("ndjson", stage=stage) == b""
    assert [row["pr"] for row in rows_of(exported("ndjson", pr=given.pk), "ndjson")] == [given.pk]


def test_ones_own_rows_come_at_every_stage_and_with_every_consent_and_only_to_oneself() -> None:
    ada, bo, line = somebody(), somebody(), a_line()
    for stage in Stage.values:
        terms = Terms("LicenseRef-proprietary", "evaluate", True)
        rows = [{"prompt": stage, "completion": "c"}]
        a_contribution(line, by=ada, rows=rows, stage=stage, terms=terms)

    mine = rows_of(exported("ndjson", reader=ada, mine=True), "ndjson")

    assert {row["prompt"] for row in mine} == set(Stage.values)
    assert exported("ndjson", reader=bo) == b""
    assert exported("ndjson", reader=bo, mine=True) == b""
    drafts = exported("ndjson", reader=ada, stage=Stage.DRAFT)
    assert [row["prompt"] for row in rows_of(drafts, "ndjson")] == [Stage.DRAFT]


def test_only_the_revision_that_stands_goes_out() -> None:
    sent = a_contribution(rows=[{"prompt": "2+2", "completion": "5"}], stage="changes_requested")
    actions.revise(sent, by=sent.author, rows=[{"prompt": "2+2", "completion": "4"}], note="")

    rows = rows_of(exported("ndjson", reader=sent.author, mine=True), "ndjson")

    assert [row["completion"] for row in rows] == ["4"]


def test_every_row_says_where_it_comes_from_and_rows_are_chosen_by_kind_and_skill() -> None:
    line = a_line("sums", "manners")
    pr = accepted({"prompt": "2+2", "completion": "4", "skill": "sums"}, line=line)
    accepted({"prompt": "Hi", "completion": "Hello", "skill": "manners"}, line=line)
    accepted(
        {"prompt": "3+3", "completion": "7", "label": False, "skill": "sums"},
        line=line,
        kind=Kind.RATING,
    )

    (row,) = rows_of(exported("ndjson", kind="dataset", skill="sums"), "ndjson")

    stored = pr.revisions.get().rows.get()
    assert row == {
        "prompt": "2+2",
        "completion": "4",
        "skill": "sums",
        "kind": "dataset",
        "pr": pr.pk,
        "row": 0,
        "author": pr.author.username,
        "licence": "CC0-1.0",
        "digest": stored.digest,
    }


def test_a_dataset_folder_has_a_card_and_a_file_for_each_trainer_and_style_with_rows() -> None:
    line, many = a_line(), ROWS_A_GROUP + 3
    earlier = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    asked = [*earlier, {"role": "user", "content": "2+2"}]
    rows = [{"prompt": f"{number}+1", "completion": "more"} for number in range(many)]
    accepted(*rows, {"prompt": asked, "completion": "4"}, line=line, licence="CC-BY-4.0")
    accepted({"prompt": asked, "chosen": "4", "rejected": "5"}, line=line, kind=Kind.PREFERENCE)

    members = members_of(exported("hf"))

    assert list(members) == [
        "README.md",
        "data/sft/train.parquet",
        "data/sft_conversational/train.parquet",
        "data/dpo_conversational/train.parquet",
    ]
    card = yaml.safe_load(members["README.md"].decode().split("---")[1])
    assert card["license"] == ["cc-by-4.0", "cc0-1.0"]
    assert card["configs"] == [
        {"config_name": name, "data_files": f"data/{name}/train.parquet"} | more
        for name, more in (
            ("sft", {}),
            ("sft_conversational", {"default": True}),
            ("dpo_conversational", {}),
        )
    ]
    tables = {
        name.split("/")[1]: pq.read_table(io.BytesIO(data))
        for name, data in members.items()
        if name.endswith(".parquet")
    }
    assert {name: table.num_rows for name, table in tables.items()} == {
        "sft": many,
        "sft_conversational": many + 1,
        "dpo_conversational": 1,
    }
    assert tables["sft_conversational"].to_pylist()[-1]["prompt"] == asked
    assert tables["dpo_conversational"].to_pylist()[0]["chosen"] == [
        {"role": "assistant", "content": "4"}
    ]


def test_an_empty_export_is_a_file_all_the_same() -> None:
    assert exported("ndjson") == b""
    assert pq.read_table(io.BytesIO(exported("parquet"))).num_rows == 0
    assert list(members_of(exported("hf"))) == ["README.md"]


@pytest.mark.parametrize("form", list(FORMATS))
def test_the_same_content_gives_the_same_bytes(form: str) -> None:
    accepted({"prompt": "2+2", "completion": "4"})

    assert exported(form) == exported(form)


def test_an_etag_follows_the_content_and_the_form() -> None:
    line = a_line()
    accepted({"prompt": "2+2", "completion": "4"}, line=line)
    selection = Selection(reader=AnonymousUser())
    before = selection.etag("ndjson")
    assert selection.etag("ndjson") == before
    assert selection.etag("parquet") != before

    accepted({"prompt": "3+3", "completion": "6"}, line=line)

    assert selection.etag("ndjson") != before


@pytest.mark.parametrize("form", list(FORMATS))
def test_what_was_taken_out_again_goes_to_its_author_alone_who_asks_for_it(form: str) -> None:
    ada, chosen = somebody(), {"style": "standard"}
    out, _ = (accepted({"prompt": word, "completion": "c"}, by=ada) for word in "ab")
    selection = Selection(AnonymousUser())
    before = selection.etag(form)
    reverted(out)

    def prompts(**asked: Any) -> list[str]:
        return [row["prompt"] for row in rows_of(exported(form, **chosen, **asked), form)]

    assert selection.etag(form) != before
    assert prompts() == prompts(reader=ada) == ["b"]
    assert not Selection(AnonymousUser(), pr=out.pk).rows().exists()
    assert prompts(reader=ada, pr=out.pk) == ["a"]
    assert prompts(reader=ada, mine=True) == ["a", "b"]


def found_bad(pr: Contribution, *positions: int) -> Sample:
    """A sample of this content that found these rows bad."""
    sample = Sample.objects.create(
        contribution=pr,
        digest=pr.digest,
        revision=pr.revision,
        seed="",
        plan={},
        strata={},
        order=[],
    )
    for place, position in enumerate(positions):
        RowVerdict.objects.create(
            sample=sample, place=place, position=position, bad=True, by=somebody(Role.REVIEWER)
        )
    RowVerdict.objects.create(
        sample=sample, place=len(positions), position=0, bad=False, by=somebody(Role.REVIEWER)
    )
    return sample


@pytest.mark.parametrize("form", list(FORMATS))
def test_rows_that_a_sample_found_bad_stay_at_home(form: str) -> None:
    rows = [{"prompt": f"{number}+1", "completion": str(number + 1)} for number in range(4)]
    pr, other = accepted(*rows), accepted(*rows)
    found_bad(pr, 1, 3)

    out = [(row["pr"], row["row"]) for row in rows_of(exported(form, style="standard"), form)]

    assert out == [(pr.pk, 0), (pr.pk, 2), *((other.pk, number) for number in range(4))]


def test_what_an_earlier_revision_had_wrong_is_left_out_no_more() -> None:
    pr = accepted({"prompt": "2+2", "completion": "4"}, {"prompt": "3+3", "completion": "6"})
    sample = found_bad(pr, 1)
    sample.revision = 0
    sample.save()

    assert [row["row"] for row in rows_of(exported("ndjson"), "ndjson")] == [0, 1]


def test_authors_learn_nothing_of_an_open_sample_from_their_own_rows() -> None:
    ada = somebody()
    pr = accepted(
        {"prompt": "2+2", "completion": "4"}, {"prompt": "3+3", "completion": "6"}, by=ada
    )
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)
    mine = {"reader": ada, "mine": True}
    before = Selection(**mine).etag("ndjson")

    found_bad(pr, 1)

    assert [row["row"] for row in rows_of(exported("ndjson", **mine), "ndjson")] == [0, 1]
    assert Selection(**mine).etag("ndjson") == before
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.ACCEPTED)
    assert [row["row"] for row in rows_of(exported("ndjson", **mine), "ndjson")] == [0]
    assert Selection(**mine).etag("ndjson") != before


def test_no_more_than_a_group_of_rows_is_held_at_a_time() -> None:
    rows = [
        {"prompt": f"{number}+1", "completion": "x" * 2000} for number in range(4 * ROWS_A_GROUP)
    ]
    accepted(*rows)

    for form in ("ndjson", "parquet", "hf"):
        pieces = FORMATS[form].write(Selection(reader=AnonymousUser()))
        assert len([piece for piece in pieces if piece]) >= 4, form


def test_three_stars_go_out_as_they_are_and_not_into_what_is_trained_on() -> None:
    rows = [{"prompt": f"{stars}?", "completion": "c", "stars": stars} for stars in (1, 3, 5)]
    accepted(*rows, kind=Kind.RATING)

    told = rows_of(exported("ndjson"), "ndjson")
    trained = pq.read_table(io.BytesIO(members_of(exported("hf"))["data/kto/train.parquet"]))

    assert [(row["stars"], row.get("label")) for row in told] == [(1, False), (3, None), (5, True)]
    assert trained.select(["stars", "label"]).to_pylist() == [
        {"stars": 1, "label": False},
        {"stars": 5, "label": True},
    ]
