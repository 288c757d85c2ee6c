"""What a build reads is checked row by row, and laid out so that nothing fades."""

from pathlib import Path

import pytest

from tests.training.conftest import corrections, write_rows
from training.errors import DataRefused
from training.examples import Lessons, course, read_holdout, read_lessons, read_manifest
from training.spec import Example


def test_a_bad_row_is_refused_with_its_line(tmp_path: Path):
    good = corrections("docs", 1)[0]
    rows = write_rows(tmp_path / "rows.jsonl", [good, good | {"completion": " "}])

    with pytest.raises(DataRefused, match=r"Line 2 .* completion must be a text"):
        read_manifest(str(rows), None)


def test_broken_json_and_broken_utf8_are_refused_with_their_line(tmp_path: Path):
    for bad in (b'{"skill": ', b'"\xff"\n'):
        (tmp_path / "rows.jsonl").write_bytes(bad)
        with pytest.raises(DataRefused, match=r"Line [01] of the manifest"):
            read_manifest(str(tmp_path / "rows.jsonl"), None)


def test_a_file_that_changed_since_the_specification_is_refused(tmp_path: Path):
    rows = write_rows(tmp_path / "rows.jsonl", corrections("docs", 1))

    with pytest.raises(DataRefused, match="has changed since"):
        read_manifest(str(rows), "0" * 64)


def test_an_empty_manifest_is_nothing_to_learn(specify):
    with pytest.raises(DataRefused, match="there is nothing to learn"):
        read_lessons(specify([]))


def test_an_empty_holdout_would_let_everything_pass(tmp_path: Path):
    with pytest.raises(DataRefused, match="nothing could be measured"):
        read_holdout(write_rows(tmp_path / "holdout.jsonl", []), None)


def test_a_trusted_row_gives_way_to_a_contribution_with_its_prompt(specify):
    spec = specify(corrections("docs", 3))
    trusted = read_lessons(spec).replay[0]
    spec = specify([trusted.as_row() | {"completion": "something new"}])

    prompts = {row.prompt for row in read_lessons(spec).replay}

    assert trusted.prompt not in prompts


def test_a_conversation_keeps_its_turns(tmp_path: Path):
    turns = [{"role": "user", "content": "5 km in m?"}, {"role": "assistant", "content": "5000 m"}]
    row = corrections("units", 1)[0] | {"prompt": "And in cm?", "context": turns}
    rows = write_rows(tmp_path / "rows.jsonl", [row])

    (example,) = read_manifest(str(rows), None)

    assert example.messages == [*turns, {"role": "user", "content": "And in cm?"}]
    assert read_manifest(str(write_rows(tmp_path / "again.jsonl", [example.as_row()])), None) == [
        example
    ]


def test_a_trusted_row_stays_where_only_the_last_turn_of_a_conversation_is_the_same(specify):
    trusted = read_lessons(specify(corrections("docs", 3))).replay[0]
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    spec = specify([trusted.as_row() | {"completion": "something new", "context": turns}])

    prompts = {row.prompt for row in read_lessons(spec).replay}

    assert trusted.prompt in prompts


def test_trusted_rows_are_fresh_until_the_pool_is_used_up(specify):
    new = tuple(Example("docs", "sft", f"new {n}", "yes") for n in range(2))
    pool = tuple(Example("docs", "sft", f"old {n}", "yes") for n in range(8))
    spec = specify(corrections("docs", 1), epochs=4, replay_ratio=1.0, least_new=1)

    prompts = [row.prompt for row in course(Lessons(new, replay=pool), spec)]

    assert sorted(p for p in prompts if p.startswith("old")) == [f"old {n}" for n in range(8)]
    assert [prompts.count("new 0"), prompts.count("new 1")] == [4, 4]


def test_the_order_of_learning_depends_on_the_seed_alone(specify):
    spec = specify(corrections("docs", 6))
    other = specify(corrections("docs", 6), seed=1)
    lessons = read_lessons(spec)

    assert course(lessons, spec) == course(lessons, spec)
    assert course(lessons, spec) != course(lessons, other)
