"""How things look: the icons, and for every stage its word, its tone and its icon."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _


class Look(NamedTuple):
    """A word that people read, the tone that supports it and the icon that repeats it."""

    word: str | Promise
    tone: str
    icon: str


# Strokes on a field of 24 by 24, drawn for this site.
ICONS: dict[str, str] = {
    "alert": "M12 4 3 20h18L12 4zM12 10v4M12 17v.5",
    "arrow": "M5 12h14M13 6l6 6-6 6",
    "back": "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 0 12",
    "branch": "M7 5v14M7 12c0-4 10-1 10-6M7 5v0M17 5v0",
    "check": "M5 12.5l4.5 4.5L19 7.5",
    "clock": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
    "close": "M6 6l12 12M18 6 6 18",
    "copy": "M9 9h11v11H9zM5 15H4V4h11v1",
    "cross": "M7 7l10 10M17 7 7 17",
    "dot": "M12 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z",
    "down": "M12 5v13M6 12.5l6 6 6-6",
    "eye": "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"
    "M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
    "flag": "M6 21V4h12l-3 4.5 3 4.5H6",
    "gear": "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 3v3M12 18v3M3 12h3M18 12h3"
    "M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2",
    "inbox": "M4 13l3-8h10l3 8v6H4v-6zM4 13h5l1 2.5h4l1-2.5h5",
    "info": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 8v-.5",
    "key": "M8 12a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 13 20 4M16 8l3 3",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "pause": "M9 6v12M15 6v12",
    "pencil": "M4 20l1-4.5L16 4.5 19.5 8 8.5 19 4 20z",
    "play": "M8 5.5v13l10-6.5-10-6.5z",
    "plus": "M12 5v14M5 12h14",
    "shield": "M12 3l8 3v5c0 5-3.4 8.4-8 10-4.6-1.6-8-5-8-10V6l8-3z",
    "skip": "M6 6l8 6-8 6V6zM18 6v12",
    "turn": "M5 9h10a5 5 0 0 1 0 10H9M9 5 5 9l4 4",
    "bubble": "M4 5h16v11H10l-4 4v-4H4z",
    "heart": "M12 20S4 15 4 9.5A4 4 0 0 1 12 8a4 4 0 0 1 8 1.5C20 15 12 20 12 20z",
    "label": "M4 4h8l8 8-8 8-8-8zM8 8v.5",
    "link": "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1"
    "M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
    "people": "M9 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM3 19c0-3.5 2.5-5 6-5s6 1.5 6 5"
    "M16 5.5a3 3 0 0 1 0 5.5M17.5 14.5c2.3.6 3.5 2 3.5 4.5",
    "question": "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3M12 18v.5",
    "smile": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8 14c1.5 2.5 6.5 2.5 8 0M9 9.5v.5M15 9.5v.5",
    "star": "M12 4l2.5 5.2 5.5.8-4 4 1 5.7-5-2.7-5 2.7 1-5.7-4-4 5.5-.8z",
    "thumb": "M8 11v9H4v-9zM8 12l3.5-8c1.5 0 2.5 1 2.5 2.5V10h5l-1.5 8.5-1.5 1.5H8",
    "thumb_down": "M8 13V4H4v9zM8 12l3.5 8c1.5 0 2.5-1 2.5-2.5V14h5l-1.5-8.5L16 4H8",
    "train": "M6 4h12v11H6zM6 10h12M8 19l2-4M16 19l-2-4M9 12.5v.5M15 12.5v.5",
    "up": "M12 19V6M6 11.5 12 5.5l6 6",
    "withdraw": "M19 12H5M11 6l-6 6 6 6",
}

STAGES: dict[str, Look] = {
    # of a contribution
    "draft": Look(_("Draft"), "quiet", "pencil"),
    "submitted": Look(_("Being checked"), "info", "clock"),
    "in_review": Look(_("In review"), "info", "eye"),
    "quarantined": Look(_("Quarantined"), "warn", "shield"),
    "changes_requested": Look(_("Changes asked for"), "warn", "turn"),
    "accepted": Look(_("Accepted"), "good", "check"),
    "rejected": Look(_("Rejected"), "bad", "cross"),
    "withdrawn": Look(_("Withdrawn"), "quiet", "withdraw"),
    # of a build
    "planned": Look(_("Planned"), "quiet", "clock"),
    "training": Look(_("Training"), "work", "gear"),
    "comparing": Look(_("Comparing"), "work", "eye"),
    "ready": Look(_("Ready"), "good", "check"),
    "failed": Look(_("Failed"), "bad", "cross"),
    "refused": Look(_("Refused"), "bad", "shield"),
    "skipped": Look(_("Skipped"), "quiet", "skip"),
    # of a rollout
    "shadow": Look(_("In shadow"), "work", "eye"),
    "widening": Look(_("Widening"), "info", "up"),
    "live": Look(_("Live"), "good", "check"),
    "paused": Look(_("Paused"), "warn", "pause"),
    "rolled_back": Look(_("Rolled back"), "bad", "turn"),
    "superseded": Look(_("Superseded"), "quiet", "skip"),
}

SEVERITIES: dict[str, Look] = {
    "note": Look(_("Note"), "info", "info"),
    "flag": Look(_("For a person to look at"), "warn", "flag"),
    "quarantine": Look(_("Quarantine"), "bad", "shield"),
}

VERDICTS: dict[str, Look] = {
    "accept": Look(_("Accepted"), "good", "check"),
    "changes": Look(_("Asked for changes"), "warn", "turn"),
    "reject": Look(_("Rejected"), "bad", "cross"),
    "release": Look(_("Released from quarantine"), "info", "shield"),
}

# A reaction is an icon with its word; pictures from a font would differ on every system.
FEELINGS: dict[str, Look] = {
    "agree": Look(_("Agree"), "good", "thumb"),
    "disagree": Look(_("Disagree"), "bad", "thumb_down"),
    "thanks": Look(_("Thanks"), "accent", "heart"),
    "glad": Look(_("Glad"), "warn", "star"),
    "puzzled": Look(_("Puzzled"), "work", "question"),
    "watching": Look(_("Watching"), "info", "eye"),
}

LEVELS: dict[str, Look] = {
    "debug": Look(_("Note"), "quiet", "info"),
    "info": Look(_("Note"), "info", "info"),
    "success": Look(_("Done"), "good", "check"),
    "warning": Look(_("Careful"), "warn", "alert"),
    "error": Look(_("That did not work"), "bad", "alert"),
}


def of_stage(stage: str) -> Look:
    """The look of a stage; an unknown one is shown by its own name, in the quiet tone."""
    return STAGES.get(stage, Look(stage.replace("_", " ").capitalize(), "quiet", "dot"))


def digest(text: str) -> SafeString:
    """A digest or another name made by machines, in the fixed face."""
    return format_html('<span class="digest">{}</span>', text)
