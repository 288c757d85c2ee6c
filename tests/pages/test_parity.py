"""The list of what a PR page can do names real tests, and says why for what it cannot."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
SHORT = dict(re.findall(r"`([A-Z])`\s+(?:is\s+)?`(tests/\S+?)`", PAGE))
ROWS = re.findall(r"^\| (\w+) \| (.+?) \| (yes|partly|no) \| (.+) \|$", PAGE, re.MULTILINE)


def test_the_list_has_forty_affordances_and_five_beyond() -> None:
    assert [number for number, *_ in ROWS] == [*map(str, range(1, 41)), *"abcde"]


def test_every_test_that_it_names_exists() -> None:
    named = re.findall(r"`([\w/.]+)::(test_\w+)`", PAGE)

    assert len(named) > 40
    for file, name in named:
        text = (ROOT / SHORT.get(file, file)).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file}::{name}"


def test_what_is_there_has_a_test_and_what_is_not_a_reason() -> None:
    for number, _, state, says in ROWS:
        assert ("::test_" in says) == (state != "no") or number == "1", number
        assert says.strip(), number
