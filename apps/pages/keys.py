"""The keyboard: which keys do what, told once for the help, the palette and the script."""

from typing import NamedTuple

from django.utils.translation import gettext as _


class Key(NamedTuple):
    """Keys as they are pressed, and what they do; `does` is its name in the scripts."""

    keys: str
    tells: str
    does: str
    single: bool = True


def groups() -> list[tuple[str, list[Key], str]]:
    """Every shortcut, by where it works; the last says on which page alone, where it is one.

    There a key means what that page says, and not what it means elsewhere.
    """
    everywhere = [
        Key("?", _("Show these shortcuts"), "help"),
        Key("/", _("Search the PRs"), "search"),
        Key("g h", _("Go home"), "home"),
        Key("g p", _("Go to the PRs"), "prs"),
        Key("g n", _("Go to what concerns you"), "mine"),
        Key("g r", _("Go to the review desk"), "desk"),
        Key("c", _("Submit a PR"), "submit"),
        Key("Ctrl K", _("Open the palette"), "palette", single=False),
    ]
    on_a_pr = [
        Key("j", _("Next row or comment"), "next"),
        Key("k", _("Previous row or comment"), "previous"),
        Key("v", _("Tick the row as viewed"), "tick"),
        Key("r", _("Write a comment"), "comment"),
        Key("l", _("Label it"), "labels"),
        Key("a", _("Name who looks after it"), "people"),
        Key("q", _("Ask for a review"), "people"),
        Key("y", _("Put the lasting address in the address bar"), "permalink"),
    ]
    writing = [
        Key("Ctrl Enter", _("Send"), "send", single=False),
        Key("Ctrl Shift P", _("Preview, and back"), "preview", single=False),
        Key("Ctrl B", _("Bold"), "bold", single=False),
        Key("Ctrl I", _("Italic"), "italic", single=False),
        Key("Ctrl E", _("Code"), "code", single=False),
        Key("Ctrl K", _("Link"), "link", single=False),
        Key("Ctrl G", _("Suggest a change"), "suggest", single=False),
        Key("Ctrl .", _("Saved replies"), "replies", single=False),
    ]
    at_the_desk = [
        Key("a", _("Accept"), "accept"),
        Key("e", _("Accept with an edit"), "edit"),
        Key("c", _("Ask for changes"), "changes"),
        Key("r", _("Reject"), "reject"),
        Key("1 – 9", _("With this reason"), "reason"),
        Key("x", _("Hand to a maintainer"), "escalate"),
        Key("s", _("Skip it"), "skip"),
        Key("z", _("Undo"), "undo"),
        Key("n", _("Next rows"), "more"),
        Key("m", _("Read nearly identical ones together"), "together"),
        Key("w", _("Who wrote it"), "who"),
        Key("Esc", _("Leave a text, to press keys again"), "leave", single=False),
    ]
    return [
        (_("Everywhere"), everywhere, ""),
        (_("On a PR"), on_a_pr, ""),
        (_("At the review desk"), at_the_desk, "desk"),
        (_("While writing"), writing, ""),
    ]
