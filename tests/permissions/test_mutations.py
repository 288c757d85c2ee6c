"""Each permission check is taken away in turn, and a cell of the matrix must notice.

A check that no cell depends on is either idle or untested. `GUARDS` names every function that lets
somebody through or does not, with the lines of the matrix that stand on it; what only other tests
can notice stands in `ELSEWHERE`, with the test.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Account, Role, Token
from apps.contributions.models import Contribution
from tests.permissions.test_matrix import MATRIX, METHODS, ROLES, ask, roles_in, world

__all__ = ["world"]
pytestmark = pytest.mark.django_db


def nothing(*_: Any, **__: Any) -> None:
    """What `ensure_…` does when it lets everybody through."""


def yes(*_: Any, **__: Any) -> bool:
    """What `may_…` says when everybody may."""
    return True


# The check, what stands in its place, and the addresses whose cells notice.
GUARDS: list[tuple[str, Callable[..., Any], tuple[str, ...]]] = [
    ("apps.builds.rules.ensure_may_plan", nothing, ("api:builds",)),
    ("apps.builds.rules.ensure_may_override", nothing, ("api:override", "pages:override")),
    ("apps.builds.rules.ensure_may_hold", nothing, ("api:hold",)),
    ("apps.contributions.rules.ensure_may_offer", nothing, ("api:contributions", "api:bulk")),
    ("apps.contributions.rules.is_author", yes, ("api:withdraw", "pages:contribution")),
    ("apps.contributions.rules.may_see_rows", yes, ("api:contribution-rows", "pages:patch")),
    ("apps.reviews.rules.may_decide", yes, ("pages:review_together", "pages:audit")),
    ("apps.reviews.rules.may_review", yes, ("pages:desk", "pages:next")),
    ("apps.reviews.rules.ensure_may_decide", nothing, ("api:decision", "pages:review")),
    ("apps.reviews.rules.ensure_may_review", nothing, ("api:decision", "pages:review")),
    ("apps.reviews.agreement.halves.is_low_risk", yes, ("api:claim",)),
    ("apps.reviews.rules.ensure_may_release", nothing, ("api:decision", "pages:finish_review")),
    ("apps.rollouts.rules.ensure_may_start", nothing, ("api:pause", "pages:rollout_act")),
    ("apps.rollouts.rules.ensure_may_roll_back", nothing, ("api:roll-back", "pages:rollout_act")),
    ("apps.contributions.discussion.rules.may_label", yes, ("pages:labels_of",)),
    ("apps.contributions.discussion.rules.ensure_may_label", nothing, ("pages:labels_of",)),
    ("apps.contributions.discussion.rules.may_lock", yes, ("pages:lock",)),
    ("apps.contributions.discussion.rules.ensure_may_lock", nothing, ("pages:lock",)),
    ("apps.contributions.discussion.rules.may_make_labels", yes, ("pages:labels",)),
    ("apps.accounts.rules.voices_needed", lambda *_: 1, ("api:role",)),
    ("apps.accounts.queries.tokens_in_hand", lambda _: Token.objects.all(), ("api:token",)),
    (
        "apps.accounts.queries.services_of",
        lambda _: Account.objects.filter(role=Role.SERVICE),
        ("api:service-tokens",),
    ),
    ("apps.contributions.queries.seen_by", lambda _, n: Contribution.objects.get(pk=n),
     ("api:contribution",)),
    ("apps.api.authentication.HasScope.has_permission", yes, ("api:comparisons",)),
    ("apps.pages.views.contributions.seen", lambda _, n: Contribution.objects.get(pk=n),
     ("pages:contribution",)),
]  # fmt: skip

# Checks that no single question of the matrix depends on, and what shows them.
ELSEWHERE = {
    # The second of two people.
    "apps.accounts.rules.may_second": "accounts/test_roles.py",
    "apps.builds.rules.may_override": "builds/test_planning.py",
    "apps.reviews.rules.may_release": "reviews/test_deciding.py",
    # Locked talk, threads and comments that the world of the matrix does not have.
    "apps.contributions.discussion.rules.may_say": "contributions/test_discussion.py",
    "apps.contributions.discussion.rules.ensure_may_say": "contributions/test_discussion.py",
    "apps.contributions.discussion.rules.may_resolve": "contributions/test_discussion.py",
    "apps.contributions.discussion.rules.ensure_may_resolve": "contributions/test_discussion.py",
    # The page shows nobody a row that they may not see, so that none is found to talk of.
    "apps.contributions.discussion.rules.ensure_may_see_rows": "contributions/test_discussion.py",
    # A PR that was rejected too often to be sent again.
    "apps.contributions.rules.ensure_may_send_again": "reviews/test_desk_appeals.py",
    # A row of feedback is refused alone, with 207.
    "apps.traces.rules.may_judge": "traces/test_outcomes.py",
}


def test_every_check_of_the_house_is_here() -> None:
    house = Path(__file__).parents[2]
    rules = (house / "apps").rglob("rules.py")
    rooms = [".".join(path.relative_to(house).with_suffix("").parts) for path in rules]
    checks = {
        f"{room}.{name}"
        for room in rooms
        for name, found in inspect.getmembers(importlib.import_module(room), inspect.isfunction)
        if found.__module__ == room and name.startswith(("may_", "ensure_may_", "is_author"))
    }

    assert sorted(checks - {name for name, *_ in GUARDS} - set(ELSEWHERE)) == []
    assert sorted(name for name in ELSEWHERE if name not in checks) == []
    tests = Path(__file__).parents[1]
    assert [place for place in ELSEWHERE.values() if not (tests / place).is_file()] == []


@contextmanager
def without(name: str, instead: Callable[..., Any]) -> Iterator[None]:
    """The house without one check, wherever it is known by its name."""
    path, _, last = name.rpartition(".")
    with pytest.MonkeyPatch.context() as patch:
        try:
            owner: Any = importlib.import_module(path)
        except ModuleNotFoundError:
            module, _, cls = path.rpartition(".")
            patch.setattr(getattr(importlib.import_module(module), cls), last, instead)
        else:
            whole = getattr(owner, last)
            for module_ in [m for n, m in sys.modules.items() if n.startswith("apps.")]:
                for known, value in list(vars(module_).items()):
                    if value is whole:
                        patch.setattr(module_, known, instead)
        yield


def wrongly_open(world: Any, names: tuple[str, ...]) -> Iterator[str]:
    """Cells of these addresses through which somebody gets whom the matrix keeps out."""
    for line in MATRIX["routes"]:
        for cell, words in line.items() if line["name"] in names else ():
            method, _, which = cell.partition(" ")
            for role in ROLES if method in METHODS else ():
                if role in roles_in(words) or (role == "AN" and which.startswith("own")):
                    continue
                if ask(world, role, method, line, which)[0]:
                    yield f"{line['name']} {cell} for {role}"


@pytest.mark.parametrize(
    ("name", "instead", "lines"), GUARDS, ids=[name.removeprefix("apps.") for name, *_ in GUARDS]
)
def test_without_this_check_a_cell_of_the_matrix_is_wrong(
    world: Any, name: str, instead: Callable[..., Any], lines: tuple[str, ...]
) -> None:
    known = {line["name"] for line in MATRIX["routes"]}
    assert set(lines) <= known
    with without(name, instead):
        noticed = next(wrongly_open(world, lines), None)

    assert noticed is not None, f"nobody notices that {name} is gone"
    assert next(wrongly_open(world, (noticed.partition(" ")[0],)), None) is None
