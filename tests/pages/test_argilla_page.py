"""What a maintainer reads about the other desk."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from apps.accounts.models import Role
from apps.contributions.stages import Stage
from apps.reviews.argilla.actions import lay_out
from apps.reviews.argilla.counting import NO_VERDICT
from apps.reviews.argilla.models import Answer, Board, Person, Slip
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db


def seen_by(role: str) -> str:
    browser = Client()
    browser.force_login(somebody(role))
    answer = browser.get("/review/argilla")
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


def test_what_was_not_counted_stands_there_with_its_reason_and_whom_to_map():
    pr = a_contribution(stage=Stage.IN_REVIEW)
    lay_out()
    person = Person.objects.create(user=uuid4(), name="grace-there")
    Answer.objects.create(
        slip=Slip.objects.get(),
        person=person,
        response=uuid4(),
        at=datetime(2026, 11, 20, tzinfo=UTC),
        status="submitted",
        state=Answer.State.REFUSED,
        because="nobody decides on their own work",
    )
    Board.objects.update(trouble="the road is closed", tries=1)

    page = seen_by(Role.MAINTAINER)

    for words in (pr.title, "nobody decides on their own work", "the road is closed"):
        assert words in page
    assert "manage.py argilla map grace-there" in page
    assert seen_by(Role.REVIEWER) == "403"


def test_why_an_answer_was_not_counted_is_said_in_the_reader_s_language():
    a_contribution(stage=Stage.IN_REVIEW)
    lay_out()
    Answer.objects.create(
        slip=Slip.objects.get(),
        person=Person.objects.create(user=uuid4(), name="grace-there"),
        response=uuid4(),
        at=datetime(2026, 11, 20, tzinfo=UTC),
        status="submitted",
        state=Answer.State.REFUSED,
        because=NO_VERDICT,
    )
    browser = Client()
    browser.force_login(somebody(Role.MAINTAINER))
    browser.cookies["language"] = "tr"

    page = browser.get("/review/argilla").content.decode()

    with translation.override("tr"):
        said = gettext(NO_VERDICT)
    assert said != NO_VERDICT
    assert said in page
