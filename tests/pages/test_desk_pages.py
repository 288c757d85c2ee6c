"""The desk without a script: what it shows, what it keeps to itself, and what its forms do."""

from __future__ import annotations

import re
import unicodedata

from django.test import Client

from apps.accounts.models import Role
from apps.contributions.discussion import actions as talk
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.pages.templatetags.ui import visible
from apps.reviews.desk import pending
from apps.reviews.desk.models import Appeal, Pending, Unfolded
from apps.reviews.models import Decision
from apps.traces.models import Trace
from tests.pages.test_pages import as_
from tests.pages.world import World
from tests.people import a_contribution, somebody

ZERO_WIDTH = "\u200b\u2060\ufeff\u00ad\u180e"
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore them")
CONTROLS = "\x08\x0b\x1b\x7f"
FOREIGN = ("p\u0430ypal", "\u0440aypal", "g\u03bfogle", "\u0410pple", "micr\u043esoft")
WHOLE = ("\u0441\u043e\u0440\u0435", "\u0430\u0441\u0441\u0435\u0441\u0455", "\u0440\u0430\u0443")
DRESSED = ("\U0001d429\U0001d41a\U0001d432", "\uff50\uff41\uff59", "\U0001d5c9\U0001d5ba\U0001d5d2")
DECEIVING = [f"Send it to m{sign}e now." for sign in ZERO_WIDTH + BIDI + TAGS + CONTROLS]
DECEIVING += [f"Send it to {word} now." for word in (*FOREIGN, *WHOLE, *DRESSED)]
HONEST = [
    "Send it to me now.",
    "Отправьте это мне, пожалуйста.",
    "Στείλτε το σε μένα.",
    "把它发给我。",
    "Das heißt „größer“ – naïve façade, 5 µm.",
    "👩‍👩‍👧 sends it",
    "می‌خواهم",
]


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))


def desk_of(world: World, pr: Contribution) -> str:
    return as_(world.reviewer).get(f"/review/{pr.pk}").content.decode()


def test_every_sign_that_deceives_is_marked_and_no_honest_one() -> None:
    assert len(DECEIVING) >= 40
    assert [text for text in DECEIVING if 'class="sign' not in visible(text)] == []
    assert [text for text in HONEST if 'class="sign' in visible(text)] == []


def test_a_hidden_sign_is_named_and_not_sent_on() -> None:
    shown = visible("a\u202eb <b>")

    assert "⟨U+202E⟩" in shown
    assert unicodedata.name("\u202e").lower() in shown
    assert "\u202e" not in shown
    assert "&lt;b&gt;" in shown


def test_who_wrote_it_is_nowhere_on_the_screen_until_one_has_decided(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]
    Contribution.objects.filter(pk=pr.pk).update(
        title="Dates, by Linden", description="I am @linden, trust me. Lindenstraße is a street."
    )
    talk.say(pr, by=world.author, text="As linden I ask you to hurry.")

    page = desk_of(world, pr)

    assert not re.search(r"\blinden\b", page, re.IGNORECASE)
    assert "Lindenstraße" in page
    assert "The author" in page
    assert "folded until you have decided" in page
    decided = world.prs[Stage.REJECTED]
    assert "linden" in desk_of(world, decided)


def test_whoever_looks_before_deciding_is_noted(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]

    as_(world.reviewer).post(f"/review/{pr.pk}/who")

    assert "linden" in desk_of(world, pr)
    assert Unfolded.objects.get().reviewer == world.reviewer
    assert "linden" not in as_(world.maintainer).get(f"/review/{pr.pk}").content.decode()


def test_a_row_without_an_earlier_answer_shows_what_the_model_answers_now(world: World) -> None:
    asked = Trace.objects.get(answer__contains="day 1 of month 5")
    rows = [{"prompt": asked.prompt, "completion": "The first of May 2026."}]
    pr = a_contribution(world.line, by=world.author, stage=Stage.IN_REVIEW, rows=rows)

    page = desk_of(world, pr)

    assert "The model answers now" in page
    assert asked.answer in text_of(page)


def test_without_a_script_a_verdict_is_given_seen_and_undone(world: World) -> None:
    pr, client = world.prs[Stage.IN_REVIEW], as_(world.reviewer)

    given = client.post(f"/review/{pr.pk}", {"digest": pr.digest, "verdict": "accept"})
    desk = client.get(given.url).content.decode()
    assert f"PR {pr.pk}: Accept." in desk
    assert "Nobody else sees it yet" in desk
    pr.refresh_from_db()
    assert pr.stage == Stage.IN_REVIEW
    assert "Accepted" not in Client().get(f"/prs/{pr.pk}").content.decode()
    undone = client.post("/review/undo")

    assert undone.url == f"/review/{pr.pk}"
    assert not Pending.objects.exists()
    late = client.post("/review/undo", follow=True)
    assert "no verdict left to undo" in late.content.decode()


def test_a_rejection_takes_a_reason_and_the_author_reads_the_way_back(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]
    said = {"digest": pr.digest, "verdict": "reject", "reason": "unfounded"}

    as_(world.reviewer).post(f"/review/{pr.pk}", said)
    pending.carry_out(_due())

    page = text_of(as_(world.author).get(f"/prs/{pr.pk}").content.decode())
    assert "sources are missing" in page
    assert "Say where the answers come from" in page
    assert "Mend it and send it again" in page
    assert "Appeal against the rejection" in page


def test_a_lapsed_verdict_is_told_at_the_desk_until_it_is_read(world: World) -> None:
    pr, client = world.prs[Stage.IN_REVIEW], as_(world.reviewer)
    client.post(f"/review/{pr.pk}", {"digest": pr.digest, "verdict": "accept"})
    as_(world.author).post(f"/prs/{pr.pk}/withdraw")
    pending.carry_out(_due())

    told = text_of(client.get("/review").content.decode())
    client.post("/review/read")

    assert f"Your verdict on PR {pr.pk} (Accept) did not take effect" in told
    assert "did not take effect" not in client.get("/review").content.decode()


def test_one_verdict_on_a_group_is_a_decision_on_each_and_never_on_what_stands_apart(
    world: World,
) -> None:
    def one(n: int, answer: str) -> Contribution:
        rows = [{"prompt": f"Which day is meant by {n}.4.2026 here?", "completion": answer}]
        return a_contribution(world.line, by=world.author, stage=Stage.IN_REVIEW, rows=rows)

    alike = [one(n, f"It is the day {n} of April in 2026.") for n in range(1, 4)]
    apart = one(4, "Type your password into the next mail that you get.")
    client, path = as_(world.reviewer), f"/review/{alike[0].pk}/together"
    page = client.get(path).content.decode()
    assert re.search(rf'id="ticked-{apart.pk}"[^>]* disabled', page)
    everything = {f"digest-{pr.pk}": pr.digest for pr in (*alike, apart)}
    ticked = [str(pr.pk) for pr in (*alike, apart)]

    client.post(path, {**everything, "ticked": ticked, "verdict": "accept"})

    assert [given.contribution for given in Pending.objects.all()] == alike
    Pending.objects.update(due_at=Pending.objects.first().created_at)
    for given in pending.due():
        pending.carry_out(given)
    decided = Decision.objects.filter(contribution__in=alike)
    assert {d.contribution_id: d.digest for d in decided} == {pr.pk: pr.digest for pr in alike}


def test_an_appeal_is_made_on_the_page_and_heard_at_the_desk(world: World) -> None:
    pr, other = world.prs[Stage.REJECTED], as_(somebody(Role.REVIEWER))
    author = as_(world.author)

    author.post(f"/prs/{pr.pk}/appeal", {"words": "The rows differ from PR 1, says linden."})
    assert f"/review/{pr.pk}/appeal" not in as_(world.reviewer).get("/review").content.decode()
    assert f"/review/{pr.pk}/appeal" in other.get("/review").content.decode()
    heard = other.get(f"/review/{pr.pk}/appeal").content.decode()
    assert "The rows differ from PR 1, says the author." in heard
    other.post(f"/review/{pr.pk}/appeal", {"outcome": "overturned", "because": "They do."})

    pr.refresh_from_db()
    assert (pr.stage, Appeal.objects.get().outcome) == (Stage.IN_REVIEW, "overturned")
    assert "They do." in author.get(f"/prs/{pr.pk}").content.decode()
    assert as_(world.reviewer).get(f"/review/{pr.pk}/appeal").status_code == 404


def test_a_long_pr_is_read_screen_by_screen_before_it_is_accepted(world: World) -> None:
    rows = [{"prompt": f"What is {n} plus 1?", "completion": f"{n + 1}."} for n in range(30)]
    pr = a_contribution(world.line, by=world.author, stage=Stage.IN_REVIEW, rows=rows)
    client, said = as_(world.reviewer), {"digest": pr.digest, "verdict": "accept"}

    early = client.post(f"/review/{pr.pk}", {**said, "from": "1"}).content.decode()
    assert "10 of 30 rows were not on your screen yet" in early
    there = client.post(f"/review/{pr.pk}/more", {"from": "1"})
    assert there.url == f"/review/{pr.pk}?from=21"
    page = client.get(there.url).content.decode()
    assert "Row 30" in page
    assert "0 rows were not on your screen yet" in page
    client.post(f"/review/{pr.pk}", {**said, "from": "21"})

    assert Pending.objects.get().contribution == pr


def test_what_a_script_sends_wrongly_is_refused_with_a_sentence(world: World) -> None:
    pr, client = world.prs[Stage.IN_REVIEW], as_(world.reviewer)
    wants = {"accept": "application/json"}

    stale = client.post(
        f"/review/{pr.pk}", {"digest": "f" * 64, "verdict": "accept"}, headers=wants
    )
    senseless = client.post(f"/review/{pr.pk}", {"verdict": "burn"}, headers=wants)

    assert (stale.status_code, senseless.status_code) == (409, 409)
    assert "has changed since you read it" in stale.json()["refused"]
    assert "was not whole" in senseless.json()["refused"]


def test_similar_accepted_rows_stand_beside(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]

    whole = as_(world.reviewer).get(f"/review/{pr.pk}/beside").content.decode()
    part = as_(world.reviewer).get(f"/review/{pr.pk}/beside", headers={"HX-Request": "true"})

    assert "<html" in whole
    assert "<html" not in part.content.decode()


def _due() -> Pending:
    """The only verdict that waits, its time being over."""
    given = Pending.objects.get()
    given.due_at = given.created_at
    given.save()
    return given


def test_what_one_passed_on_stands_at_the_desk_and_is_taken_back(world: World) -> None:
    pr, window = world.prs[Stage.IN_REVIEW], as_(world.reviewer)
    window.post(f"/review/{pr.pk}/skip", {"why": "unclear"})
    before = text_of(window.get("/review").content.decode())

    answer = window.post(f"/review/{pr.pk}/skip/back", follow=True)

    assert "I cannot tell what is right" in before
    assert f"{pr} is offered to you again." in text_of(answer.content.decode())
    assert "Passed on by you" not in text_of(window.get("/review").content.decode())
