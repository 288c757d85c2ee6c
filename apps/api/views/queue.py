"""The queue: the next item, claims, a reviewer's habits, and who is kept apart."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Account, Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import HabitsTold, OrganisationTold, Reason
from apps.api.calls import Call, Page
from apps.api.face import Face, one
from apps.api.views.contributions import named
from apps.contributions.queries import first_rows_of
from apps.contributions.rules import may_see_rows
from apps.history.affiliations import affiliate
from apps.reviews.queue import affiliation, claims, habits, worth
from apps.reviews.queue.models import Place, Tie
from apps.reviews.rules import ensure_reviewing
from apps.skills.queries import skill_named, the_line

# A reader of more follows the address of the rows.
ROWS_SHOWN = 20


class Next(Face):
    """POST claims the item worth most for the caller, and holds the two after it.

    It is the same item until it is decided, skipped or given back. Without one `says` tells why.
    """

    scopes = {"POST": Scope.REVIEW}
    calls = {"POST": Call({200: shapes.Next}, refuses=("not_a_reviewer",))}

    def post(self, request: Request) -> Response:
        return Response(upcoming(ensure_reviewing(caller(request)), request))


class Claim(Face):
    """PUT claims an item, or goes on holding it; DELETE gives it back."""

    scopes = {"PUT": Scope.REVIEW, "DELETE": Scope.REVIEW}
    calls = {
        "PUT": Call(
            {200: shapes.Claim},
            refuses=("own_work", "affiliated", "not_a_reviewer", "claimed_by_another"),
        ),
        "DELETE": Call({204: None}, refuses=("not_a_reviewer",)),
    }

    def put(self, request: Request, number: int) -> Response:
        held = claims.claim(named(request, number), by=caller(request))
        return Response(answers.claim(held))

    def delete(self, request: Request, number: int) -> Response:
        claims.give_back(named(request, number), by=ensure_reviewing(caller(request)))
        return Response(status=204)


class HabitsOf(Face):
    """GET tells the caller's habits as a reviewer; PUT keeps others."""

    scopes = {"GET": Scope.REVIEW, "PUT": Scope.REVIEW}
    calls = {
        "GET": Call({200: shapes.Habits}, refuses=("not_a_reviewer",)),
        "PUT": Call(
            {200: shapes.Habits},
            takes=HabitsTold,
            refuses=("not_a_reviewer", "habit_refused", "unknown_skill", "no_model_line"),
            example={
                "skills": ["sums"],
                "cap": 40,
                "quiet_from": "18:00",
                "quiet_until": "08:00",
                "time_zone": "Europe/Paris",
            },
        ),
    }

    def get(self, request: Request) -> Response:
        return Response(answers.habits(habits.habits_of(ensure_reviewing(caller(request)))))

    def put(self, request: Request) -> Response:
        reviewer, wish = ensure_reviewing(caller(request)), self.read(HabitsTold, request)
        line = the_line()
        wish["skills"] = [skill_named(line, name) for name in wish["skills"]]
        return Response(answers.habits(habits.set_habits(reviewer, **wish)))


class Organisation(Face):
    """PUT says to which organisation an account's person belongs ("" for none), on record.

    People say it of themselves, maintainers and administrators of anybody.
    """

    scopes = {"PUT": Scope.CONTRIBUTE}
    calls = {
        "PUT": Call(
            {200: shapes.Affiliation},
            takes=OrganisationTold,
            refuses=("account_refused",),
            example={"organisation": "Example University", "because": ""},
        )
    }

    def put(self, request: Request, name: str) -> Response:
        wish = self.read(OrganisationTold, request)
        account = one(Account.objects.filter(is_active=True), "account", username=name)
        kept = affiliate(account, by=caller(request), **wish)
        return Response({"name": account.username, "organisation": kept})


class Ties(Face):
    """GET lists the evidence that two accounts may be one person's, newest first."""

    scopes = {"GET": Scope.ADMIN}
    calls = {"GET": Call({200: Page(shapes.Tie)}, refuses=("not_a_reviewer",))}

    def get(self, request: Request) -> Response:
        affiliation.ensure_may_see_ties(caller(request))
        ties = Tie.objects.select_related("one", "other", "dismissed_by").order_by("-pk")
        return self.paged(request, ties, answers.tie)


class Dismissal(Face):
    """POST says that the evidence misleads: the two are two people."""

    scopes = {"POST": Scope.ADMIN}
    calls = {
        "POST": Call(
            {200: shapes.Tie},
            takes=Reason,
            refuses=("not_a_reviewer", "reason_missing"),
            example={"because": "Both work with the same public data set."},
        )
    }

    def post(self, request: Request, number: int) -> Response:
        affiliation.ensure_may_see_ties(caller(request))
        because = self.read(Reason, request)["because"]
        tie = one(Tie.objects.select_related("one", "other"), "tie", pk=number)
        affiliation.dismiss(tie, by=caller(request), because=because)
        return Response(answers.tie(tie))


def upcoming(reviewer: Account, request: Request) -> dict[str, Any]:
    """The item that a reviewer holds now, or why nothing is offered."""
    if drawn := claims.draw(reviewer):
        return _offered(drawn, reviewer, request)
    says = habits.resting(reviewer) or "Nothing waits that you may decide on."
    nothing: dict[str, Any] = {"item": None, "score": None, "claim": None}
    return nothing | {"rows": [], "ahead": [], "says": says}


def _offered(drawn: claims.Drawn, reviewer: Account, request: Request) -> dict[str, Any]:
    item = drawn.item
    # What was opened by its address may not have been weighed yet.
    place = Place.of(item)
    score = place and worth.explain(place, item, habits=drawn.habits, at=timezone.now())
    rows = first_rows_of(item, ROWS_SHOWN) if may_see_rows(reviewer, item) else []
    held = {"number": item.pk, "by": reviewer.username, "until": drawn.until}
    return {
        "item": answers.contribution(item, request),
        "rows": [answers.row(row) for row in rows],
        "score": answers.score(score) if score else None,
        "claim": held,
        "ahead": [{"number": one_.number, "digest": one_.digest} for one_ in drawn.ahead],
        "says": score.says if score else "You have it open.",
    }
