"""The pages of agreement: what everybody reads, what one reads alone, and what is not told."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews import actions
from apps.reviews.agreement import actions as agreement
from apps.reviews.agreement import reckoning
from apps.reviews.agreement.models import Alpha, Gold, Signal
from apps.skills.models import ModelLine
from tests.people import NO_CHANCE, a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(db: None) -> ModelLine:
    line = a_line("sums")
    line.policy = {
        "review": {
            "agreement": NO_CHANCE | {"overlap": 1, "audit": 1},
            "sampling": {"rows": 30, "limit": 0.3, "alpha": 0.2, "most_bad": 1},
        }
    }
    line.save()
    return line


def browser(account: Account | None) -> Client:
    client = Client()
    if account is not None:
        client.force_login(account)
    return client


def read_by_two(line: ModelLine, first: str = "accept", second: str = "accept") -> Contribution:
    pr = a_contribution(line, stage=Stage.IN_REVIEW)
    people = [somebody(Role.REVIEWER) for _ in range(3)]
    for verdict, by in zip((first, second), people, strict=False):
        actions.VERDICTS[verdict](pr, by=by, digest=pr.digest, because="seen")
    return pr


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_everybody_reads_agreement_and_what_was_overturned(line: ModelLine):
    read_by_two(line)
    auditor = somebody(Role.REVIEWER)
    audit = agreement.take_audit(auditor)
    agreement.answer_audit(audit, by=auditor, verdict="reject", because="row 1 is wrong")
    reckoning.measure(line)
    Alpha.objects.update(alpha=0.62, low=0.4, high=0.8)

    shown, told = (
        page(browser(None), "/review/agreement"),
        browser(None).get("/api/v1/reviews/agreement").json(),
    )

    assert "0.62" in shown
    assert "0.40 – 0.80" in shown
    assert "Overturned" in shown
    assert (told["audits"]["overturned"], told["audits"]["answered"]) == (1, 1)
    assert told["weeks"][0]["alpha"] == 0.62
    listed = browser(None).get("/api/v1/reviews/audits").json()["items"]
    assert [(one["first"]["verdict"], one["second"]["verdict"]) for one in listed] == [
        ("accept", "reject")
    ]


def test_the_pr_s_page_says_how_many_reviews_are_in_and_opens_them_at_the_end(line: ModelLine):
    for _ in range(3):
        somebody(Role.REVIEWER)
    pr, grace, alan = (
        a_contribution(line, stage=Stage.IN_REVIEW),
        *(somebody(Role.REVIEWER) for _ in range(2)),
    )
    actions.accept(pr, by=grace, digest=pr.digest)
    between = page(browser(pr.author), f"/prs/{pr.pk}")
    actions.accept(pr, by=alan, digest=pr.digest)
    reckoning.weigh(line)
    after = page(browser(None), f"/prs/{pr.pk}")

    assert "1 of 2 reviews in" in between
    assert "drawn, to measure how well reviewers agree" in between
    assert "each on their own:" in after
    assert "has a probability of" in after


def test_whoever_looks_again_is_not_told_what_was_decided(line: ModelLine):
    pr = read_by_two(line, "reject", "reject")
    alan = browser(somebody(Role.REVIEWER))

    sent_there = alan.post("/review/next")
    shown = page(alan, "/review/audit")
    answered = alan.post("/review/audit", {"verdict": "accept"})

    assert sent_there.url == "/review/audit"
    assert "What is" in shown
    assert "Rejected" not in shown
    assert "seen" not in shown
    assert answered.status_code == 302
    pr.refresh_from_db()
    assert pr.stage == Stage.REJECTED


def test_a_sample_is_judged_row_by_row_to_its_bound(line: ModelLine):
    line.policy["review"]["agreement"]["second_for"] = []
    line.save()
    rows = [{"prompt": f"What is {n} plus 1?", "completion": f"{n + 1}"} for n in range(60)]
    pr = a_contribution(line, stage=Stage.IN_REVIEW, rows=rows)
    grace = browser(somebody(Role.REVIEWER))
    path = f"/review/{pr.pk}/sample"

    before = page(grace, path)
    grace.post(path)
    for place in range(60):
        if "passed" in page(grace, path):
            break
        grace.post(path, {"place": place, "row": "good"})
    shown = page(grace, path)

    assert "not drawn yet" in before
    assert "The sample has passed" in shown
    actions.accept(pr, by=somebody(Role.REVIEWER), digest=pr.digest)
    told = browser(None).get(f"/api/v1/contributions/{pr.pk}/sample").json()["samples"][0]
    assert (told["state"], told["bad"], len(told["verdicts"])) == ("passed", 0, told["judged"])


def test_hits_are_read_by_oneself_and_signals_by_maintainers(line: ModelLine):
    grace, mary = somebody(Role.REVIEWER), somebody(Role.MAINTAINER)
    rejected = a_contribution(line, stage=Stage.REJECTED)
    Signal.objects.create(
        line=line, kind="favour", first=grace, second=mary, p=1e-9, q=1e-6,
        facts={"accepted": [6, 5], "expected": [0.4, 0.3]},
    )  # fmt: skip

    planted = browser(mary).post(
        "/review/signals", {"number": str(rejected.pk), "because": "the sums are wrong"}
    )
    gold = Gold.objects.get()
    Contribution.objects.filter(pk=gold.pk).update(stage=Stage.IN_REVIEW)
    gold.contribution.refresh_from_db()
    pr = gold.contribution
    actions.accept(pr, by=grace, digest=pr.digest)

    assert planted.status_code == 302
    mine = page(browser(grace), "/review/calibration")
    assert "the sums are wrong" in mine
    assert "0.0 %" in mine
    assert "No known item" in page(browser(somebody(Role.REVIEWER)), "/review/calibration")
    assert "accepted each other’s PRs 6 and 5 times" in page(browser(mary), "/review/signals")
    assert browser(grace).get("/review/signals").status_code == 403
