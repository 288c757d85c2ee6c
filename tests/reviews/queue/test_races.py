"""One winner each: decisions, withdrawals and revisions at once; claims by many at once.

SOAK_SECONDS (`make soak`) lets everybody do everything for so long, on 200 PRs.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest
from django.db import connection, transaction

from apps.accounts.models import Account
from apps.contributions import actions as contributions
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import move
from apps.history.errors import MoveRefused
from apps.history.models import Event
from apps.reviews import actions
from apps.reviews.errors import ReviewRefused, Stale
from apps.reviews.models import Claim, Decision, Place
from apps.reviews.queue import claims, places
from tests.people import a_contribution, a_line, somebody
from tests.reviews.queue.racing import ahead_of, fresh, many, reviewers, together

ROWS = [{"prompt": "Another?", "completion": "Yes."}]
SOAKS = float(os.environ.get("SOAK_SECONDS", "0"))


@pytest.mark.django_db(transaction=True)
def test_of_eight_reviewers_on_the_same_prs_one_decides_each():
    items = many(a_line(), 200 if SOAKS else 16, [somebody()])

    def decide_all(reviewer: Account) -> Callable[[], int]:
        own = fresh(items)
        random.Random(reviewer.pk).shuffle(own)
        return lambda: sum(_accepts(one, reviewer) for one in own)

    won = together(*map(decide_all, reviewers(8)))

    assert sum(won) == len(items)
    assert set(Counter(Decision.objects.values_list("contribution", flat=True)).values()) == {1}
    moved = Event.objects.filter(entered=Stage.ACCEPTED).values_list("subject_id", flat=True)
    assert sorted(moved) == [item.pk for item in items]


def _accepts(item: Contribution, by: Account) -> bool:
    try:
        actions.accept(item, by=by, digest=item.digest)
    except MoveRefused:
        return False
    return True


@pytest.mark.django_db(transaction=True)
def test_of_approval_withdrawal_and_revision_one_takes_effect():
    line, ada, grace = a_line(), somebody(), reviewers(1)[0]
    for item in many(line, 200 if SOAKS else 12, [ada]):
        approves, withdraws, revises = (Contribution.objects.get(pk=item.pk) for _ in range(3))
        ends = together(
            lambda one=approves: actions.accept(one, by=grace, digest=one.digest),
            lambda one=withdraws: contributions.withdraw(one, by=ada),
            lambda one=revises: contributions.revise(one, by=ada, rows=ROWS, note="mended"),
        )

        lost = [isinstance(end, MoveRefused) for end in ends]
        stage = Contribution.objects.get(pk=item.pk).stage
        entered = [Stage.ACCEPTED, Stage.WITHDRAWN, Stage.SUBMITTED]
        # A revision comes back to be checked, from where it can still be withdrawn by a second try.
        assert (lost.count(False), stage) == (1, entered[lost.index(False)])


def orders(*actors: str) -> Iterator[tuple[str, ...]]:
    """Every order of everybody's two steps, each one's own in their order: `r` reads, `R` acts."""
    steps = [step for actor in actors for step in (actor.lower(), actor.upper())]
    for order in permutations(steps):
        if all(order.index(actor.lower()) < order.index(actor.upper()) for actor in actors):
            yield order


@pytest.mark.django_db
def test_in_every_order_an_approval_is_of_the_rows_that_were_read():
    line, grace, ends = a_line(), reviewers(1)[0], Counter[str]()
    item = a_contribution(line, stage=Stage.IN_REVIEW)
    doing: dict[str, Callable[[Contribution], Any]] = {
        "A": lambda one: actions.accept(one, by=grace, digest=one.digest),
        "R": lambda one: contributions.revise(one, by=one.author, rows=ROWS, note="mended"),
        "C": lambda one: move(one, Stage.IN_REVIEW, by="checks", also={"revision": one.revision}),
    }
    for order in orders("A", "R", "C"):
        with transaction.atomic():
            seen: dict[str, Contribution] = {}
            for step in order:
                if step.islower():
                    seen[step.upper()] = Contribution.objects.get(pk=item.pk)
                    continue
                try:
                    doing[step](seen[step])
                except (MoveRefused, Stale):
                    ends[f"{step} lost"] += 1
            now = Contribution.objects.get(pk=item.pk)
            approved = Decision.objects.filter(contribution=item).first()
            assert (now.stage == Stage.ACCEPTED) == (approved is not None), order
            if approved is not None:
                ends["approved"] += 1
                assert approved.digest == seen["A"].digest == now.digest, order
            transaction.set_rollback(True)
    # Ninety orders; in some of them everybody wins and everybody loses.
    assert set(ends) == {"approved", "A lost", "R lost", "C lost"}
    assert sum(1 for _ in orders("A", "R", "C")) == 90


@pytest.mark.django_db(transaction=True)
def test_among_many_claimers_at_once_no_item_is_claimed_twice():
    asking = reviewers(500 if SOAKS else 48)
    # One that they read, two ahead and one to spare; and some left over, so that nobody who finds
    # the last ones locked takes what another holds ahead.
    many(a_line(), 5 * len(asking), [somebody()])
    places.pull(limit=5 * len(asking))

    def ask(some: list[Account]) -> Callable[[], list[int]]:
        return lambda: [n for one in some for n in _held(one)]

    threads = 16
    asked = together(*(ask(asking[first::threads]) for first in range(threads)))

    held = [number for numbers in asked for number in numbers]
    assert len(held) == len(set(held)) == 4 * len(asking)
    assert Claim.objects.filter(ahead=False).count() == len(asking)


def _held(reviewer: Account) -> list[int]:
    item = claims.next_for(reviewer)
    assert item is not None
    return [item.pk, *(one.pk for one in ahead_of(reviewer))]


@pytest.mark.django_db(transaction=True)
def test_everybody_at_everything_ends_without_a_deadlock_and_with_one_end_each():
    """Eight reviewers, two authors and the clock, until the time is over."""
    authors, line = [somebody(), somebody()], a_line()
    items = many(line, 200 if SOAKS else 24, authors)
    places.pull()
    over = time.monotonic() + SOAKS

    def reviewing(reviewer: Account) -> Callable[[], None]:
        chance = random.Random(reviewer.pk)
        return lambda: _until(over, lambda: _reviews(reviewer, chance))

    def writing(author: Account) -> Callable[[], None]:
        chance = random.Random(author.pk)
        return lambda: _until(over, lambda: _writes(author, chance))

    hands = [*map(reviewing, reviewers(8)), *map(writing, authors)]
    ends = together(*hands, lambda: _until(over, lambda: _rings(line)))

    assert ends == [None] * len(hands) + [None]
    accepted = Contribution.objects.filter(stage=Stage.ACCEPTED)
    decided = Decision.objects.filter(verdict="accept")
    assert Counter(decided.values_list("contribution", "digest")) == Counter(
        accepted.values_list("pk", "digest")
    )
    places.pull()
    waiting = Contribution.objects.filter(stage=Stage.IN_REVIEW).values_list("pk", flat=True)
    assert set(Place.objects.values_list("contribution", flat=True)) == set(waiting)
    assert len(items) == Contribution.objects.filter(pk__lte=items[-1].pk).count()


def _until(over: float, turn: Callable[[], None], least: int = 6) -> None:
    turns = 0
    while turns < least or time.monotonic() < over:
        with suppress(MoveRefused, ReviewRefused):
            turn()
        turns += 1
        if turns % 200 == 0:
            connection.close()


def _reviews(reviewer: Account, chance: random.Random) -> None:
    item = claims.next_for(reviewer)
    if item is None:
        return
    act = chance.choice(["accept", "changes", "skip", "claim", "back"])
    if act in ("accept", "changes"):
        actions.VERDICTS[act](item, by=reviewer, digest=item.digest, because="as it is")
    elif act == "skip":
        claims.skip(item, by=reviewer, why="unclear")
    elif act == "claim":
        claims.claim(item, by=reviewer)
    else:
        claims.give_back(item, by=reviewer)


def _writes(author: Account, chance: random.Random) -> None:
    own = list(Contribution.objects.filter(author=author).order_by("?")[:1])
    act = chance.choice(["withdraw", "revise", "revise"])
    for item in own:
        if act == "withdraw" and chance.random() < 0.2:
            contributions.withdraw(item, by=author)
        else:
            contributions.revise(item, by=author, rows=ROWS, note="mended")


def _rings(line: Any) -> None:
    """The clock: checks let everything pass, new work comes in, the queue is pulled."""
    for item in Contribution.objects.filter(stage=Stage.SUBMITTED)[:20]:
        move(item, Stage.IN_REVIEW, by="checks", also={"revision": item.revision})
    places.pull()
