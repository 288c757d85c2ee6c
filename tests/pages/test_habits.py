"""A reviewer's habits on their page."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Account, Role
from apps.history.affiliations import organisation_of
from apps.reviews.queue.habits import habits_of
from tests.people import a_line, somebody

pytestmark = pytest.mark.django_db


def signed_in(account: Account) -> Client:
    client = Client()
    client.force_login(account)
    return client


def test_habits_are_kept_and_shown_again():
    line, grace = a_line("sums", "manners"), somebody(Role.REVIEWER)
    manners = line.skills.get(name="manners")
    told = {
        "skills": [manners.pk],
        "cap": "40",
        "quiet_from": "18:00",
        "quiet_until": "08:00",
        "time_zone": "Europe/Paris",
        "organisation": "Example University",
    }

    kept = signed_in(grace).post("/review/habits", told, follow=True).content.decode()

    known = habits_of(grace)
    assert known is not None
    assert (list(known.skills.all()), known.cap, known.time_zone) == ([manners], 40, "Europe/Paris")
    assert organisation_of(grace) == "example university"
    assert "0 of 40 decisions of today are taken." in kept


def test_a_refusal_keeps_what_was_typed_and_names_the_mend():
    told = {"quiet_from": "18:00", "quiet_until": "18:00", "time_zone": "UTC"}

    shown = signed_in(somebody(Role.REVIEWER)).post("/review/habits", told).content.decode()

    assert "leave both empty" in shown
    assert 'value="18:00"' in shown


def test_habits_are_for_reviewers():
    assert signed_in(somebody()).get("/review/habits").status_code == 403
