"""Atom feeds (RFC 4287): new PRs, a person's PRs, one PR's events, and versions that went live."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.syndication.views import Feed
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.community.queries import said_of
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.history.queries import life_of
from apps.pages.who import seen
from apps.rollouts import queries as rollouts
from apps.rollouts.models import Rollout
from apps.rollouts.stages import Stage as RolloutStage

MOST = 50


class Prs(Feed):
    """The newest PRs."""

    feed_type = Atom1Feed
    title = _("New PRs")
    subtitle = _("What people offer, newest first")

    def link(self) -> str:
        return reverse("pages:contributions")

    def items(self, obj: Any = None) -> list[Contribution]:
        prs = Contribution.objects.exclude(stage=Stage.DRAFT).select_related("author", "skill")
        return list(prs.order_by("-pk")[:MOST])

    def item_title(self, item: Contribution) -> str:
        return f"#{item.pk} {item.title}"

    def item_description(self, item: Contribution) -> str:
        skill = f" · {item.skill.title}" if item.skill else ""
        return f"{item.get_kind_display()}{skill} · {item.get_stage_display()}"

    def item_author_name(self, item: Contribution) -> str:
        return item.author.username

    def item_pubdate(self, item: Contribution) -> datetime | None:
        return item.submitted_at or item.created_at

    def item_guid(self, item: Contribution) -> str:
        return f"urn:openflywheel:pr:{item.pk}"


class PrsOf(Prs):
    """The newest PRs of one person."""

    def get_object(self, request: HttpRequest, name: str) -> Account:
        return get_object_or_404(Account, username=name, is_active=True)

    def title(self, obj: Account) -> str:  # type: ignore[override]
        return f"{obj}: PRs"

    def items(self, obj: Any = None) -> list[Contribution]:
        prs = Contribution.objects.filter(author=obj).exclude(stage=Stage.DRAFT)
        return list(prs.select_related("author", "skill").order_by("-pk")[:MOST])


class LifeOf(Feed):
    """What happened to one PR."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, number: int) -> Contribution:
        return seen(request, number)

    def title(self, obj: Contribution) -> str:
        return f"#{obj.pk} {obj.title}"

    def link(self, obj: Contribution) -> str:
        return obj.get_absolute_url()

    def items(self, obj: Contribution) -> list[tuple[Contribution, Event]]:
        return [(obj, event) for event in life_of(obj).order_by("-pk")[:MOST]]

    def item_title(self, item: tuple[Contribution, Event]) -> str:
        contribution, event = item
        return f"{contribution} {said_of(event) or event.verb}"

    def item_description(self, item: tuple[Contribution, Event]) -> str:
        return item[1].because

    def item_link(self, item: tuple[Contribution, Event]) -> str:
        return f"{item[0].get_absolute_url()}/history"

    def item_pubdate(self, item: tuple[Contribution, Event]) -> datetime:
        return item[1].at

    def item_guid(self, item: tuple[Contribution, Event]) -> str:
        return f"urn:openflywheel:event:{item[1].pk}"


class Versions(Feed):
    """Versions that became live for everyone."""

    feed_type = Atom1Feed
    title = _("Versions")
    subtitle = _("What serves everyone, newest first")

    def link(self) -> str:
        return reverse("pages:rollouts")

    def items(self) -> list[Rollout]:
        return list(rollouts.recent().filter(stage=RolloutStage.LIVE).order_by("-pk")[:MOST])

    def item_title(self, item: Rollout) -> str:
        return f"{item.candidate.name} · {item.channel}"

    def item_description(self, item: Rollout) -> str:
        return item.reason

    def item_pubdate(self, item: Rollout) -> datetime | None:
        return item.ended_at

    def item_guid(self, item: Rollout) -> str:
        return f"urn:openflywheel:rollout:{item.pk}"
