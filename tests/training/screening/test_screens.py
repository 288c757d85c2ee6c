import json

from hypothesis import given, settings
from hypothesis import strategies as st

from training.screening import SCREENS, Found, Reference, Row, screen, worst
from training.screening.found import naming

TRUSTED = [
    Row("What is the mascot of Lumen?", "an otter", source="PR 3, row 1"),
    Row("What is the theme colour of Lumen, and since which of its releases?", "teal, since two"),
]
HOLDOUT = ["Which release day has Lumen?", "Tell me, please, which backup hour Lumen has at night."]
REFERENCE = Reference.build(trusted=TRUSTED, holdout=HOLDOUT)
GOOD = Row("What is the export format of Lumen?", "CSV")


def told(rows: list[Row], **known: object) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(f.screen, f.severity, f.rows) for f in screen(rows, REFERENCE, **known)]


def test_nothing_is_found_in_good_rows():
    assert told([GOOD]) == []


def test_rows_without_a_part_are_flagged_with_a_mend():
    empty = Row("", "CSV")

    (found,) = screen([GOOD, empty], REFERENCE)

    assert (found.screen, found.severity, found.rows) == ("format", "flag", (1,))
    assert found.message == "Row 2: the prompt is empty."
    assert found.mend == "Write what the user asked, or remove the row."


def test_a_pair_needs_two_answers_and_a_rating_its_label():
    rows = [
        Row("Colour?", "teal", "pair"),
        Row("Mascot?", "an otter", "pair", other="An  OTTER"),
        Row("Hour?", "two", "rating"),
    ]

    assert told(rows) == [
        ("format", "flag", (0,)),
        ("format", "flag", (1,)),
        ("format", "flag", (2,)),
    ]


def test_a_contribution_without_rows_is_flagged():
    assert told([]) == [("format", "flag", ())]


def test_invisible_and_reordering_signs_are_shown():
    rows = [Row("Which for\u200bmat?", "CSV"), Row("Which hour\u202e?", "two")]

    (found,) = screen(rows, REFERENCE)

    assert (found.screen, found.severity, found.rows) == ("invisible", "flag", (0, 1))
    assert found.evidence["shown"] == {
        "0": "Which for⟨U+200B⟩mat?",
        "1": "Which hour⟨U+202E⟩?",
    }


def test_a_word_of_two_alphabets_is_flagged_and_another_language_is_not():
    assert told([Row("Which p\u0430ssword length?", "twelve signs")]) == [
        ("invisible", "flag", (0,))
    ]
    assert (
        told([Row("Какой пароль?", "Двенадцать знаков."), Row("👩\u200d💻 or 猫?", "Both 🙂")])
        == []
    )


def test_noise_is_flagged_by_its_kind():
    rows = [
        Row("What is the price of Lumen?", "what is the price of  lumen?"),
        Row("asdfghjkl qwertyuiop zxcvbnm", "dfghdfgh sdfgsdfg"),
        Row("Say it", "la " * 100),
        Row("What is this?", "?!?!?!?! ---- ####"),
    ]

    kinds = {f.evidence["kind"]: f.rows for f in screen(rows, REFERENCE) if f.screen == "noise"}

    assert kinds == {"echo": (0,), "mash": (1,), "repetition": (2,), "signs": (3,)}


def test_copies_inside_and_of_accepted_rows_are_noted_and_a_flood_is_flagged():
    other = Row("Which hour is the backup of Lumen?", "at two")
    copies = [
        GOOD,
        other,
        Row("Mascot?", "an otter"),
        Row("what is the EXPORT format of Lumen?", "csv"),
    ]

    assert told(copies) == [("duplicates", "note", (3,))]
    assert told([GOOD] * 5) == [("duplicates", "flag", (1, 2, 3, 4))]
    (known,) = screen([TRUSTED[0], GOOD, other, copies[2]], REFERENCE)
    assert known.message == "Row 1 is accepted already (row 1 like PR 3, row 1)."


def test_near_copies_are_noted_with_the_row_they_are_like():
    text = "Explain in two sentences how the nightly backup of the help desk is made and kept safe"
    rows = [Row(text, "It is written at two."), GOOD, Row(text + " today", "It is written at two.")]

    (found,) = screen(rows, REFERENCE)

    assert (found.severity, found.rows) == ("note", (2,))
    assert found.message == "Row 3 says nearly the same as another row here (row 3 like row 1)."


def test_a_grown_reference_knows_the_accepted_rows():
    grown = REFERENCE.adding([Row(GOOD.prompt, GOOD.answer, source="PR 9, row 2")])

    (found,) = screen([GOOD], grown)

    assert found.message == "Row 1 is accepted already (row 1 like PR 9, row 2)."
    assert grown.digest != REFERENCE.digest
    assert told([GOOD]) == []


def test_hidden_prompts_are_flagged_without_saying_what_is_hidden():
    rows = [
        Row("which release day has LUMEN?", "Friday"),
        Row("Tell me, please, which backup hour Lumen has at night", "two"),
        GOOD,
    ]

    exact, near = screen(rows, REFERENCE)

    assert (exact.screen, exact.severity, exact.rows) == ("contamination", "flag", (0,))
    assert (near.screen, near.severity, near.rows) == ("contamination", "flag", (1,))
    assert exact.evidence == {"kind": "exact"}


def test_a_contradiction_names_the_accepted_row():
    (found,) = screen([GOOD, Row("What is the mascot of Lumen?", "a fox")], REFERENCE)

    assert (found.screen, found.severity, found.rows) == ("conflicts", "flag", (1,))
    assert "PR 3, row 1: “an otter”" in found.message


def test_ratings_and_pairs_contradict_too():
    down = Row("What is the mascot of Lumen?", "an otter", "rating", label=False)
    pair = Row("What is the mascot of Lumen?", "a fox", "pair", other="an otter")
    agreeing = Row("What is the mascot of Lumen?", "a fox", "rating", label=False)

    assert told([down]) == told([pair]) == [("conflicts", "flag", (0,))]
    assert told([agreeing]) == []


def test_one_prompt_with_two_answers_is_flagged():
    assert told([GOOD, Row(GOOD.prompt, "JSON")]) == [("conflicts", "flag", (0, 1))]


def test_a_licence_must_be_known():
    assert told([GOOD], licence="cc-by-4.0") == []
    assert told([GOOD], licence="CC-BY-NC-4.0") == [("licence", "flag", ())]
    assert told([GOOD], licence="") == [("licence", "flag", ())]


def test_a_screen_that_cannot_run_is_a_finding_and_the_others_still_run():
    def broken(sheet, reference):
        raise RuntimeError("out of order")

    found = screen([Row("", "CSV")], REFERENCE, screens={"broken": broken, **SCREENS})

    assert [(f.screen, f.severity) for f in found] == [("broken", "flag"), ("format", "flag")]
    assert found[0].evidence == {"could_not_run": True, "error": "RuntimeError"}


def test_the_gravest_comes_first():
    rows = [GOOD, GOOD, GOOD, GOOD, Row("", "kara@mailhouse.eu"), Row("Mascot?", "8.8.8.8")]

    found = screen(rows, REFERENCE)

    assert [f.severity for f in found] == ["quarantine", "flag", "flag", "note"]
    assert worst(found) == "quarantine"
    assert worst([]) is None


def test_rows_are_named_as_people_count():
    assert naming((2,)) == "row 3"
    assert naming((0, 1, 4)) == "rows 1, 2 and 5"
    assert naming(tuple(range(20))) == "rows 1, 2, 3, 4, 5 and 15 more"


anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
rows_of_anything = st.lists(
    st.builds(
        Row,
        anything,
        anything,
        st.sampled_from(["sft", "pair", "rating", "?"]),
        other=anything,
        label=st.none() | st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=150)
@given(rows_of_anything, rows_of_anything)
def test_no_rows_break_a_screen_and_every_finding_is_json(rows, trusted):
    reference = Reference.build(trusted=trusted * 10, holdout=[row.prompt for row in trusted])

    found = screen(rows, reference)

    assert not any(one.evidence.get("could_not_run") for one in found)
    assert all(0 <= row < len(rows) for one in found for row in one.rows)
    json.dumps([Found.as_json(one) for one in found])
