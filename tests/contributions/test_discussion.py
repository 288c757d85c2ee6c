"""Talking about a PR: who may, what others see of it, and what stays on record."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import Account, Role
from apps.contributions.discussion import actions, queries, rules
from apps.contributions.discussion.models import Comment, Label, Reaction, Thread, Wording
from apps.contributions.errors import ContributionRefused, Locked, NotForYou, NotYours
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.rows import mark_of
from apps.contributions.stages import Stage
from apps.history.queries import life_of, verify_chain
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()


def row_of(contribution: Contribution, position: int = 0) -> Row:
    return rows_of(contribution)[position]


def told(contribution: Contribution) -> list[tuple[str, dict[str, object]]]:
    return [(event.verb, event.details) for event in life_of(contribution) if event.verb != "moved"]


def test_a_comment_is_recorded_with_the_names_it_mentions() -> None:
    ada = Account.objects.create(username="ada.l")
    pr = a_contribution()

    said = actions.say(pr, by=ada, text="See @ada.l, @nobody and `@code`.")

    assert told(pr) == [("commented", {"comment": said.pk, "mentioned": ["ada.l"]})]
    assert verify_chain() == 2


def test_a_thread_stands_on_a_field_of_a_row_and_holds_its_answers() -> None:
    pr, reader = a_contribution(stage=Stage.IN_REVIEW), somebody()
    first = actions.say_on(row_of(pr), "completion", by=reader, text="How many?")
    assert first.thread is not None
    actions.answer(first.thread, by=pr.author, text="One more.")

    [talk] = queries.conversation(pr, NOBODY)

    assert talk.thread is not None
    assert (talk.thread.quote, talk.position, talk.open) == ("More.", 0, True)
    assert [comment.text for comment in talk.comments] == ["How many?", "One more."]


def test_the_whole_conversation_is_one_question(django_assert_num_queries: object) -> None:
    pr, reader = a_contribution(stage=Stage.IN_REVIEW), somebody()
    for number in range(5):
        said = actions.say_on(row_of(pr), "completion", by=reader, text=f"{number}", suggested="x")
        actions.react(said, by=pr.author, feeling="thanks")
        actions.say(pr, by=reader, text="and another thing")

    with django_assert_num_queries(1):  # type: ignore[operator]
        talks = queries.conversation(pr, pr.author)
        felt = queries.reactions_of(talks[0].comments[0], pr.author)
        shown = [(t.thread and t.thread.row.position, t.position, t.thread and t.thread.quote,
                  t.comments[0].author.username) for t in talks]  # fmt: skip

    assert len(shown) == 10
    assert {"feeling": "thanks", "people": [pr.author.username], "mine": True} in felt


def test_a_field_that_a_row_has_not_takes_no_thread() -> None:
    pr = a_contribution(stage=Stage.IN_REVIEW)

    for field in ("chosen", "digest", "client_id"):
        with pytest.raises(ContributionRefused):
            actions.say_on(row_of(pr), field, by=somebody(), text="Hm")


def test_a_pending_remark_is_its_writers_alone_until_submitted() -> None:
    pr, reviewer = a_contribution(stage=Stage.IN_REVIEW), somebody(Role.REVIEWER)
    actions.say_on(row_of(pr), "completion", by=reviewer, text="Wrong", pending=True)

    seen = {who: len(queries.conversation(pr, who)) for who in (NOBODY, pr.author, reviewer)}
    assert seen == {NOBODY: 0, pr.author: 0, reviewer: 1}
    assert list(pr.comments.all()) == []
    assert told(pr) == []

    assert actions.submit_remarks(pr, by=reviewer) == 1
    assert actions.submit_remarks(pr, by=reviewer) == 0
    assert len(queries.conversation(pr, NOBODY)) == 1
    assert [verb for verb, _ in told(pr)] == ["commented"]


def test_only_what_nobody_has_read_can_be_thrown_away() -> None:
    pr, reviewer = a_contribution(stage=Stage.IN_REVIEW), somebody(Role.REVIEWER)
    waiting = actions.say_on(row_of(pr), "completion", by=reviewer, text="Wrong", pending=True)
    public = actions.say(pr, by=reviewer, text="Hm")

    actions.discard(waiting, by=reviewer)
    with pytest.raises(ContributionRefused, match="edit it instead"):
        actions.discard(public, by=reviewer)

    assert list(Comment.every.values_list("text", flat=True)) == ["Hm"]
    assert not Thread.objects.exists()


def test_every_earlier_wording_of_a_comment_stays() -> None:
    pr, writer = a_contribution(), somebody()
    said = actions.say(pr, by=writer, text="one")

    for text in ("two", "two", "three"):
        actions.edit(said, by=writer, text=text)

    said.refresh_from_db()
    assert said.text == "three"
    assert said.edited_at is not None
    assert list(Wording.objects.values_list("text", flat=True)) == ["one", "two"]
    assert queries.conversation(pr, NOBODY)[0].comments[0].rewordings == 2


def test_nobody_changes_the_words_of_another() -> None:
    pr = a_contribution()
    said = actions.say(pr, by=somebody(), text="one")

    for role in Role:
        with pytest.raises(NotYours):
            actions.edit(said, by=somebody(role), text="two")


def test_threads_are_resolved_and_reopened_by_those_they_concern() -> None:
    pr, opener, stranger = a_contribution(stage=Stage.IN_REVIEW), somebody(), somebody()
    thread = actions.say_on(row_of(pr), "completion", by=opener, text="Hm").thread
    assert thread is not None
    with pytest.raises(NotForYou):
        actions.resolve(thread, by=stranger)

    states = []
    for who, resolved in ((opener, True), (pr.author, False), (somebody(Role.REVIEWER), True)):
        actions.resolve(thread, by=who, resolved=resolved)
        thread.refresh_from_db()
        states.append(thread.resolved_at is not None)

    assert states == [True, False, True]
    assert [verb for verb, _ in told(pr)][1:] == [
        "thread resolved", "thread reopened", "thread resolved",
    ]  # fmt: skip


def test_a_reaction_stands_once_and_is_taken_back_by_the_same_click() -> None:
    pr, who = a_contribution(), somebody()
    said = actions.say(pr, by=who, text="Hm")

    stood = [actions.react(said, by=who, feeling=f) for f in ("agree", "agree", "agree")]

    assert stood == [True, False, True]
    assert Reaction.objects.count() == 1
    with pytest.raises(ContributionRefused):
        actions.react(said, by=who, feeling="<script>")


@pytest.mark.parametrize("role", Role)
def test_labels_are_set_by_trusted_people_and_recorded(role: Role) -> None:
    pr, who = a_contribution(), somebody(role)
    Label.objects.create(name="slow")
    if role not in rules.LABEL:
        with pytest.raises(NotForYou):
            actions.set_labels(pr, by=who, names=["slow"])
        return

    actions.set_labels(pr, by=who, names=["slow"])
    actions.set_labels(pr, by=who, names=["slow"])
    actions.set_labels(pr, by=who, names=[])

    assert [details for _, details in told(pr)] == [
        {"added": ["slow"], "removed": []},
        {"added": [], "removed": ["slow"]},
    ]


def test_a_locked_conversation_is_the_teams_alone() -> None:
    pr, maintainer = a_contribution(stage=Stage.IN_REVIEW), somebody(Role.MAINTAINER)
    said = actions.say(pr, by=pr.author, text="Hm")
    with pytest.raises(NotForYou):
        actions.lock(pr, by=somebody(Role.REVIEWER), locked=True)
    actions.lock(pr, by=maintainer, locked=True, because="too hot")

    for act in (
        lambda: actions.say(pr, by=pr.author, text="More"),
        lambda: actions.edit(said, by=pr.author, text="More"),
        lambda: actions.say_on(row_of(pr), "completion", by=pr.author, text="More"),
        lambda: actions.react(said, by=pr.author, feeling="agree"),
    ):
        with pytest.raises(Locked):
            act()
    actions.say(pr, by=maintainer, text="Cool down")
    actions.lock(pr, by=maintainer, locked=False)
    actions.say(pr, by=pr.author, text="Sorry")


def test_rows_in_quarantine_are_talked_about_by_those_who_see_them() -> None:
    pr = a_contribution(stage=Stage.QUARANTINED)

    with pytest.raises(NotForYou):
        actions.say_on(row_of(pr), "completion", by=somebody(), text="Hm")
    actions.say_on(row_of(pr), "completion", by=pr.author, text="Hm")


def test_people_are_asked_to_review_and_never_the_author() -> None:
    pr, team = a_contribution(stage=Stage.IN_REVIEW), somebody(Role.REVIEWER)
    other = somebody(Role.REVIEWER)

    actions.set_involved(pr, by=team, part="reviewer", names=[f"@{other}", str(team)])
    actions.set_involved(pr, by=team, part="reviewer", names=[str(other)])

    assert list(pr.involved.values_list("account__username", flat=True)) == [str(other)]
    assert [d["removed"] for _, d in told(pr)] == [[], [str(team)]]
    with pytest.raises(ContributionRefused, match="ask somebody else"):
        actions.set_involved(pr, by=team, part="reviewer", names=[str(pr.author)])
    with pytest.raises(ContributionRefused, match="nobody is called"):
        actions.set_involved(pr, by=team, part="assignee", names=["zzz"])


def test_a_tick_falls_when_the_row_changes_by_a_letter() -> None:
    pr, reader = a_contribution(), somebody()
    row = row_of(pr)
    actions.tick(pr, by=reader, marks=[mark_of(row)], seen=True)
    actions.tick(pr, by=reader, marks=[mark_of(row)], seen=True)

    seen = queries.marks_seen(pr, reader)
    row.completion = row.completion.upper()

    assert len(seen) == 1
    assert mark_of(row) not in seen
    assert queries.marks_seen(pr, NOBODY) == set()


def test_whatever_happens_to_a_pr_is_noted_in_its_time() -> None:
    pr = a_contribution(stage=Stage.IN_REVIEW)
    before = Contribution.objects.get(pk=pr.pk).touched_at

    actions.say(pr, by=somebody(), text="Hm")

    assert Contribution.objects.get(pk=pr.pk).touched_at > before
