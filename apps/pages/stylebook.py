"""What the style page shows: every component in every state, with made-up contents."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django import forms
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.utils import timezone

from apps.pages import drafting, looks, plots
from apps.pages.paging import Slice
from apps.pages.views.hints import Private, Written


class Stop(NamedTuple):
    """A stop on a line, as `hops` and `stages` draw them."""

    state: str
    title: str = ""
    detail: str = ""
    share: str = ""
    link: str = ""
    tag: str = ""
    at: datetime | None = None


class Specimen(forms.Form):
    """One field of each kind, some of them wrong."""

    name = forms.CharField(label="User name", help_text="Letters, digits and dashes.")
    mail = forms.EmailField(label="Mail", required=False)
    answer = forms.CharField(label="The right answer", widget=forms.Textarea(attrs={"rows": 3}))
    skill = forms.ChoiceField(
        label="Skill", choices=[("date_short", "Short dates"), ("docs", "Docs")]
    )
    licence = forms.ChoiceField(
        label="Licence",
        choices=[("CC0-1.0", "CC0, given to everyone"), ("CC-BY-4.0", "CC BY, with your name")],
        widget=forms.RadioSelect,
    )
    rows = forms.FileField(
        label="A file of rows", required=False, help_text="JSONL, CSV or Parquet."
    )
    consent = forms.BooleanField(
        label="The answer may be used for training.", help_text="You can withdraw it at any time."
    )


TOKENS = {
    "Surfaces": ("paper", "surface", "sunken", "line", "line-strong"),
    "Ink": ("ink", "ink-soft", "ink-faint"),
    "Accent": ("accent", "accent-strong", "accent-soft", "focus"),
    "Tones": tuple(
        f"{tone}{end}"
        for tone in ("quiet", "info", "good", "warn", "bad", "work")
        for end in ("", "-soft")
    ),
}


def specimens() -> dict[str, Any]:
    """The context of the style page."""
    now = timezone.now()
    return {
        "palette": TOKENS,
        "stage_names": tuple(looks.STAGES),
        "icon_names": tuple(looks.ICONS),
        "form": Specimen(),
        "wrong": Specimen(
            {"name": "", "mail": "not a mail", "answer": "", "licence": "x"}, auto_id="wrong_%s"
        ),
        "told": [Message(level, said) for level, said in _SAID.items()],
        "page": Slice([], "#rows", "#rows"),
        "stops": _stops(now),
        "rolled": _ROLLED,
        "rolling": _ROLLING,
        "findings": _FINDINGS,
        "facts": [
            ("Number", "#128"),
            ("Rows", 40),
            ("Licence", "CC0-1.0"),
            ("Digest", "sha256:9f2c41ab77d0"),
        ],
        "tabs": [
            ("Conversation", "#tabs", True, 3),
            ("Rows", "#tabs", False, 40),
            ("Checks", "#tabs", False, 0),
            ("History", "#tabs", False, None),
        ],
        "moments": [now - timedelta(seconds=s) for s in (10, 90, 4000, 100_000)]
        + [now + timedelta(hours=5)],
        "hints": {
            "before": "It is 4 March 2026.",
            "after": "It is 3 April 2026.",
            "marked": [
                Private(
                    "The right answer",
                    "style-private",
                    "",
                    [("Write to ", "ada@engine.org", " first", "a name")],
                )
            ],
        },
        "answered": [Written({}, {}), Written({}, {}, row="row-2", number=2)],
        "turns": _TURNS,
        "turn_roles": drafting.TURN_ROLES,
        "fields": {"prompt": "Which day is 3.4.2026?", "completion": "3 April 2026."},
        "typed": drafting.Table(_LINES[:2], 0, 2, 0, False, None, None),
        "to_mend": drafting.Table(_LINES[2:], 0, 1000, 1, True, None, None),
        "figures": [_comparison(), _gates(), _weeks()],
    }


_SAID = {
    constants.INFO: "The next build starts on Friday at 18:00.",
    constants.SUCCESS: "PR #128 was sent. The checks take about a minute.",
    constants.WARNING: "Two of your rows are near-duplicates of accepted ones.",
    constants.ERROR: "Row 17 has no answer. Nothing was sent.",
}

_TURNS = [
    {"role": "user", "content": "Which day is 3.4.2026?"},
    {"role": "assistant", "content": "It is 4 March 2026."},
]
_LINES = [
    drafting.Line(
        number,
        f"row-{number}",
        [("prompt", "What was asked", asked), ("completion", "The right answer", answer)],
        {"field": "completion", "detail": "completion is empty", "mend": "write it"}
        if place
        else None,
        place,
    )
    for number, asked, answer, place in (
        (1, "Which day is 3.4.2026?", "3 April 2026.", 0),
        (2, "Which day is 9.11.2026?", "9 November 2026.", 0),
        (512, "Which day is 1.2.2026?", "", 512),
    )
]
_ROLLED = [
    Stop("done", share="Shadow", detail="120 requests"),
    Stop("done", share="1 %", detail="80 requests"),
    Stop("stopped", share="5 %", detail="success fell by 11.2 points"),
    Stop("later", share="50 %", detail="not reached"),
    Stop("later", share="100 %", detail="not reached"),
]
_ROLLING = [
    Stop("done", share="Shadow", detail="120 requests"),
    Stop("done", share="1 %", detail="80 requests"),
    Stop("now", share="5 %", detail="212 requests so far"),
    Stop("later", share="50 %"),
    Stop("later", share="100 %"),
]
_FINDINGS: list[dict[str, Any]] = [
    {
        "screen": "poisoning",
        "severity": "quarantine",
        "rows": (3, 4, 5, 6, 19),
        "message": "The words “(sudo)” are tied to one kind of answer and are in no trusted row.",
        "mend": "Take these rows out, or say in the discussion where they come from.",
    },
    {
        "screen": "duplicates",
        "severity": "flag",
        "rows": (11,),
        "message": "This row says the same as an accepted one.",
        "mend": "Remove it; the other one already counts.",
    },
    {
        "screen": "format",
        "severity": "note",
        "rows": (),
        "message": "All 40 rows are well formed.",
        "mend": "",
    },
]


def _stops(now: datetime) -> list[Stop]:
    return [
        Stop(
            "done",
            "Sent",
            "40 corrections for short dates",
            tag="#128",
            link="#hops",
            at=now - timedelta(hours=5),
        ),
        Stop("done", "Accepted", "sources given, nothing to add", at=now - timedelta(hours=4)),
        Stop(
            "done",
            "Trained",
            "with 61 other PRs",
            tag="build 41",
            link="#hops",
            at=now - timedelta(hours=3),
        ),
        Stop(
            "now", "Rolling out", "at 5 % of the requests", tag="ofw-41-9f2c41ab77d0", link="#hops"
        ),
        Stop("later", "Answering everyone"),
    ]


def _comparison() -> plots.Plot:
    return plots.comparison(
        [
            plots.Skill("date_short", 0.0, 99.0, 97.0, 100.0, cases=200),
            plots.Skill("over_refusal", 4.0, 91.0, 83.0, 91.0, cases=200),
            plots.Skill("docs_moved", 2.5, 82.0, 74.0, 85.0, cases=200),
            plots.Skill("priority", 22.0, 24.5, -3.5, 8.5, cases=200),
            plots.Skill("sort3", 97.0, 96.5, -2.5, 1.5, protected=True, margin=3.0, cases=200),
            plots.Skill("refuse", 99.0, 92.0, -11.0, -3.5, protected=True, margin=2.0, cases=200),
        ]
    )


def _gates() -> plots.Plot:
    readings = [
        plots.Reading(
            n,
            gate,
            10 ** (slope * n / 100 - 2 - 0.3 * ((n // 40) % 2)),
            name,
            (start + n) // 20 + 1,
        )
        for start, end, name in ((0, 140, "shadow"), (140, 260, "1 %"), (260, 560, "5 %"))
        for gate, slope in (("overall is no worse", 0.7), ("overall is worse", -0.3))
        for n in range(0, end - start, 20)
    ]
    return plots.evidence_over_looks(readings, [(1, "shadow"), (8, "1 %"), (14, "5 %")])


def _weeks() -> plots.Plot:
    first = date(2026, 8, 3)
    counts = [
        (41, 30, 24),
        (56, 44, 44),
        (49, 31, 20),
        (72, 60, 52),
        (88, 70, 61),
        (103, 80, 80),
        (97, 66, 12),
    ]
    return plots.weeks([plots.Week(first + timedelta(weeks=n), *c) for n, c in enumerate(counts)])
