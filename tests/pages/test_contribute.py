"""First contributions as strangers make them, in a real Chromium, with a model that answers.

How many fields and seconds each took is printed (`pytest -s`); the seconds are a scripted
visitor's, who does not stop to think, and nothing is asserted of them.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from django.conf import settings

from apps.contributions.models import Contribution, Draft, DraftRow, Pair, Vote
from apps.rollouts import upstream
from apps.traces.models import Outcome, Trace
from tests.pages.serving import LIVE, RIVAL, published, serving
from tests.pages.test_walk import Walker, browser, walk  # noqa: F401
from tests.pages.world import PASSWORD, founded

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
pytestmark = pytest.mark.xdist_group("browser")

QUESTION = "Which day is 9.11.2026?"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("adapters")) as address:
        yield address


@pytest.fixture
def served(runtime: str, walk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: F811
    """A site with a line and a model that answers; opens windows on it."""
    monkeypatch.setattr(settings, "UPSTREAM_URL", runtime)
    upstream._client.cache_clear()
    published(founded())
    yield walk
    upstream._client.cache_clear()


class Journey:
    """Counts what a visitor fills in or picks, and how long it takes."""

    def __init__(self, window: Walker) -> None:
        self.page, self.fields, self.began = window.page, 0, time.monotonic()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)
        self.fields += 1

    def check(self, label: str) -> None:
        self.page.get_by_label(label).check()
        self.fields += 1

    def press(self, name: str) -> None:
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()

    def tell(self, name: str) -> None:
        print(f"\n{name}: {self.fields} fields, {time.monotonic() - self.began:.1f} s")


def join(page: Any, name: str) -> None:
    """Make an account on the way."""
    page.get_by_role("main").get_by_role("link", name="Make one").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()


def wait_until(page: Any, holds: Callable[[], object]) -> None:
    """Let the page go on until something comes true in the database."""
    for _ in range(60):
        if holds():
            return
        page.wait_for_timeout(200)


def looked_at(window: Walker, name: str) -> list[str]:
    """What axe finds on the open page, which is also looked at in three widths."""
    window.look(name, window.page.url)
    found = axe.Axe().run(window.page).response["violations"]
    return [f"{name}: {v['id']} {[n['html'][:120] for n in v['nodes']]}" for v in found]


BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@BOTH
def test_a_strangers_first_rating_takes_two_fields_and_counts_when_they_sign_in(
    scripts: bool, served: Any
) -> None:
    window = served(java_script_enabled=scripts)
    journey = Journey(window)

    window.page.goto("/playground")
    journey.fill("Ask the model something", QUESTION)
    journey.press("Ask")
    journey.press("Wrong")
    journey.fields += 1

    assert window.page.get_by_text("Thank you, that is kept.").is_visible()
    assert window.page.get_by_text(LIVE, exact=True).is_visible()
    journey.tell("a first rating")
    vote = Vote.objects.get()
    assert (vote.verdict, vote.account, vote.trace.version) == ("bad", None, LIVE)
    assert Outcome.objects.count() == 0
    assert journey.fields <= 3

    window.page.get_by_role("link", name="Correct it").click()
    window.page.goto("/sign-in")
    join(window.page, "willow")
    window.page.goto("/submit")

    outcome = Outcome.objects.get()
    assert (outcome.judge.username, outcome.success, outcome.trace) == ("willow", False, vote.trace)
    assert window.wrong == []


@BOTH
def test_a_blind_pair_becomes_a_preference_and_names_its_versions_after_the_vote(
    scripts: bool, served: Any
) -> None:
    window = served(java_script_enabled=scripts)
    page, journey = window.page, Journey(window)

    page.goto("/playground")
    journey.fill("Ask the model something", QUESTION)
    journey.press("Compare two answers blind")
    assert LIVE not in page.inner_text("main")
    assert RIVAL not in page.content()
    assert "tr_" not in page.content()
    journey.press("A is better")
    journey.fields += 1
    assert RIVAL in page.inner_text("main")
    page.get_by_role("link", name="Give it as a preference").click()
    journey.check("I wrote this, or have the right")
    journey.press("Send the PR")
    join(page, "willow")
    journey.fields += 2
    journey.press("Send the PR")

    page.wait_for_url("**/prs/*")
    journey.tell("a preference")
    pr, pair = Contribution.objects.get(), Pair.objects.get()
    row = pr.revisions.get().rows.get()
    assert (row.chosen, row.rejected, row.trace) == (pair.a.answer, pair.b.answer, pair.a)
    assert (pr.kind, pr.author.username, pr.source) == ("preference", "willow", "web")
    assert Vote.objects.get().account == pr.author
    assert window.wrong == []


@BOTH
def test_a_thousand_rows_with_one_bad_are_sent_without_it_or_mended_in_place(
    scripts: bool, served: Any, tmp_path: Path
) -> None:
    window = served(java_script_enabled=scripts)
    page = window.page
    rows = [{"prompt": f"Which day is {n}?", "completion": f"Day {n}."} for n in range(1000)]
    del rows[511]["completion"]
    file = tmp_path / "days.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))

    for mend in (False, True):
        journey = Journey(window)
        page.goto("/submit?kind=dataset&new=1")
        page.get_by_label("A file of rows").set_input_files(file)
        journey.fields += 1
        journey.press("Read the rows")
        assert page.get_by_text("1 row cannot be sent as it is").is_visible()
        assert page.get_by_text("Line 512: completion is missing or empty").is_visible()
        if mend:
            page.get_by_label("The right answer").fill("Day 511.")
            journey.fields += 1
            journey.press("Check the mended rows")
            page.get_by_text("1000 rows are ready to be sent.").wait_for()
        else:
            journey.press("Keep the 999 good rows")
            page.get_by_text("999 rows are ready to be sent.").wait_for()
        journey.fill("Title", "Days by number")
        journey.check("I wrote this, or have the right")
        journey.press("Send the PR")
        if not mend:
            join(page, "willow")
            journey.fields += 2
            journey.press("Send the PR")
        page.wait_for_url("**/prs/*")
        journey.tell(f"a thousand rows, {'mended' if mend else 'one left out'}")

    assert list(Contribution.objects.values_list("row_count", flat=True)) == [1000, 999]
    assert window.wrong == []


def dataset_folders(within: Path) -> dict[str, Path]:
    """Folders as Hugging Face's `datasets` and its Hub have them, and one of neither."""
    rows = [{"prompt": f"Which day is {n}?", "completion": f"Day {n}."} for n in range(3)]
    saved, split, hub, two, empty = (within / n for n in ("saved", "split", "hub", "two", "empty"))
    one = datasets.Dataset.from_list(rows)
    one.save_to_disk(saved)
    hidden = datasets.Dataset.from_list([{"prompt": "hidden", "completion": "h"}])
    datasets.DatasetDict(train=one, test=hidden).save_to_disk(split)
    (hub / "data").mkdir(parents=True)
    (hub / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Days\n")
    (hub / "days.py").write_text("raise SystemExit('nobody runs this')\n")
    one.to_parquet(hub / "data" / "train-00000-of-00001.parquet")
    hidden.to_parquet(hub / "data" / "test-00000-of-00001.parquet")
    # Two configurations: what some tool reads as it is, and everything.
    for part in ("some", "all"):
        (two / part).mkdir(parents=True)
        one.to_parquet(two / part / "rows.parquet")
    card = "---\nconfigs:\n- config_name: some\n  data_files: some/*\n"
    card += "- config_name: all\n  data_files: all/*\n  default: true\n---\n"
    (two / "README.md").write_text(card)
    empty.mkdir()
    (empty / "notes.txt").write_text("Nothing here.")
    return {"saved": saved, "split": split, "hub": hub, "two": two, "empty": empty}


def test_the_folder_of_a_hugging_face_dataset_is_picked_as_it_is(
    served: Any, tmp_path: Path
) -> None:
    window = served()
    page = window.page
    for name, folder in dataset_folders(tmp_path).items():
        page.goto("/submit?kind=dataset&new=1")
        page.get_by_label("Or the folder of a dataset").set_input_files(folder)
        page.get_by_role("button", name="Read the rows").click()
        if name == "empty":
            assert page.get_by_text("empty.zip holds no .jsonl, .csv").is_visible()
            continue
        page.get_by_text("3 rows are ready to be sent.").wait_for()
        first = page.get_by_label("What was asked of row 1")
        assert first.input_value() == "Which day is 0?", name

    assert window.wrong == []


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder.parent, folder.name))


def test_a_zip_is_taken_as_it_is_and_of_a_partly_bad_one_the_good_rows(
    served: Any, tmp_path: Path
) -> None:
    window = served()
    page = window.page
    folders = dataset_folders(tmp_path)
    for name in ("saved", "hub", "two"):
        if name == "hub":
            (folders[name] / "days.py").unlink()
        page.goto("/submit?kind=dataset&new=1")
        page.get_by_label("A file of rows").set_input_files(zipped(folders[name]))
        page.get_by_role("button", name="Read the rows").click()
        page.get_by_text("3 rows are ready to be sent.").wait_for()
        assert page.get_by_label("What was asked of row 1").input_value() == "Which day is 0?", name
    assert page.get_by_text("The card lists 2 configurations, and “all” was read.").is_visible()
    more = [{"prompt": "Which day is 9?", "completion": "Day 9."}, {"prompt": "Which day is 8?"}]
    lines = [*map(json.dumps, more), "{"]
    (folders["hub"] / "data" / "train-more.jsonl").write_text("\n".join(lines))

    page.goto("/submit?kind=dataset&new=1")
    page.get_by_label("A file of rows").set_input_files(zipped(folders["hub"]))
    page.get_by_role("button", name="Read the rows").click()
    page.get_by_text("2 rows cannot be sent as they are").wait_for()
    for line in (2, 3):
        assert page.get_by_text(f"hub/data/train-more.jsonl, line {line}: ").is_visible()
    window.wrong += looked_at(window, "a partly bad zip")
    page.get_by_role("button", name="Keep the 4 good rows").click()

    page.get_by_text("4 rows are ready to be sent.").wait_for()
    assert window.wrong == []


def test_what_was_typed_survives_a_lost_session_and_a_crash(served: Any) -> None:
    window = served()
    page = window.page
    page.goto("/submit?kind=correction")
    page.get_by_label("What was asked").fill(QUESTION)
    page.get_by_label("The right answer").fill("9 November 2026.")
    page.get_by_text("Draft saved at").wait_for()
    page.get_by_label("The right answer").fill("Monday, 9 November 2026.")
    page.close()

    window.context.clear_cookies(name="sessionid")
    again = window.context.new_page()
    again.goto("/submit?kind=correction")

    assert again.get_by_label("What was asked").input_value() == QUESTION
    assert again.get_by_label("The right answer").input_value() == "Monday, 9 November 2026."
    again.get_by_label("Title").fill("November is read as September")
    wait_until(again, lambda: Draft.objects.get().fields.get("title"))
    assert Draft.objects.get().fields["completion"] == "Monday, 9 November 2026."


def test_a_second_tab_is_told_and_both_versions_are_kept(served: Any) -> None:
    window = served()
    first = window.page
    first.goto("/submit?kind=correction")
    first.get_by_label("What was asked").fill(QUESTION)
    first.get_by_text("Draft saved at").wait_for()
    first.reload()
    second = window.context.new_page()
    second.goto("/submit?kind=correction")

    first.get_by_label("The right answer").fill("From the first tab.")
    first.get_by_text("Draft saved at").wait_for()
    second.get_by_label("The right answer").fill("From the second tab.")
    second.get_by_role("link", name="See both versions").click()

    told = second.inner_text("main")
    assert "From the first tab." in told
    assert "From the second tab." in told
    second.get_by_role("button", name="Go on with this one").click()
    answer = second.get_by_label("The right answer")
    assert answer.input_value() == "From the second tab."
    assert Draft.objects.get().asides.get().fields["completion"] == "From the first tab."


def test_hints_stand_beside_the_form_while_one_types(served: Any) -> None:
    window = served()
    page = window.page
    said = "apple lemon mirror"
    page.goto("/submit?kind=correction")
    page.get_by_label("What was asked").fill("Sort: lemon apple mirror")
    page.get_by_label("What the model answered").fill("lemon apple mirror")
    page.get_by_label("The right answer").fill(said)

    page.get_by_text("The current model already answers this").wait_for()
    assert page.locator("#hints ins").count() > 0
    page.get_by_label("The right answer").fill("Ask <b>ada.lovelace@engine-works.org</b>")
    mark = page.locator("#hints mark")
    mark.wait_for()
    assert mark.inner_text() == "ada.lovelace@engine-works.org"
    assert Trace.objects.count() == 0
    assert window.wrong == []


IN_ITS_PLACE = """field => {
  const layer = field.previousElementSibling, mark = layer.querySelector("mark");
  const [one, other] = [field.getBoundingClientRect(), layer.getBoundingClientRect()];
  const same = ["x", "y", "width", "height"].every(side => Math.abs(one[side] - other[side]) < 1);
  const here = document.activeElement === field;
  return [same, mark.textContent, layer.getAttribute("aria-hidden"), here];
}"""


def test_what_looks_private_is_underlined_in_its_field_while_one_types(served: Any) -> None:
    window = served(viewport={"width": 320, "height": 800})
    page = window.page
    page.goto("/submit?kind=correction")
    field = page.get_by_label("The right answer")
    field.fill("Ask\nada.lovelace@engine-works.org")
    page.locator(".private-layer mark").wait_for()
    mail = "ada.lovelace@engine-works.org"
    assert field.evaluate(IN_ITS_PLACE) == [True, mail, "true", True]

    field.press_sequentially(", or\nBob")

    assert field.evaluate(IN_ITS_PLACE) == [True, mail, "true", True]
    assert field.input_value() == f"Ask\n{mail}, or\nBob"
    field.fill("Ask nobody")
    page.locator(".private-layer").wait_for(state="detached")
    assert window.wrong == []


def test_a_field_of_one_line_and_the_earlier_turns_are_underlined_too(served: Any) -> None:
    window = served(viewport={"width": 320, "height": 800})
    page = window.page
    mail = "ada.lovelace@engine-works.org"
    page.goto("/submit?kind=correction")
    for _ in range(2):
        page.get_by_role("button", name="Add an earlier turn").click()
    for turn in page.get_by_label("What was said").all():
        turn.fill("Hello")
    second = page.get_by_label("What was said").nth(1)
    second.fill(f"Write to {mail}")
    title = page.get_by_label("Title")
    title.fill(f"What stands in the letters that were sent to {mail}")
    page.locator(".private-line mark").wait_for()

    # The field is narrower than its text, and has scrolled to the end; so has the copy.
    title.press("End")

    assert title.evaluate(IN_ITS_PLACE)[:2] == [True, mail]
    assert title.evaluate("f => f.scrollLeft > 9 && f.previousElementSibling.scrollLeft") == (
        title.evaluate("f => f.scrollLeft")
    )
    assert second.evaluate(IN_ITS_PLACE)[:2] == [True, mail]
    assert page.locator(".private-layer").count() == 2
    assert window.wrong == []


def test_rows_of_the_table_get_their_hints_too(served: Any) -> None:
    window = served()
    page = window.page
    page.goto("/submit?kind=dataset")
    page.get_by_label("What was asked of row 1").fill("Sort: lemon apple mirror")
    page.get_by_label("The right answer of row 1").fill("apple lemon mirror")
    page.get_by_text("Row 1: the current model already answers this").wait_for()
    second = page.get_by_label("The right answer of row 2")
    second.fill("Write to ada.lovelace@engine-works.org")

    page.get_by_text("Row 2, The right answer:").wait_for()
    page.locator(".private-layer mark").wait_for()

    assert second.evaluate(IN_ITS_PLACE)[:2] == [True, "ada.lovelace@engine-works.org"]
    # (The page before says the same.)
    with page.expect_navigation():
        page.get_by_role("button", name="Preview").click()
    page.get_by_text("Row 1: the current model already answers this").wait_for()
    page.get_by_text("Row 2, The right answer:").wait_for()
    assert window.wrong == []


def test_rows_are_typed_pasted_and_moved_by_keyboard(served: Any) -> None:
    window = served(permissions=["clipboard-read", "clipboard-write"])
    page = window.page
    page.goto("/submit?kind=dataset")
    first = page.get_by_label("What was asked of row 1")
    first.focus()
    copied = 'q1\ta1\nq2\t"a 2\nin two lines"\nq3\ta3\nq4\ta4\n'
    page.evaluate("text => navigator.clipboard.writeText(text)", copied)
    page.keyboard.press("Control+V")
    page.get_by_label("What was asked of row 4").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.get_by_role("button", name="Take out row 1").focus()
    page.keyboard.press("Enter")

    def cells() -> list[tuple[str, str]]:
        given = DraftRow.objects.values_list("given", flat=True)
        return [(row["prompt"], row["completion"]) for row in given]

    wait_until(page, lambda: len(cells()) == 3)
    assert cells() == [("q2", "a 2\nin two lines"), ("q4", "a4"), ("q3", "a3")]
    assert window.wrong == []


def test_rows_are_added_moved_and_taken_out_without_scripts(served: Any) -> None:
    window = served(java_script_enabled=False)
    page = window.page
    page.goto("/submit?kind=dataset")
    for number in (1, 2):
        page.get_by_label(f"What was asked of row {number}").fill(f"q{number}")
        page.get_by_label(f"The right answer of row {number}").fill(f"a{number}")
    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("What was asked of row 3").fill("q3")
    page.get_by_label("The right answer of row 3").fill("a3")
    page.get_by_role("button", name="Move up 3").click()
    page.get_by_role("button", name="Take out row 1").click()

    given = Draft.objects.get().rows.values_list("given", flat=True)
    assert [row["prompt"] for row in given] == ["q3", "q2"]
    assert window.wrong == []


@pytest.mark.crawl
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_contributing_are_whole_and_axe_finds_nothing(
    scheme: str, served: Any, tmp_path: Path
) -> None:
    window = served(color_scheme=scheme)
    page, found = window.page, list[str]()
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "c"}\n')

    page.goto("/playground")
    found += looked_at(window, "playground")
    page.get_by_label("Ask the model something").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    found += looked_at(window, "an answer")
    page.get_by_role("button", name="Wrong", exact=True).click()
    found += looked_at(window, "an answer rated")
    page.get_by_role("link", name="Correct it").click()
    page.get_by_label("The right answer").fill("Write to ada.lovelace@engine-works.org")
    page.get_by_text("Draft saved at").wait_for()
    page.get_by_role("button", name="Preview").click()
    found += looked_at(window, "a correction")
    page.goto("/playground")
    page.get_by_label("Ask the model something").fill(QUESTION)
    page.get_by_role("button", name="Compare two answers blind").click()
    found += looked_at(window, "a pair")
    page.get_by_role("button", name="B is better").click()
    found += looked_at(window, "a pair revealed")
    page.get_by_role("link", name="Give it as a preference").click()
    found += looked_at(window, "a preference")
    page.goto("/submit?kind=dataset")
    found += looked_at(window, "rows")
    page.get_by_label("A file of rows").set_input_files(bad)
    page.get_by_role("button", name="Read the rows").click()
    found += looked_at(window, "rows to mend")
    page.get_by_role("button", name="Show all rows").click()
    found += looked_at(window, "all rows")
    for name in ("drafts", "help-wanted"):
        page.goto(f"/{name}")
        found += looked_at(window, name)

    assert found + window.wrong == []
