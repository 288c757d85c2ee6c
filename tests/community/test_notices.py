"""People are told of what concerns them: in an inbox, by mail, and not more than they want."""

from __future__ import annotations

import pytest
from django.core import mail as outgoing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from apps.accounts.models import Role
from apps.community import actions, mail, queries, tasks
from apps.community.models import Notice, Reason
from apps.community.telling import names_in
from apps.contributions.discussion.actions import say
from apps.contributions.stages import Stage
from apps.history.actions import move, record
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db


def told(account) -> list[tuple[str, str]]:
    tasks.tell()
    notices = Notice.objects.filter(account=account).order_by("pk")
    return [(notice.event.entered or notice.event.verb, notice.reason) for notice in notices]


def test_an_author_is_told_how_their_pr_fares_but_not_of_their_own_deeds():
    contribution = a_contribution()
    move(contribution, Stage.IN_REVIEW, by="checks")
    say(contribution, by=contribution.author, text="Please look.")
    move(contribution, Stage.ACCEPTED, by=somebody(Role.REVIEWER))

    assert told(contribution.author) == [("in_review", "author"), ("accepted", "author")]


def test_whoever_takes_part_follows_from_then_on():
    contribution, grace = a_contribution(), somebody()
    say(contribution, by=grace, text="Where is this from?")
    tasks.tell()
    say(contribution, by=contribution.author, text="From our help desk.")

    assert told(grace) == [("commented", "took_part")]
    assert told(contribution.author) == [("commented", "author")]


def test_events_that_are_read_together_are_told_in_their_order():
    contribution, grace, alan = a_contribution(), somebody(), somebody()
    say(contribution, by=grace, text="Where is this from?")
    say(contribution, by=contribution.author, text="From our help desk.")
    say(contribution, by=alan, text="I see.")

    assert told(contribution.author) == [("commented", "author")] * 2
    assert told(grace) == [("commented", "took_part")] * 2
    assert told(alan) == []


def test_telling_of_many_prs_asks_no_more_than_telling_of_one():
    def asked(prs: int) -> int:
        for _ in range(prs):
            say(a_contribution(), by=somebody(), text="Where is this from?")
        with CaptureQueriesContext(connection) as queries_made:
            tasks.tell()
        return len(queries_made)

    asked(1)
    assert asked(1) == asked(20)


def test_a_muted_pr_is_silent_and_a_followed_one_speaks():
    contribution, watcher = a_contribution(), somebody()
    tasks.tell()
    actions.follow(contribution, by=watcher)
    actions.mute(contribution, by=contribution.author)

    say(contribution, by=somebody(), text="Hello.")

    assert told(contribution.author) == []
    assert told(watcher) == [("commented", "watching")]


def test_the_author_alone_is_told_once_that_there_is_evidence():
    contribution, watcher = a_contribution(stage=Stage.IN_REVIEW), somebody()
    tasks.tell()
    actions.follow(contribution, by=watcher)

    for _ in range(2):
        record(contribution, "measured", by="evidence", details={"failing": 2})
        tasks.tell()
    record(contribution, "measured", by="evidence", details={"failing": 1})

    assert told(contribution.author) == [("measured", "author")]
    assert told(watcher) == []


def test_evidence_that_was_there_twice_by_the_same_ring_is_told_once():
    contribution = a_contribution(stage=Stage.IN_REVIEW)
    tasks.tell()
    for failing in (2, 1):
        record(contribution, "measured", by="evidence", details={"failing": failing})

    assert told(contribution.author) == [("measured", "author")]


def test_an_inbox_says_whether_an_appeal_was_granted():
    granted, upheld = (a_contribution(stage=Stage.REJECTED) for _ in range(2))
    move(granted, Stage.IN_REVIEW, by=somebody(Role.REVIEWER))
    record(upheld, "rejection upheld", by=somebody(Role.REVIEWER))
    tasks.tell()

    said = [queries.sentence_of(queries.inbox(pr.author).get()) for pr in (granted, upheld)]
    assert said == [
        f"{granted} is in review again: the appeal was granted",
        f"{upheld} stays rejected: somebody else has heard the appeal",
    ]


def test_somebody_mentioned_in_a_verdict_is_told_so():
    contribution, ada = a_contribution(stage=Stage.IN_REVIEW), somebody()

    move(contribution, Stage.REJECTED, by="reviews", because=f"@{ada.username} has a better one")

    assert told(ada) == [("rejected", "mentioned")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada and @grace.", ["ada", "grace"]),
        ("@ada, @ada", ["ada"]),
        ("mail ada@example.org", []),
        ("(@ada)", ["ada"]),
        ("@@ada /@x", []),
        ("@", []),
    ],
)
def test_a_mention_is_a_name_after_an_at_sign(text: str, names: list[str]):
    assert names_in(text) == names


def test_nobody_is_told_twice_of_one_event():
    contribution, ada = a_contribution(stage=Stage.IN_REVIEW), somebody()
    tasks.tell()
    actions.follow(contribution, by=ada)
    move(contribution, Stage.REJECTED, by="reviews", because=f"@{ada.username}")
    tasks.tell()

    assert told(ada) == [("rejected", "mentioned")]


def test_an_inbox_is_emptied_line_by_line_and_only_by_its_owner():
    contribution = a_contribution()
    move(contribution, Stage.IN_REVIEW, by="checks")
    tasks.tell()
    author, (notice,) = contribution.author, Notice.objects.all()

    assert actions.mark([notice.pk], by=somebody(), as_="done") == 0
    assert queries.unread(author) == 1
    actions.mark([notice.pk], by=author, as_="read")
    assert queries.unread(author) == 0
    actions.mark([notice.pk], by=author, as_="saved")
    actions.mark([notice.pk], by=author, as_="done")
    assert list(queries.inbox(author)) == []
    assert list(queries.inbox(author, box="saved")) == [notice]
    assert list(queries.inbox(author, box="done")) == [notice]


def with_address(account, address: str = "ada@example.org"):
    account.email = address
    account.save()
    return account


def test_mail_goes_to_those_who_gave_an_address_once_and_in_a_thread():
    contribution = a_contribution()
    with_address(contribution.author)
    move(contribution, Stage.IN_REVIEW, by="checks")
    tasks.tell()
    (notice,) = Notice.objects.all()

    tasks.mail_notice(notice.pk)
    tasks.mail_notice(notice.pk)

    (sent,) = outgoing.outbox
    assert sent.to == ["ada@example.org"]
    assert sent.subject == f"[PR {contribution.pk}] Some rows"
    assert f"PR {contribution.pk} passed the checks" in sent.body
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent.extra_headers["References"] == sent.extra_headers["In-Reply-To"]


def test_what_was_read_on_the_site_is_not_mailed():
    contribution = a_contribution()
    with_address(contribution.author)
    move(contribution, Stage.IN_REVIEW, by="checks")
    tasks.tell()
    (notice,) = Notice.objects.all()
    actions.mark([notice.pk], by=contribution.author, as_="read")

    tasks.mail_notice(notice.pk)

    assert outgoing.outbox == []


def test_one_click_ends_all_mail_without_signing_in(client):
    author = with_address(a_contribution().author)
    address = mail.unsubscribe_address(author)

    shown = client.get(address)
    assert queries.wants_mail(author), "looking at the page must not end anything"
    clicked = client.post(address, {"List-Unsubscribe": "One-Click"})

    assert (shown.status_code, clicked.status_code) == (200, 200)
    author.refresh_from_db()
    assert not queries.wants_mail(author)
    assert client.post(address[:-3] + "xxx").status_code == 404


def test_reasons_are_ordered_by_their_strength():
    assert list(Reason) == [Reason.MENTIONED, Reason.AUTHOR, Reason.TOOK_PART, Reason.WATCHING]


@pytest.mark.parametrize(
    ("language", "subject", "ends"),
    [
        ("", "Your webhook was switched off", "To end these mails: "),
        ("tr", "Webhook'unuz kapatıldı", "Bu e-postaları bitirmek için: "),
        ("zh-hans", "您的 webhook 已被关闭", "停止接收这些邮件："),
        ("klingon", "Your webhook was switched off", "To end these mails: "),
    ],
)
def test_mail_speaks_the_readers_language_whoever_sets_it_off(language, subject, ends):
    contribution = a_contribution()
    author = contribution.author
    author.email, author.language = "ada@example.org", language
    author.save()
    move(contribution, Stage.IN_REVIEW, by="checks")
    tasks.tell()
    endpoint, _ = actions.open_endpoint(
        by=author, url="https://example.org/", wants=["*"], own_only=False, algorithm="v1"
    )

    with translation.override("tr" if language != "tr" else "en"):
        told_of_pr = mail.of_notice(Notice.objects.get(account=author))
        told_of_hook = mail.of_disabled(endpoint)

    assert ends in told_of_pr.body
    assert told_of_hook.subject == subject
