"""A round that nobody else may complete: the maintainers hear of it once, and the page says so."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Account, Role
from apps.checks.models import Finding, Screening
from apps.community.models import Notice
from apps.community.queries import sentence_of
from apps.community.tasks import tell
from apps.contributions import actions as contributions
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.agreement import stranded
from apps.reviews.agreement.models import Round
from apps.reviews.queue import habits
from apps.reviews.tasks import close_rounds
from tests.api.calling import calling
from tests.people import a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


def risky(**more: Any) -> Contribution:
    pr = a_contribution(a_line(), stage=Stage.IN_REVIEW, **more)
    ran = Screening.objects.create(contribution=pr, revision=1, digest=pr.digest, seconds=0)
    Finding.objects.create(screening=ran, screen="signs", severity="flag", message="odd")
    return pr


def accept(pr: Contribution, by: Account) -> Any:
    mine = Contribution.objects.get(pk=pr.pk)
    return actions.accept(mine, by=by, digest=mine.digest)


def of_one_house(*people: Account) -> None:
    for one in people:
        affiliate(one, "the guild", by=one)


def stranded_pr() -> tuple[Contribution, Account, Account]:
    """One review is in; who else reviews belongs with the author, the maintainer too."""
    grace, colleague, head = (
        somebody(role) for role in (Role.REVIEWER, Role.REVIEWER, Role.MAINTAINER)
    )
    pr = risky()
    of_one_house(pr.author, colleague, head)
    accept(pr, grace)
    return pr, grace, head


def missing(pr: Contribution) -> Any:
    return life_of(pr).filter(verb=stranded.MISSING)


def test_the_maintainers_are_told_once_what_is_missing_and_of_which_pr():
    pr, grace, head = stranded_pr()

    told = [close_rounds() for _ in range(3)]
    tell()

    notice = Notice.objects.get(event__verb=stranded.MISSING)
    assert told == [1, 0, 0]
    assert (notice.account, notice.contribution) == (head, pr)
    assert sentence_of(notice) == (
        f"{pr} needs a reviewer from elsewhere: nobody who is there may give the missing review"
    )
    assert missing(pr).get().details["mentioned"] == [head.username]
    assert not Notice.objects.filter(account=grace, event__verb=stranded.MISSING).exists()


def test_rest_strands_nobody():
    grace, resting = somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    habits.set_habits(resting, skills=[], cap=1, quiet_from=None, quiet_until=None, time_zone="UTC")
    other = a_contribution(stage=Stage.IN_REVIEW)
    accept(other, resting)
    pr = risky()
    accept(pr, grace)

    assert habits.resting(resting)
    assert (close_rounds(), missing(pr).count()) == (0, 0)


def test_where_no_maintainer_is_the_administrators_are_told():
    grace, admin, author = somebody(Role.REVIEWER), somebody(Role.ADMIN), somebody(Role.REVIEWER)
    pr = risky(by=author)
    accept(pr, grace)

    close_rounds()

    assert missing(pr).get().details["mentioned"] == [admin.username]


def test_a_drawn_round_and_one_whose_voices_are_in_are_no_strangers():
    grace, alan = somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    drawn, differing = risky(), risky()
    for pr, because in ((drawn, ["overlap"]), (differing, ["flagged"])):
        accept(pr, grace)
        Round.objects.filter(contribution=pr).update(because=because)
    actions.reject(differing, by=alan, digest=differing.digest, because="wrong")
    of_one_house(alan, drawn.author)

    close_rounds()

    assert not Round.objects.exclude(stranded_at=None).exists()


def test_it_goes_on_as_soon_as_somebody_from_elsewhere_is_there():
    pr, _grace, _head = stranded_pr()
    close_rounds()
    before = Round.objects.get().stranded_at

    newcomer = somebody(Role.REVIEWER)
    close_rounds()
    between = Round.objects.get().stranded_at
    accept(pr, newcomer)

    pr.refresh_from_db()
    assert before is not None
    assert (between, pr.stage) == (None, Stage.ACCEPTED)
    assert life_of(pr).filter(verb=stranded.FOUND).count() == 1


def test_who_comes_and_goes_does_not_have_the_maintainers_told_twice():
    pr, _grace, _head = stranded_pr()
    close_rounds()
    newcomer = somebody(Role.REVIEWER)
    close_rounds()
    Account.objects.filter(pk=newcomer.pk).update(is_active=False)

    close_rounds()

    assert (Round.objects.get().stranded_at is None, missing(pr).count()) == (False, 1)


def test_another_revision_that_strands_is_told_again():
    pr, grace, _head = stranded_pr()
    close_rounds()
    rows = [{"prompt": "What is 2 plus 2?", "completion": "4"}]
    contributions.revise(pr, by=pr.author, rows=rows, note="mended")
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)
    pr.refresh_from_db()
    ran = Screening.objects.create(contribution=pr, revision=2, digest=pr.digest, seconds=0)
    Finding.objects.create(screening=ran, screen="signs", severity="flag", message="odd")
    accept(pr, grace)

    close_rounds()

    assert missing(pr).count() == 2


def test_the_page_and_the_api_promise_no_day_and_say_who_was_told(client: Any):
    pr, grace, _head = stranded_pr()
    before = client.get(f"/prs/{pr.pk}").content.decode()
    answered = calling(grace).get(f"contributions/{pr.pk}").json()["answer"]

    close_rounds()
    page = client.get(f"/prs/{pr.pk}").content.decode()
    told = calling(grace).get(f"contributions/{pr.pk}").json()

    sentence = "The maintainers were told on"
    assert sentence not in before
    assert answered is not None
    assert sentence in page
    assert "We promise an answer" in before
    assert "We promise an answer" not in page
    assert told["answer"] is None
    assert told["acts_next"]["who"] == "maintainer"
    assert "nobody who is there may" in told["acts_next"]["what"]


def test_my_work_says_so_too(client: Any):
    pr, _grace, _head = stranded_pr()
    client.force_login(pr.author)
    before = client.get("/my").content.decode()

    close_rounds()

    assert "The maintainers were told on" not in before
    assert "The maintainers were told on" in client.get("/my").content.decode()
