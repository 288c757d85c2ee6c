"""Appeals over REST, taking a skip back, and who acts next after a rejection."""

from __future__ import annotations

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews import actions
from apps.reviews.models import Skip
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
from tests.people import a_contribution, somebody


def rejected(line: ModelLine, author: Caller, *, by: Account | None = None) -> Contribution:
    pr = a_contribution(line, by=author.account, stage=Stage.IN_REVIEW)
    by = by or somebody(Role.REVIEWER)
    actions.reject(pr, by=by, digest=pr.digest, because="No source.")
    return pr


def next_on(pr: Contribution) -> dict[str, str]:
    return calling(somebody()).get(f"contributions/{pr.pk}").json()["acts_next"]


def test_an_appeal_is_made_listed_and_heard_by_somebody_else(line: ModelLine) -> None:
    ada, grace, mary = (calling(somebody(role)) for role in ("contributor", "reviewer", "reviewer"))
    pr = rejected(line, ada, by=grace.account)
    made = ada.post(f"contributions/{pr.pk}/appeals", {"words": "The guide, page 12."})

    listed = [who.get("reviews/appeals").json()["items"] for who in (grace, mary)]
    said = {"outcome": "overturned", "because": "So it says."}
    hers = grace.post(f"contributions/{pr.pk}/appeals/hearing", said)
    heard = mary.post(f"contributions/{pr.pk}/appeals/hearing", said)

    assert (made.status_code, made.json()["outcome"]) == (201, None)
    assert listed == [[], [made.json()]]
    assert (hers.status_code, hers.json()["code"]) == (403, "not_a_reviewer")
    (told,) = calling(somebody()).get(f"contributions/{pr.pk}/appeals").json()["items"]
    assert told == heard.json()
    assert (told["outcome"], told["heard_by"]) == ("overturned", str(mary.account))
    assert Contribution.objects.get(pk=pr.pk).stage == Stage.IN_REVIEW


def test_an_appeal_that_cannot_be_made_or_heard_says_why(line: ModelLine) -> None:
    ada, eve, mary = (calling(somebody(role)) for role in ("contributor", "reviewer", "reviewer"))
    pr, other = rejected(line, ada), rejected(line, ada)
    appeals = f"contributions/{pr.pk}/appeals"
    ada.post(appeals, {"words": "Please."})

    refused = [
        eve.post(appeals, {"words": "For a friend."}),
        ada.post(appeals, {"words": "Once more."}),
        ada.post(f"{appeals}/hearing", {"outcome": "overturned", "because": "Mine."}),
        mary.post(f"{appeals}/hearing", {"outcome": "maybe", "because": "Hm."}),
        ada.get("reviews/appeals"),
        mary.post(
            f"contributions/{other.pk}/appeals/hearing", {"outcome": "upheld", "because": "-"}
        ),
    ]

    codes = [answer.json()["code"] for answer in refused]
    assert codes[:2] == ["not_yours", "review_refused"]
    assert codes[2:] == ["scope_missing", "bad_fields", "scope_missing", "not_found"]


def test_the_answer_says_who_may_act_after_a_rejection(line: ModelLine) -> None:
    ada = calling(somebody())
    pr = rejected(line, ada)
    both = next_on(pr)
    ada.post(f"contributions/{pr.pk}/appeals", {"words": "Please."})
    waiting = next_on(pr)
    said = {"outcome": "upheld", "because": "It does not."}
    calling(somebody(Role.REVIEWER)).post(f"contributions/{pr.pk}/appeals/hearing", said)
    revision = next_on(pr)
    line.policy = line.policy | {"review": line.policy["review"] | {"rejections": 1}}
    line.save()

    assert both == {"who": "author", "what": "send a revision that mends it, or appeal"}
    assert waiting == {"who": "reviewer", "what": "hear the appeal"}
    assert revision == {"who": "author", "what": "send a revision that mends it"}
    assert next_on(pr) == {"who": "nobody", "what": "it has ended"}


def test_a_skip_is_taken_back(line: ModelLine, grace: Caller) -> None:
    item = a_contribution(line, stage=Stage.IN_REVIEW)
    grace.post(f"contributions/{item.pk}/skip", {"why": "unclear"})
    nothing = grace.post("reviews/next", {}).json()["item"]

    answers = [grace.delete(f"contributions/{item.pk}/skip").status_code for _ in range(2)]

    assert (nothing, answers) == (None, [204, 204])
    assert not Skip.objects.exists()
    assert grace.post("reviews/next", {}).json()["item"]["number"] == item.pk
