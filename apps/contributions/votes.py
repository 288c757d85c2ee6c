"""Judging answers that one asked for oneself: thumbs, stars, and blind pairs.

Whoever asked is the only one who may judge here, once. A stranger's vote is kept and weighs
nothing until they sign in; an account's vote is an outcome, on which the gates of a rollout look.
"""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.contributions.draft_rows import new_key
from apps.contributions.drafts import Owner
from apps.contributions.errors import ContributionRefused, NotYourAnswer
from apps.contributions.models import Pair, Vote
from apps.traces import rules
from apps.traces.actions import judge
from apps.traces.models import Arm, Trace

THUMBS = (Vote.Verdict.GOOD, Vote.Verdict.BAD)
SIDES = (Vote.Verdict.A, Vote.Verdict.B, Vote.Verdict.TIE, Vote.Verdict.BOTH_BAD)
GOOD_FROM = 4


def asker(owner: Owner) -> str:
    """The name under which this person's questions are logged and versions are assigned."""
    return f"web-{owner.account.pk}" if owner.account else rules.visitor_called(owner.visitor)


def own_trace(public_id: str, owner: Owner) -> Trace | None:
    """The answer of this id, if this person asked for it here or anywhere, or judged it and may."""
    digits = public_id.removeprefix("tr_")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    mine = Q(pk=None)
    if owner.account:
        judged = Q(outcomes__judge=owner.account) & rules.may_judge(owner.account)
        mine |= Q(asked_by=owner.account) | judged
    if owner.visitor:
        mine |= Q(asked_by=None, user=rules.visitor_called(owner.visitor))
    traces = Trace.objects.exclude(arm=Arm.SHADOW).select_related("skill")
    return traces.filter(mine, pk=int(digits)).distinct().first()


def rate(trace: Trace, *, by: Owner, verdict: str, stars: int | None = None) -> tuple[Vote, bool]:
    """Say whether an answer is good; returns the vote, and whether it is new.

    Stars (1 to 5) may come with the thumb or in its place. A second vote changes nothing.
    """
    if stars is not None and not 1 <= stars <= 5:
        raise ContributionRefused(_("the rating is not 1 to 5; pick one of the five"))
    if not verdict and stars is not None:
        verdict = Vote.Verdict.GOOD if stars >= GOOD_FROM else Vote.Verdict.BAD
    if verdict not in THUMBS:
        raise ContributionRefused(_("nothing was picked; say whether the answer is good"))
    if own_trace(trace.public_id, by) is None:
        raise NotYourAnswer(_("this answer was given to somebody else; rate one of your own"))
    return _cast(Vote(trace=trace, verdict=verdict, stars=stars), by)


def pair_up(one: Trace, other: Trace, *, by: Owner) -> Pair:
    """Put two answers side by side, a coin deciding which is A."""
    a, b = (one, other) if secrets.randbelow(2) else (other, one)
    visitor = "" if by.account else by.visitor
    return Pair.objects.create(key=new_key(), a=a, b=b, account=by.account, visitor=visitor)


def own_pair(key: str, owner: Owner) -> Pair | None:
    """The pair of this key, for the one who asked for it and may judge its answers."""
    pairs = Pair.objects.select_related("a__skill", "b__skill").filter(owner.of_drafts, key=key)
    open_to_them = Trace.objects.filter(rules.may_judge(owner.account, owner.visitor))
    return pairs.filter(a__in=open_to_them, b__in=open_to_them).first()


def vote(pair: Pair, *, by: Owner, verdict: str) -> tuple[Vote, bool]:
    """Say which answer is better; returns the vote, and whether it is new."""
    if verdict not in SIDES:
        raise ContributionRefused(_("nothing was picked; say which answer is better, or neither"))
    if own_pair(pair.key, by) is None:
        raise NotYourAnswer(_("these answers were given to somebody else; compare your own"))
    return _cast(Vote(pair=pair, verdict=verdict), by)


def vote_on(*, trace: Trace | None = None, pair: Pair | None = None) -> Vote | None:
    """The vote that was cast, if any."""
    return Vote.objects.filter(trace=trace, pair=pair).first()


def claim(owner: Owner) -> None:
    """Let what a stranger said in this browser count for the account that they signed in to."""
    if owner.account is None or not owner.visitor:
        return
    with transaction.atomic():
        votes = Vote.objects.select_for_update(of=("self",)).filter(
            account=None, visitor=owner.visitor
        )
        pairs = Pair.objects.filter(account=None, visitor=owner.visitor)
        theirs = Q(pk__in=votes.values("trace"))
        theirs |= Q(pk__in=pairs.values("a")) | Q(pk__in=pairs.values("b"))
        asked = Trace.objects.filter(asked_by=None, user=rules.visitor_called(owner.visitor))
        asked.filter(theirs).update(asked_by=owner.account)
        pairs.update(account=owner.account, visitor="")
        for one in votes.select_related("trace", "pair__a", "pair__b"):
            one.account, one.visitor = owner.account, ""
            one.save(update_fields=["account", "visitor"])
            _as_outcome(one)


def _cast(fresh: Vote, by: Owner) -> tuple[Vote, bool]:
    fresh.account, fresh.visitor = by.account, "" if by.account else by.visitor
    try:
        with transaction.atomic():
            fresh.save()
            _as_outcome(fresh)
    except IntegrityError:
        earlier = vote_on(trace=fresh.trace, pair=fresh.pair)
        if earlier is None:
            raise
        return earlier, False
    return fresh, True


def _as_outcome(cast: Vote) -> None:
    """What the vote says of each answer alone; that one is better says nothing of the kind."""
    if cast.account is None:
        return
    if cast.trace:
        said = {cast.trace: cast.verdict == Vote.Verdict.GOOD}
    elif cast.pair and cast.verdict in (Vote.Verdict.TIE, Vote.Verdict.BOTH_BAD):
        good = cast.verdict == Vote.Verdict.TIE
        said = {cast.pair.a: good, cast.pair.b: good}
    else:
        return
    for trace, success in said.items():
        judge(trace, by=cast.account, success=success, rating=cast.stars)
