"""Accounts, services, tokens and skills, as the API shows them."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Account, Token
from apps.api.ids import id_of
from apps.history.models import Proposal
from apps.skills.models import Skill


def account(shown: Account) -> dict[str, Any]:
    """A person as they see themselves."""
    return {"name": shown.username, "role": shown.role, "email": shown.email}


def token(shown: Token, text: str = "") -> dict[str, Any]:
    """A token; its text only in the answer that made it."""
    fields = {
        "id": id_of(shown),
        "number": shown.pk,
        "name": shown.name,
        "prefix": shown.prefix,
        "scopes": shown.scopes,
        "created_at": shown.created_at,
        "expires_at": shown.expires_at,
        "last_used_at": shown.last_used_at,
        "last_used_from": shown.last_used_from,
    }
    return fields | {"token": text} if text else fields


def skill(shown: Skill) -> dict[str, Any]:
    """What the model should be good at."""
    return {
        "name": shown.name,
        "title": shown.title,
        "description": shown.description,
        "protected": shown.protected,
        "margin": shown.margin,
    }


def person(shown: Account) -> dict[str, Any]:
    """An account as everybody sees it."""
    return {"name": shown.username, "role": shown.role, "joined_at": shown.date_joined}


def proposal(waiting: Proposal) -> dict[str, Any]:
    """What waits for a second person; they agree by sending the same request."""
    return {
        "action": waiting.action,
        "terms": waiting.terms,
        "because": waiting.because,
        "by": waiting.proposed_by.username,
        "at": waiting.proposed_at,
        "expires_at": waiting.expires_at,
        "needs": "a second person who sends the same request",
    }


def service(shown: Account) -> dict[str, Any]:
    """A service account as its owner sees it."""
    return {"name": shown.username, "role": shown.role, "since": shown.date_joined}
