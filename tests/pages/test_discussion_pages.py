"""The page of a PR as people use it, without scripts: every form, and what others see after."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, Role
from apps.contributions.discussion import actions
from apps.contributions.discussion.models import Comment, Label, Suggestion, Thread
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.queries import life_of
from tests.pages.world import World

IN_REVIEW = Stage.IN_REVIEW


def as_(account: Account) -> Client:
    client = Client()
    client.force_login(account)
    return client


def text_of(client: Client, path: str) -> str:
    answer = client.get(path, follow=True)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def pr(world: World) -> Contribution:
    return world.prs[IN_REVIEW]


def test_a_line_comment_stands_on_its_row_and_in_the_conversation(
    world: World, pr: Contribution
) -> None:
    path = f"/prs/{pr.pk}/rows/2/say/completion"
    assert "Suggest another text" in text_of(as_(world.reviewer), path)

    sent = as_(world.reviewer).post(path, {"text": "Which calendar?"})

    said = Comment.objects.get(text="Which calendar?")
    assert sent.url == f"/prs/{pr.pk}/comments/{said.pk}"
    for tab in ("", "/rows"):
        assert f'id="comment-{said.pk}"' in text_of(Client(), f"/prs/{pr.pk}{tab}")


def test_every_comment_has_a_lasting_address(world: World, pr: Contribution) -> None:
    on_row = Comment.objects.filter(thread__isnull=False).first()
    plain = Comment.objects.filter(thread=None, contribution=pr).first()
    assert on_row
    assert plain

    addresses = [Client().get(f"/prs/{pr.pk}/comments/{said.pk}").url for said in (on_row, plain)]

    assert addresses == [
        f"/prs/{pr.pk}/rows#comment-{on_row.pk}",
        f"/prs/{pr.pk}#comment-{plain.pk}",
    ]


def test_every_row_has_a_lasting_address(world: World, pr: Contribution) -> None:
    answer = Client().get(f"/prs/{pr.pk}/revisions/1/rows/3")

    assert answer.url == f"/prs/{pr.pk}/revisions/1/rows#row-3"
    assert 'id="row-3"' in text_of(Client(), f"/prs/{pr.pk}/revisions/1/rows")
    assert Client().get(f"/prs/{pr.pk}/revisions/9/rows").status_code == 404


def test_the_author_applies_a_suggestion_by_one_click(world: World, pr: Contribution) -> None:
    suggestion = Suggestion.objects.get()
    author = as_(world.author)
    assert "Apply the change" in text_of(author, f"/prs/{pr.pk}")
    assert "Apply the change" not in text_of(as_(world.reviewer), f"/prs/{pr.pk}")

    author.post(f"/prs/{pr.pk}/apply", {"suggestion": suggestion.pk, "digest": pr.digest})

    pr.refresh_from_db()
    page = text_of(author, f"/prs/{pr.pk}")
    assert (pr.revision, pr.stage) == (2, Stage.SUBMITTED)
    assert rows_of(pr)[2].completion == "It is 3 February 2026."
    assert "Applied in revision 2" in page
    assert "Suggested by rowan" in text_of(author, f"/prs/{pr.pk}/revisions")


def test_several_suggestions_are_applied_as_one_revision(world: World, pr: Contribution) -> None:
    more = actions.say_on(rows_of(pr)[3], "completion", by=world.maintainer, text="",
                          suggested="It is 4 February 2026.")  # fmt: skip
    keys = [Suggestion.objects.first().pk, more.suggestion.pk]
    assert text_of(as_(world.author), f"/prs/{pr.pk}").count('name="suggestion"') == 4

    as_(world.author).post(f"/prs/{pr.pk}/apply", {"suggestion": keys, "digest": pr.digest})

    pr.refresh_from_db()
    assert pr.revision == 2
    assert [row.completion for row in rows_of(pr)][2:4] == [
        "It is 3 February 2026.",
        "It is 4 February 2026.",
    ]


def test_a_stale_click_on_apply_is_refused_with_a_sentence(world: World, pr: Contribution) -> None:
    key = Suggestion.objects.get().pk

    said = as_(world.author).post(
        f"/prs/{pr.pk}/apply", {"suggestion": key, "digest": "0" * 64}, follow=True
    )

    pr.refresh_from_db()
    assert "has changed since you read it" in said.content.decode()
    assert pr.revision == 1


def test_a_thread_is_answered_resolved_and_opened_again(world: World, pr: Contribution) -> None:
    thread = Thread.objects.filter(resolved_at=None).first()
    assert thread
    path = f"/prs/{pr.pk}/threads/{thread.pk}"

    as_(world.reviewer).post(path, {"text": "Thank you.", "resolve": "yes", "tab": "rows"})
    thread.refresh_from_db()
    resolved = thread.resolved_by
    as_(world.author).post(path, {"text": "", "resolve": "no"})
    thread.refresh_from_db()

    assert (resolved, thread.resolved_by) == (world.reviewer, None)
    assert "Thank you." in text_of(Client(), f"/prs/{pr.pk}/rows")


def test_a_review_is_private_until_it_is_submitted_with_its_verdict(
    world: World, pr: Contribution
) -> None:
    reviewer = as_(world.reviewer)
    reviewer.post(
        f"/prs/{pr.pk}/rows/1/say/completion", {"text": "Give the weekday.", "pending": "1"}
    )
    assert "Give the weekday." in text_of(reviewer, f"/prs/{pr.pk}/rows")
    assert "1 remark that only you can read" in text_of(reviewer, f"/prs/{pr.pk}/rows")
    for other in (Client(), as_(world.author), as_(world.maintainer)):
        for tab in ("", "/rows"):
            assert "Give the weekday." not in text_of(other, f"/prs/{pr.pk}{tab}")

    reviewer.post(
        f"/prs/{pr.pk}/remarks",
        {"verdict": "changes", "digest": pr.digest, "because": "See the row."},
    )

    pr.refresh_from_db()
    page = text_of(Client(), f"/prs/{pr.pk}")
    assert pr.stage == Stage.CHANGES_REQUESTED
    assert "Give the weekday." in page
    assert "See the row." in page


def test_a_refused_verdict_leaves_the_remarks_private(world: World, pr: Contribution) -> None:
    reviewer = as_(world.reviewer)
    reviewer.post(f"/prs/{pr.pk}/rows/1/say/completion", {"text": "Hm.", "pending": "1"})

    reviewer.post(f"/prs/{pr.pk}/remarks", {"verdict": "accept", "digest": "0" * 64})

    assert Comment.every.get(text="Hm.").pending
    pr.refresh_from_db()
    assert pr.stage == IN_REVIEW


def test_an_approval_of_other_rows_is_marked_as_stale(world: World) -> None:
    pr = world.prs[Stage.CHANGES_REQUESTED]
    as_(world.author).post(
        f"/prs/{pr.pk}/revise", {"pasted": '{"prompt": "a", "completion": "b"}', "note": "Mended"}
    )

    assert "Of revision 1; it no longer counts" in text_of(Client(), f"/prs/{pr.pk}")


def test_the_difference_between_two_revisions_is_shown_and_kept_as_a_patch(world: World) -> None:
    pr = world.prs[Stage.CHANGES_REQUESTED]
    kept = [json.loads(line)["after"] for line in patch(f"/prs/{pr.pk}.jsonl")]
    kept[0]["completion"] = "It is another day."
    pasted = "\n".join(json.dumps(row) for row in kept[:-1])
    as_(world.author).post(f"/prs/{pr.pk}/revise", {"pasted": pasted, "note": "Mended row 1"})

    page = text_of(Client(), f"/prs/{pr.pk}/revisions?old=1&new=2")
    lines = [json.loads(line) for line in patch(f"/prs/{pr.pk}/revisions/1..2.jsonl")]

    assert "0 added, 1 changed, 1 removed" in page
    assert "<ins>another" in page
    assert [(line["op"], line["row"]) for line in lines] == [("change", 0), ("remove", 6)]
    for view in ("split", "unified"):
        assert "another" in text_of(Client(), f"/prs/{pr.pk}/revisions?view={view}&w=1")


def patch(path: str) -> list[str]:
    return b"".join(Client().get(path).streaming_content).decode().splitlines()


def test_what_quarantine_hides_no_tab_and_no_patch_shows(world: World) -> None:
    pr = world.prs[Stage.QUARANTINED]
    actions.say_on(rows_of(pr)[0], "completion", by=world.author, text="quoted secret")
    secret = rows_of(pr)[0].prompt

    for tab in ("", "/rows", "/revisions", "/checks", "/effects", "/revisions/1/rows"):
        page = text_of(Client(), f"/prs/{pr.pk}{tab}")
        assert secret not in page
        assert "quoted secret" not in page
    said = Comment.objects.get(text="quoted secret")
    assert Client().get(f"/prs/{pr.pk}/comments/{said.pk}/wordings").status_code == 404
    assert Client().get(f"/prs/{pr.pk}.jsonl").status_code == 404
    for path in (f"/prs/{pr.pk}.json", f"/api/v1/contributions/{pr.pk}/comments"):
        assert b"quoted secret" not in Client().get(path, follow=True).content
        assert b"quoted secret" in as_(world.author).get(path, follow=True).content
    assert secret in text_of(as_(world.author), f"/prs/{pr.pk}/rows")


def test_an_edited_comment_shows_how_it_read_before(world: World, pr: Contribution) -> None:
    said = Comment.objects.exclude(edited_at=None).get()

    page = text_of(Client(), f"/prs/{pr.pk}/comments/{said.pk}/wordings")

    assert "The source is the guide, section 3." in page
    assert "<ins>" in page
    path = f"/prs/{pr.pk}/comments/{said.pk}/edit"
    refused = as_(world.reviewer).post(path, {"text": "Mine now"})
    assert "only they can change it" in refused.content.decode()


def test_reactions_labels_people_and_the_lock_are_seen_by_everybody(
    world: World, pr: Contribution
) -> None:
    team, said = as_(world.maintainer), Comment.objects.filter(contribution=pr).first()
    assert said
    team.post(f"/prs/{pr.pk}/comments/{said.pk}/react", {"feeling": "glad"})
    team.post(f"/prs/{pr.pk}/labels", {"label": ["safety"]})
    team.post(f"/prs/{pr.pk}/people", {"reviewer": "", "assignee": "@rowan"})
    team.post(f"/prs/{pr.pk}/lock", {"locked": "yes", "because": "too hot"})

    page = text_of(Client(), f"/prs/{pr.pk}")

    for words in ("Glad", "safety", "looks after it", "Conversation closed"):
        assert words in page
    assert "needs a source" not in page
    as_(world.author).post(f"/prs/{pr.pk}/comment", {"text": "But why"})
    assert not Comment.objects.filter(text="But why").exists()


def test_contributors_do_not_label_lock_or_make_labels(world: World, pr: Contribution) -> None:
    author = as_(world.author)

    author.post(f"/prs/{pr.pk}/labels", {"label": []})
    author.post(f"/prs/{pr.pk}/lock", {"locked": "yes"})
    author.post("/labels", {"name": "mine", "tone": "bad"})

    pr.refresh_from_db()
    assert (pr.labels.count(), pr.locked) == (2, False)
    assert not Label.objects.filter(name="mine").exists()


def test_a_tick_is_kept_counted_and_taken_back(world: World, pr: Contribution) -> None:
    reader = as_(world.reviewer)

    reader.post(f"/prs/{pr.pk}/viewed", {"row": "2", "seen": "yes", "tab": "rows"})
    assert "1 of 5 viewed" in text_of(reader, f"/prs/{pr.pk}/rows")
    assert "0 of 5 viewed" in text_of(as_(world.author), f"/prs/{pr.pk}/rows")
    reader.post(f"/prs/{pr.pk}/viewed", {"row": "2", "seen": "no", "tab": "rows"})
    assert "0 of 5 viewed" in text_of(reader, f"/prs/{pr.pk}/rows")


@pytest.mark.parametrize("tab", ["", "/rows", "/checks", "/history", "/evidence", "/effects"])
def test_every_tab_has_its_json(tab: str, world: World, pr: Contribution) -> None:
    answer = Client().get(f"/prs/{pr.pk}{tab}.json", follow=True)

    assert answer["Content-Type"].startswith("application/json")
    assert answer.json()


def test_an_accepted_pr_is_reverted_by_a_pr_of_its_own(world: World) -> None:
    pr = world.prs[Stage.ACCEPTED]

    sent = as_(world.reviewer).post(f"/prs/{pr.pk}/revert", {"because": "The source was wrong."})

    revert = Contribution.objects.get(reverts=pr)
    assert sent.url == f"/prs/{revert.pk}"
    assert "proposes to take these rows out" in text_of(Client(), f"/prs/{pr.pk}")
    assert rows_of(pr)[0].prompt in text_of(Client(), f"/prs/{revert.pk}")
    Contribution.objects.filter(pk=revert.pk).update(stage=Stage.ACCEPTED)
    assert "has taken these rows out again" in text_of(Client(), f"/prs/{pr.pk}")


def test_a_first_pr_is_welcomed(world: World) -> None:
    first = Contribution.objects.order_by("pk").first()
    assert first

    assert "Welcome, this is your first PR" in text_of(as_(world.author), f"/prs/{first.pk}")
    assert "First PR" in text_of(Client(), f"/prs/{first.pk}")
    later = world.prs[Stage.REJECTED]
    assert "First PR" not in text_of(Client(), f"/prs/{later.pk}")


def test_the_page_says_who_acts_next_by_when_and_what_is_missing(
    world: World, pr: Contribution
) -> None:
    page = text_of(Client(), f"/prs/{pr.pk}")

    assert re.search(r"A reviewer</strong>, <time [^>]*>by \w+day \d\d:\d\d</time>", page)
    for need in ("Every screen ran", "1 thread is open", "It needs a reviewer’s yes"):
        assert need in page


def test_an_accepted_pr_knows_its_place_in_the_weeks_build(world: World) -> None:
    pr = world.prs[IN_REVIEW]
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.ACCEPTED)

    page = text_of(Client(), f"/prs/{pr.pk}")

    assert re.search(r"Number \d in this week’s build, which closes <time [^>]*>Friday 18:00", page)


def test_the_effects_of_the_builds_are_told_and_not_claimed_for_the_pr(world: World) -> None:
    page = text_of(Client(), f"/prs/{world.prs[Stage.ACCEPTED].pk}/effects")

    assert f"Build {world.live.pk}" in page
    assert "0 → <strong>97 %" in page
    assert "What this PR alone did has not been measured" in page


def test_the_evidence_is_shown_side_by_side_and_called_a_preview(
    world: World, pr: Contribution
) -> None:
    page = text_of(Client(), f"/prs/{pr.pk}/evidence")

    for said in ("Preview", "3 of 4", "2 of 3", "1 of 40", "Wrong all the same", "Sort 3, 1, 2."):
        assert said in page
    assert "The answers side by side" in text_of(Client(), f"/prs/{pr.pk}")
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.QUARANTINED)
    hidden = text_of(Client(), f"/prs/{pr.pk}/evidence")
    assert "3 of 4" in hidden
    assert "Sort 3, 1, 2." not in hidden
    assert "It is month 1" not in hidden


def test_a_check_shows_the_rows_in_question_and_how_to_mend_them(world: World) -> None:
    pr = world.prs[Stage.QUARANTINED]

    page = text_of(as_(world.maintainer), f"/prs/{pr.pk}/checks")

    assert "Take these rows out, or say where they come from." in page
    assert rows_of(pr)[5].prompt not in page
    assert page.count("Which day is") == 4


def test_a_filter_is_typed_in_one_box_kept_in_the_address_and_saved(
    world: World, pr: Contribution
) -> None:
    author = as_(world.author)
    query = 'is:open label:"needs a source"'

    page = text_of(author, f"/prs?q={query.replace(' ', '+')}")
    author.post("/prs/filters", {"name": "Unproven", "q": query})

    assert f"/prs/{pr.pk}" in page
    assert page.count('<li class="row"') == 1
    assert "is:open label:&quot;needs a source&quot;" in page
    assert "Unproven" in text_of(author, "/prs")
    assert "Unproven" not in text_of(as_(world.reviewer), "/prs")
    author.post("/prs/filters", {"forget": "Unproven", "q": query})
    assert "Unproven" not in text_of(author, "/prs")


def test_a_sorted_list_turns_its_pages_both_ways(world: World) -> None:
    from apps.pages.paging import slice_of

    things = Contribution.objects.all()
    for by in (("touched_at", True), ("touched_at", False), ("row_count", True)):
        name, falling = by
        order = [f"-{name}", "-pk"] if falling else [name, "pk"]
        expected = list(things.order_by(*order).values_list("pk", flat=True))
        first = slice_of(things, {}, size=3, by=by)
        asked = dict(pair.split("=", 1) for pair in [first.older.removeprefix("?")])
        from urllib.parse import unquote

        place = {name: unquote(value) for name, value in asked.items()}
        second = slice_of(things, place, size=3, by=by)
        back_to = unquote(second.newer.removeprefix("?after="))
        back = slice_of(things, {"after": back_to}, size=3, by=by)

        assert [pr.pk for pr in first.items + second.items] == expected[:6]
        assert [pr.pk for pr in back.items] == expected[:3]


def test_older_addresses_of_the_list_say_the_same(world: World) -> None:
    old = text_of(Client(), "/prs?state=accepted&skill=date_short&author=linden&text=dates")

    assert 'value="author:linden skill:date_short is:accepted dates"' in old
    assert old.count('<li class="row"') == 1


def test_a_preview_is_safe_and_hands_the_text_on(world: World, pr: Contribution) -> None:
    sent = {
        "text": "**yes** <script>alert(1)</script> @rowan #1",
        "goes_to": f"/prs/{pr.pk}/comment",
    }

    page = as_(world.author).post("/preview", sent).content.decode()
    part = as_(world.author).post("/preview", sent, headers={"HX-Request": "true"})
    stolen = as_(world.author).post("/preview", {**sent, "goes_to": "https://evil.example/"})

    assert "<strong>yes</strong>" in page
    assert f'action="/prs/{pr.pk}/comment"' in page
    assert "<script>alert" not in page + part.content.decode()
    assert 'href="/prs?q=author%3Arowan"' in part.content.decode()
    assert "evil.example" not in stolen.content.decode()


def test_names_and_numbers_are_completed_for_who_is_signed_in(world: World) -> None:
    def found(begun: str) -> list[str]:
        answer = as_(world.author).get("/complete", {"begun": begun})
        return [one["word"] for one in answer.json()["found"]]

    assert found("@ro") == ["@rowan"]
    assert found("@") == found("zzz") == []
    assert f"#{world.prs[Stage.REJECTED].pk}" in found("#part")
    assert Client().get("/complete", {"begun": "@ro"}).status_code == 302


def test_replies_and_the_choice_of_shortcuts_are_kept(world: World) -> None:
    author = as_(world.author)
    assert 'data-keys="on"' in text_of(author, "/prs")

    author.post("/settings/writing", {"title": "Thanks", "text": "Thank you for *this*."})
    author.post("/settings/writing", {"what": "keys"})

    kept = author.get("/settings/replies").json()["replies"]
    assert kept == [{"title": "Thanks", "text": "Thank you for *this*."}]
    assert 'data-keys="off"' in text_of(author, "/prs")
    author.post("/settings/writing", {"what": "keys", "single_keys": "on"})
    author.post("/settings/writing", {"forget": "Thanks"})
    assert 'data-keys="on"' in text_of(author, "/settings/writing")
    assert author.get("/settings/replies").json()["replies"] == []


def test_a_longer_conversation_asks_no_more_questions(world: World, pr: Contribution) -> None:
    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            as_(world.reviewer).get(path)
        return len(asked)

    paths = [f"/prs/{pr.pk}", f"/prs/{pr.pk}/rows"]
    before = [count(path) for path in paths]
    for number in range(12):
        said = actions.say_on(rows_of(pr)[1], "prompt", by=world.reviewer, text=f"{number}")
        actions.react(said, by=world.author, feeling="agree")

    assert [count(path) for path in paths] == before


HOSTILE = "<img src=x onerror=alert(1)>"


def test_what_people_write_is_never_markup_anywhere(world: World, pr: Contribution) -> None:
    team = as_(world.maintainer)
    row = rows_of(pr)[0]
    actions.say(pr, by=world.author, text=HOSTILE)
    actions.say_on(row, "completion", by=world.reviewer, text=HOSTILE, suggested=HOSTILE)
    team.post("/labels", {"name": HOSTILE[:40], "tone": "bad", "description": HOSTILE})
    team.post(f"/prs/{pr.pk}/labels", {"label": [HOSTILE[:40]]})
    team.post("/prs/filters", {"name": HOSTILE, "q": HOSTILE})
    team.post("/settings/writing", {"title": HOSTILE, "text": HOSTILE})

    for path in (
        f"/prs/{pr.pk}", f"/prs/{pr.pk}/rows", f"/prs/{pr.pk}/labels", "/labels", "/prs",
        f"/prs?q={HOSTILE}", "/settings/writing", f"/prs/{pr.pk}/history",
    ):  # fmt: skip
        assert "<img" not in text_of(team, path)


def test_what_happens_in_a_conversation_is_on_record_with_names(
    world: World, pr: Contribution
) -> None:
    events = [
        (e.verb, e.actor, e.details.get("mentioned")) for e in life_of(pr) if e.verb != "moved"
    ]

    assert ("commented", "rowan", ["linden"]) in events
    assert {"labelled", "review asked for", "thread resolved", "comment edited"} <= {
        verb for verb, _, _ in events
    }
    assert world.reviewer.role == Role.REVIEWER


def test_a_release_that_was_only_proposed_is_told_as_that(world: World) -> None:
    pr = world.prs[Stage.QUARANTINED]
    team = as_(world.maintainer)

    page = team.post(
        f"/prs/{pr.pk}/remarks",
        {"verdict": "release", "digest": pr.digest, "because": "A word of the trade."},
        follow=True,
    )

    assert "Proposed. It is released when a second person agrees." in page.content.decode()
    pr.refresh_from_db()
    assert pr.stage == Stage.QUARANTINED
