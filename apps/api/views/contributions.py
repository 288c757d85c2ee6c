"""Offering, reading, revising and discussing contributions."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, shapes
from apps.api.afresh import afresh
from apps.api.authentication import caller
from apps.api.bodies import Edit, NewRevision, Offer, PerhapsReason, Remark
from apps.api.calls import Call, Page
from apps.api.etags import ensure_matches, state_of
from apps.api.face import Face, flag
from apps.api.idempotency import key_of
from apps.api.paging import ByPosition
from apps.api.problems import Problem
from apps.community.life import life_of_contribution
from apps.contributions import actions, queries
from apps.contributions.actions import Offered, Terms
from apps.contributions.discussion import actions as discussing
from apps.contributions.discussion.queries import published
from apps.contributions.errors import NothingUsable, RefusedRow
from apps.contributions.models import Contribution, Kind
from apps.contributions.rows import kind_of, read_rows
from apps.contributions.rules import may_see_rows
from apps.contributions.stages import Stage
from apps.reviews.queue.promises import expected
from apps.skills.queries import skill_named, the_line

TERMS = {"licence": "CC0-1.0", "consent": "train", "signed_off": True}
WORDS: dict[str, Any] = {"type": "string"}

EXPAND: dict[str, Any] = WORDS | {
    "description": f"What to embed, with commas: {', '.join(answers.EXPANSIONS)}",
}


LONGEST_BATCH = 80


def visible_to(request: Request) -> QuerySet[Contribution]:
    """What the caller may know of: everything but other people's drafts."""
    if not request.user.is_authenticated:
        return queries.public()
    return queries.public() | Contribution.objects.filter(author=request.user)


def named(request: Request, number: int) -> Contribution:
    """The contribution of this number; one that the caller may not know of is not there."""
    if found := queries.seen_by(request.user, number):
        return found
    raise Problem("not_found", f"there is no contribution {number} that you may see")


class Contributions(Face):
    """GET lists contributions, newest first; POST offers one."""

    scopes = {"GET": None, "POST": Scope.CONTRIBUTE}
    spare = "rows"
    calls = {
        "GET": Call(
            {200: Page(shapes.ListedContribution)},
            query={
                "stage": {"enum": list(Stage.values)},
                "kind": {"enum": list(Kind.values)},
                "skill": WORDS | {"description": "The name of a skill"},
                "author": WORDS | {"description": "The name of an account"},
                "expand": EXPAND,
            },
        ),
        "POST": Call(
            {201: shapes.Offered, 200: shapes.Examined},
            takes=Offer,
            query=("dry_run",),
            headers=("Location",),
            refuses=(
                *("unknown_skill", "terms_missing", "nothing_usable", "batch_taken"),
                *("contribution_refused", "quota_reached", "no_model_line"),
            ),
            example={
                **TERMS,
                "title": "Two sums",
                "skill": "sums",
                "rows": [
                    {"prompt": "What is 2 plus 2?", "completion": "4"},
                    {"prompt": "What is 7 plus 6?", "completion": "13"},
                ],
            },
        ),
    }

    def get(self, request: Request) -> Response:
        found = visible_to(request).select_related("author", "skill")
        asked = request.query_params
        if "stage" in asked:
            found = found.filter(stage=known("stage", asked["stage"], Stage.values))
        if "kind" in asked:
            found = found.filter(kind=known("kind", asked["kind"], Kind.values))
        if "skill" in asked:
            found = found.filter(skill__name=asked["skill"])
        if "author" in asked:
            found = found.filter(author__username=asked["author"])
        wanted = _expansions(request)
        return self.paged_together(
            request,
            found,
            lambda page: [
                answers.contribution(shown, request) | more[shown.pk]
                for more in [answers.expanded(page, wanted, request)]
                for shown in page
            ],
        )

    def post(self, request: Request) -> Response:
        wish = self.read(Offer, request)
        line, rows = the_line(), wish["rows"]
        offer = {
            "kind": wish.get("kind") or _kind_of_first(rows),
            "rows": rows,
            "terms": Terms(wish["licence"], wish["consent"], wish["signed_off"]),
        }
        skill = skill_named(line, wish["skill"]) if wish.get("skill") else None
        if flag(request, "dry_run"):
            places, refused = actions.examine(line, **offer)
            return Response({"dry_run": True, **_verdicts(places, refused, kept="would be stored")})
        offered = actions.offer(
            line,
            by=caller(request),
            title=wish["title"],
            skill=skill,
            description=wish["description"],
            batch=wish["batch"],
            **offer,
        )
        return _stored(offered, request)


class OneContribution(Face):
    """GET shows a contribution with all that was said of it; PATCH edits its words (If-Match)."""

    scopes = {"GET": None, "PATCH": Scope.CONTRIBUTE}
    calls = {
        "GET": Call({200: shapes.ContributionPage}, query={"expand": EXPAND}),
        "PATCH": Call(
            {200: shapes.ContributionPage},
            takes=Edit,
            query={"expand": EXPAND},
            refuses=("not_yours", "move_refused", "unknown_skill", "contribution_refused"),
            guarded=True,
            example={"title": "Sums up to twenty"},
        ),
    }

    def get(self, request: Request, number: int) -> Response:
        return self._page(request, named(request, number))

    def patch(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        wish = self.read(Edit, request)
        ensure_matches(request, contribution)
        if "skill" in wish:
            wish["skill"] = skill_named(contribution.line, wish["skill"])
        actions.edit(contribution, by=caller(request), **wish)
        return self._page(request, contribution)

    def _page(self, request: Request, shown: Contribution) -> Response:
        self.state = state_of(shown)
        more = answers.expanded([shown], _expansions(request), request)
        return Response(answers.contribution_page(shown, request) | more[shown.pk])


class Rows(Face):
    """GET lists the rows of the revision that stands, to those who may see them."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: Page(shapes.Row)})}

    def get(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        if not may_see_rows(request.user, contribution):
            raise Problem("not_found", f"the rows of {contribution} are not for everybody now")
        return self.paged(request, queries.rows_of(contribution), answers.row, ByPosition)


class Revisions(Face):
    """POST replaces the rows and submits the contribution again."""

    scopes = {"POST": Scope.CONTRIBUTE}
    spare = "rows"
    calls = {
        "POST": Call(
            {201: shapes.Offered},
            takes=NewRevision,
            headers=("Location",),
            refuses=(
                *("not_yours", "move_refused", "nothing_usable", "contribution_refused"),
                "quota_reached",
            ),
            example={
                "rows": [{"prompt": "What is 5 plus 5?", "completion": "10"}],
                "note": "The second sum was wrong.",
            },
        )
    }

    def post(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        wish = self.read(NewRevision, request)
        with afresh(contribution, request):
            offered = actions.revise(
                contribution, by=caller(request), rows=wish["rows"], note=wish["note"]
            )
        return _stored(offered, request)


class Withdrawal(Face):
    """POST takes one's own open contribution back."""

    scopes = {"POST": Scope.CONTRIBUTE}
    calls = {
        "POST": Call(
            {200: shapes.Contribution},
            takes=PerhapsReason,
            refuses=("not_yours", "move_refused"),
            example={"because": "The rows were not mine to give."},
        )
    }

    def post(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        because = self.read(PerhapsReason, request)["because"]
        with afresh(contribution, request):
            actions.withdraw(contribution, by=caller(request), because=because)
        return Response(answers.contribution(contribution, request))


class Comments(Face):
    """GET lists the discussion; POST says something."""

    scopes = {"GET": None, "POST": Scope.CONTRIBUTE}
    calls = {
        "GET": Call({200: Page(shapes.Comment)}),
        "POST": Call(
            {201: shapes.Comment},
            takes=Remark,
            refuses=("contribution_refused", "locked", "not_for_you"),
            example={"text": "Row 2 says “seven” where the others say “7”."},
        ),
    }

    def get(self, request: Request, number: int) -> Response:
        said = published(named(request, number), request.user)
        return self.paged(request, said, answers.comment)

    def post(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        text = self.read(Remark, request)["text"]
        said = discussing.say(contribution, by=caller(request), text=text)
        return Response(answers.comment(said), status=201)


class Life(Face):
    """GET tells every hop of a contribution, from submission to the answers it led to."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.Life})}

    def get(self, request: Request, number: int) -> Response:
        contribution = named(request, number)
        rows_seen = may_see_rows(request.user, contribution)
        life = life_of_contribution(contribution, rows_seen=rows_seen)
        return Response({"number": contribution.pk, "hops": answers.hops(life.hops)})


def _stored(offered: Offered, request: Request) -> Response:
    body = answers.contribution(offered.contribution, request)
    pr = offered.contribution
    body["answer"] = answers.promise(expected(pr.line, sent_at=pr.submitted_at))
    body |= _verdicts(offered.places, offered.refused, kept="stored")
    headers = {"Location": body["url"]}
    if offered.repeated:
        headers["Idempotent-Replayed"] = "true"
    return Response(body, status=201, headers=headers)


def _verdicts(places: list[int], refused: list[RefusedRow], *, kept: str) -> dict[str, Any]:
    """Each row's verdict, in the order in which they came, and the counts."""
    verdicts: list[dict[str, Any]] = [
        {"row": place, "verdict": kept, "position": position}
        for position, place in enumerate(places)
    ]
    verdicts += [
        {
            "row": bad.row,
            "verdict": "refused",
            "code": bad.code,
            "pointer": bad.pointer,
            "detail": bad.detail,
            "mend": bad.mend,
        }
        for bad in refused
    ]
    verdicts.sort(key=lambda verdict: verdict["row"])
    return {"counts": {"stored": len(places), "refused": len(refused)}, "rows": verdicts}


def batch_by_key(request: Request) -> str:
    """The name of rows that name no batch: the Idempotency-Key, where there is one."""
    key = key_of(request)
    return key if len(key) <= LONGEST_BATCH else f"key {sha256(key.encode()).hexdigest()}"


def _expansions(request: Request) -> list[str]:
    """What `?expand=` asks for."""
    asked = request.query_params.get("expand", "")
    wanted = [name.strip() for name in asked.split(",") if name.strip()]
    for name in wanted:
        known("expand", name, list(answers.EXPANSIONS))
    return wanted


def _kind_of_first(rows: list[Any]) -> str:
    """The kind that the first readable row speaks of."""
    readable: Iterator[Any] = (row for row in rows if isinstance(row, dict))
    first = next(readable, None)
    if first is None:
        raise NothingUsable(read_rows(rows, Kind.DATASET)[2])
    return kind_of(first)


def known(name: str, asked: str, choice: list[str]) -> str:
    """What a parameter asks for, or a problem that lists what it can."""
    if asked not in choice:
        raise Problem("bad_parameter", f"{name} is not one of {', '.join(choice)}")
    return asked
