"""What the buttons of the table and of the conversation do, without a script too."""

from typing import Any

from apps.contributions import drafts
from apps.contributions.models import Draft


def apply(draft: Draft, do: str) -> tuple[str, dict[str, Any]]:
    """Do what a button says (`remove-3`, `add-row`, `preview` …); returns where the page goes on:
    the anchor, and what its address says."""
    verb, _, at = do.rpartition("-")
    place = number(at)
    if verb == "remove":
        drafts.remove_row(draft, place)
    elif verb == "up":
        drafts.move_row(draft, place, place - 1)
    elif verb == "down":
        drafts.move_row(draft, place, place + 1)
    elif do == "keep-good":
        drafts.keep_good_rows(draft)
    elif do == "clear-rows":
        drafts.clear_rows(draft)
    if do == "preview":
        return "hints", {"preview": 1}
    if do == "add-turn":
        return "turns", {"turn": 1}
    if verb == "turnout":
        drafts.remove_turn(draft, place)
        return "turns", {}
    if do == "add-row":
        return "rows", {"blank": 1, "from": max(draft.rows.count() - 10, 0)}
    if do == "all-rows":
        return "rows", {"rows": "all"}
    if verb == "from":
        return "rows", {"from": place, "rows": "all"}
    return "rows", {}


def number(text: str) -> int:
    """A whole number of an address or a button; 0 where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
