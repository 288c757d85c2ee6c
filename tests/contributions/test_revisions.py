"""What changed between two revisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.contributions.actions import revise
from apps.contributions.models import Contribution, Row
from apps.contributions.revisions import as_lines, between, of_revision
from apps.contributions.rows import as_raw, mark_of, read_rows
from apps.contributions.stages import Stage
from tests.people import a_contribution

TEXT = st.sampled_from(["a", "b", "c", "d"])


def stored(answers: list[tuple[str, str]], first_key: int) -> list[Row]:
    return [
        Row(pk=first_key + n, position=n, prompt=prompt, completion=answer)
        for n, (prompt, answer) in enumerate(answers)
    ]


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8), st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_old_rows_with_their_changes_are_the_new_rows(
    old: list[tuple[str, str]], new: list[tuple[str, str]]
) -> None:
    before, after = stored(old, 1), stored(new, 100)

    changes = between(before, after)

    left = [mark_of(row) for row in before]
    for change in changes:
        if change.before:
            left.remove(mark_of(change.before))
        if change.after:
            left.append(mark_of(change.after))
    assert sorted(left) == sorted(mark_of(row) for row in after)
    assert all(mark_of(c.before) != mark_of(c.after) for c in changes if c.before and c.after)
    assert between(before, before) == []


@pytest.mark.django_db
def test_a_mended_row_an_added_one_and_one_left_out_are_told_apart() -> None:
    rows = [{"prompt": p, "completion": p} for p in ("one", "two", "three")]
    pr = a_contribution(rows=rows, stage=Stage.CHANGES_REQUESTED)
    mended = [{"prompt": "zero", "completion": "0"}, rows[0], {"prompt": "two", "completion": "2"}]
    revise(pr, by=pr.author, rows=mended, note="Mended")

    changes = between(list(of_revision(pr, 1)), list(of_revision(pr, 2)))

    told = [(c.kind, c.row.prompt, [name for name, _, _ in c.texts()]) for c in changes]
    assert told == [
        ("added", "zero", ["prompt", "completion"]),
        ("changed", "two", ["completion"]),
        ("removed", "three", ["prompt", "completion"]),
    ]
    assert [line["op"] for line in as_lines(changes)] == ["add", "change", "remove"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("dataset", {"messages": [{"role": "system", "content": "s"},
                                  {"role": "user", "content": "u"},
                                  {"role": "assistant", "content": "a"}], "client_id": "7"}),
        ("correction", {"prompt": "p", "original": "o", "completion": "c", "skill": "sums"}),
        ("preference", {"prompt": "p", "chosen": "c", "rejected": "r"}),
        ("rating", {"prompt": "p", "completion": "c", "label": False}),
    ],
)  # fmt: skip
def test_a_stored_row_sent_again_is_the_same_row(kind: str, row: dict[str, object]) -> None:
    pr: Contribution = a_contribution(kind=kind, rows=[row])
    [first] = of_revision(pr, 1)

    [again], _, refused = read_rows([as_raw(first)], kind)

    assert refused == []
    assert again.digest == first.digest
    assert (again.context, again.client_id, again.original) == (
        first.context, first.client_id, first.original,
    )  # fmt: skip
