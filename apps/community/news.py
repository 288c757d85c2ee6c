"""What a line of the record means to people: of what kind it is, and which PRs it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.builds.models import Build, Entry
from apps.contributions.models import Contribution
from apps.history.models import Event
from apps.history.queries import kind_of
from apps.rollouts.models import Rollout

PR, BUILD, ROLLOUT = (model._meta.label_lower for model in (Contribution, Build, Rollout))
# What moves so often, or says so little, that nobody wants to be told of it one by one.
QUIET = frozenset(["build.training", "build.comparing"])
PREFIXES = {PR: "pr", BUILD: "build", ROLLOUT: "rollout"}


@dataclass(frozen=True)
class News:
    """An event with its kind (`pr.accepted`, `rollout.live`) and the PRs it is about."""

    event: Event
    kind: str
    contributions: tuple[Contribution, ...]

    @property
    def message_id(self) -> str:
        """The id under which every receiver gets it."""
        return f"evt_{self.event.pk}"

    def as_message(self, address: str) -> dict[str, Any]:
        """The thin payload: what happened to what; whoever wants more asks `address`."""
        event = self.event
        prefix = PREFIXES.get(event.subject_kind, event.subject_kind.split(".")[-1])
        return {
            "type": self.kind,
            "timestamp": event.at.isoformat(),
            "data": {
                "id": f"{prefix}_{event.subject_id}",
                "number": event.subject_id,
                "event": event.pk,
                "entered": event.entered,
                "contributions": [one.pk for one in self.contributions[:200]],
                "url": address,
            },
        }


def news_of(events: Sequence[Event]) -> list[News]:
    """The events as people are told of them."""
    own = {event.subject_id for event in events if event.subject_kind == PR}
    prs = Contribution.objects.select_related("author").in_bulk(own)
    return [News(event, kind_of_news(event), tuple(_about(event, prs))) for event in events]


def kind_of_news(event: Event) -> str:
    """`pr.accepted` for a move, `pr.commented` for anything else that was done to a thing."""
    thing = PREFIXES.get(event.subject_kind, event.subject_kind.split(".")[-1])
    return f"{thing}.{event.entered or event.verb.replace(' ', '_')}"


def _about(event: Event, prs: Mapping[int, Contribution]) -> list[Contribution]:
    if event.subject_kind == PR:
        return [prs[event.subject_id]] if event.subject_id in prs else []
    built = Contribution.objects.select_related("author").order_by("pk")
    if event.subject_kind == BUILD:
        return list(built.filter(entries__build=event.subject_id))
    if event.subject_kind == ROLLOUT:
        builds = Rollout.objects.filter(pk=event.subject_id).values("candidate__build")
        entries = Entry.objects.filter(build__in=builds)
        return list(built.filter(pk__in=entries.values("contribution")))
    return []


def is_about(event: Event, contribution: Contribution) -> bool:
    """Whether the event was done to the PR itself, and not to a build or rollout that holds it."""
    return (event.subject_kind, event.subject_id) == (kind_of(contribution), contribution.pk)
