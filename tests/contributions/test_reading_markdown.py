"""Names and numbers in a text: what is a mention, what is a reference, and what is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.contributions.discussion import reading

NAMES = st.from_regex(r"\w([\w.+-]{0,20}\w)?", fullmatch=True).filter(lambda n: n.isascii())


def numbers_in(text: str) -> list[int]:
    """The numbers of PRs that a text refers to, in its order."""
    runs = reading.plain_runs(reading.READER.parse(text))
    pieces = (piece for run in runs for piece in reading.pieces(run.content))
    return [int(piece.word[1:]) for piece in pieces if piece.kind == "number"]


@given(st.text())
def test_the_pieces_of_any_text_joined_again_are_the_text(text: str) -> None:
    assert "".join(piece.word for piece in reading.pieces(text)) == text


@given(NAMES, st.sampled_from(["{}", "Ask {}.", "({})", "{}, please", "*{}*", "- {}\n- b", "“{}”"]))
def test_a_name_is_found_wherever_a_sentence_puts_it(name: str, sentence: str) -> None:
    assert reading.names_in(sentence.format(f"@{name}")) == [name]


@given(st.integers(1, 9_999_999_999), st.sampled_from(["{}", "See {}.", "({})", "{}: yes"]))
def test_a_number_is_found_wherever_a_sentence_puts_it(number: int, sentence: str) -> None:
    assert numbers_in(sentence.format(f"#{number}")) == [number]


@given(st.text(alphabet="@#a1.`[]()\\\n -*", max_size=60))
def test_any_tangle_of_signs_is_read_without_a_crash(text: str) -> None:
    assert len(reading.names_in(text)) <= reading.MOST_MENTIONS
    assert all(number > 0 for number in numbers_in(text))
    done, tasks = reading.tasks_in(text)
    assert 0 <= done <= tasks


@pytest.mark.parametrize(
    "text",
    ["mail me@example.org", "`@code`", "```\n@fence #1\n```", "[@x](https://example.org)", "@@a",
     "#0", "a#1", "##1", "#1a", "/#1", "https://example.org/@x", "@", "#", "@ a"],
)  # fmt: skip
def test_what_only_looks_like_a_name_or_a_number_is_none(text: str) -> None:
    assert (reading.names_in(text), numbers_in(text)) == ([], [])


def test_tasks_are_counted_in_lists_and_nowhere_else() -> None:
    text = "- [x] one\n- [ ] two\n  1. [X] three\n\n[x] not a list\n\n> [ ] nor this"

    assert reading.tasks_in(text) == (2, 3)


def test_nobody_is_told_twenty_one_times() -> None:
    text = " ".join(f"@name{n}" for n in range(50))

    assert len(reading.names_in(text)) == reading.MOST_MENTIONS
