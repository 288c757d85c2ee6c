"""Every page answers every visitor, stays within its budget of SQL, and works without scripts."""

import re
from urllib.parse import quote_plus

import pytest
from django.contrib.auth import authenticate
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, Role, Token
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.pages.paging import slice_of
from apps.reviews.models import Decision
from apps.rollouts.stages import Stage as RolloutStage
from apps.skills.models import ModelLine
from tests.pages.world import PASSWORD, World, founded, rows
from tests.people import somebody

# The head of every page asks one of them: how much of the inbox is unread.
MOST_SQL = 15
# One screen holds all that a decision needs, and claims the item for its reader.
MOST_SQL_AT_THE_DESK = 18
OPEN_TO_ALL = [
    "/",
    "/prs",
    "/prs?state=all&skill=date_short&author=linden&text=dates",
    *(f"/prs/{{{stage}}}" for stage in Stage.values[1:]),
    "/prs/{accepted}/rows",
    "/prs/{quarantined}/checks",
    "/prs/{accepted}/history",
    '/prs?q=label:dates -author:maple sort:updated-desc "short dates"',
    "/prs/{in_review}/rows",
    "/prs/{in_review}/rows?view=unified&w=1",
    "/prs/{in_review}/revisions",
    "/prs/{in_review}/revisions/1/rows",
    "/prs/{in_review}/evidence",
    "/prs/{accepted}/effects",
    "/shortcuts",
    "/submit",
    "/submit?kind=preference",
    "/submit?kind=rating",
    "/submit?kind=dataset",
    "/drafts",
    "/playground",
    "/help-wanted",
    "/builds",
    "/builds/{live}",
    "/builds/{refused}",
    "/builds/{training}",
    "/rollouts",
    "/rollouts/{widening}",
    "/rollouts/{taken_back}",
    "/leaderboard",
    "/sign-in",
    "/sign-up",
    "/style",
]
FOR_REVIEWERS = [
    "/review",
    "/review/{in_review}",
    "/review/{quarantined}",
    "/tokens",
    "/prs/{in_review}/rows/1/say/completion",
    "/prs/{in_review}/labels",
    "/prs/{in_review}/people",
    "/labels",
    "/settings/writing",
]


def address(path: str, world: World) -> str:
    named = {stage: pr.pk for stage, pr in world.prs.items()}
    named |= {"live": world.live.pk, "refused": world.refused.pk, "training": world.training.pk}
    named |= {"widening": world.widening.pk, "taken_back": world.taken_back.pk}
    return path.format(**named)


def no_time_to_undo(line: ModelLine) -> None:
    """Let a verdict at the desk be in effect when the page answers."""
    line.policy = {"review": {"undo_seconds": 0}}
    line.save()


def as_(account: Account) -> Client:
    client = Client()
    client.force_login(account)
    return client


CORRECTION = {
    "title": "Short dates",
    "prompt": "Which day is 3.4.2026?",
    "original": "4 March 2026.",
    "completion": "3 April 2026.",
    "skill": "date_short",
    "licence": "CC0-1.0",
    "consent": "train",
    "signed_off": "on",
}


@pytest.mark.parametrize("who", ["nobody", "author", "maintainer", "manager"])
def test_every_page_answers_everybody_within_its_budget_of_sql(who: str, world: World) -> None:
    client = Client() if who == "nobody" else as_(getattr(world, who))

    assert beyond_the_budget(client, OPEN_TO_ALL, world) == {}


@pytest.mark.parametrize("who", ["reviewer", "maintainer"])
def test_the_desk_answers_reviewers_within_its_budget(who: str, world: World) -> None:
    client = as_(getattr(world, who))

    assert beyond_the_budget(client, FOR_REVIEWERS, world, MOST_SQL_AT_THE_DESK) == {}


def beyond_the_budget(
    client: Client, paths: list[str], world: World, most: int = MOST_SQL
) -> dict[str, object]:
    """Pages that answer with another status than 200, or ask more than the budget allows."""
    beyond: dict[str, object] = {}
    for path in paths:
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(address(path, world), follow=True)
        count = sum(not savepoint(query["sql"]) for query in asked.captured_queries)
        if answer.status_code != 200 or count > most:
            beyond[path] = (answer.status_code, count)
    return beyond


def savepoint(sql: str) -> bool:
    return sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))


@pytest.mark.parametrize("path", ["/prs?state=all", "/leaderboard", "/prs/{accepted}"])
def test_a_longer_list_asks_no_more_questions(path: str, world: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            Client().get(address(path, world))
        return len(asked)

    before = count()
    first = world.prs[Stage.REJECTED]
    Contribution.objects.bulk_create(
        Contribution(
            line=world.line, author=first.author, kind="correction", title=f"More {n}",
            stage=Stage.ACCEPTED, licence="MIT", consent="train", submitted_at=first.submitted_at,
        )
        for n in range(60)
    )  # fmt: skip

    assert count() == before


def test_no_page_styles_or_scripts_inline(world: World) -> None:
    maintainer = as_(world.maintainer)
    for path in [*OPEN_TO_ALL, *FOR_REVIEWERS]:
        page = maintainer.get(address(path, world), follow=True).content.decode()

        assert re.findall(r'\sstyle="|<style|\son\w+="|javascript:|https?://(?!www.w3)', page) == []
        assert re.findall(r"<script(?![^>]*nonce=\"[^\"]+\")[^>]*>", page) == []


def test_a_site_without_a_line_says_so(db: None) -> None:
    for path in ("/", "/submit", "/leaderboard"):
        assert b"No model line yet" in Client().get(path).content


def test_somebody_signs_up_sends_a_correction_and_sees_its_page(db: None) -> None:
    founded()
    visitor = Client()

    asked = visitor.post(
        "/submit?kind=correction", {**CORRECTION, "draft": "short-dates-of-linden"}
    )
    back = "/submit?draft=short-dates-of-linden"
    assert asked.url == f"/sign-in?next={quote_plus(back)}"
    joined = visitor.post("/sign-up", {"username": "linden", "password1": PASSWORD, "next": back})
    assert joined.url == back
    kept = visitor.get(back)
    assert "4 March 2026." in kept.content.decode()
    names = kept.context["names"]
    hidden = {"draft": names.key, "version": names.version, "tab": names.tab}
    sent = visitor.post("/submit?kind=correction", {**CORRECTION, **hidden})

    pr = Contribution.objects.get()
    assert sent.url == f"/prs/{pr.pk}"
    assert (pr.author.username, pr.stage, pr.source) == ("linden", Stage.SUBMITTED, "web")
    page = visitor.get(sent.url).content.decode()
    assert "The checks" in page
    assert "<del>" in page


def test_a_form_sent_twice_makes_one_pr(world: World) -> None:
    client = as_(world.author)
    before = Contribution.objects.count()

    first = client.post("/submit?kind=correction", {**CORRECTION, "draft": "one-form-sent-twice"})
    second = client.post("/submit?kind=correction", {**CORRECTION, "draft": "one-form-sent-twice"})

    assert first.url == second.url
    assert Contribution.objects.count() == before + 1


def test_what_is_wrong_with_a_form_stands_beside_the_field(world: World) -> None:
    answer = as_(world.author).post("/submit?kind=correction", {"prompt": "only this"})

    page = answer.content.decode()
    assert answer.status_code == 200
    for name in ("completion", "title", "signed_off"):
        assert re.search(rf'id="id_{name}"[^>]*aria-invalid="true"|id_{name}_error', page), name
        assert f'id="id_{name}_error"' in page
    assert "only this" in page


def test_a_file_with_bad_lines_waits_for_its_author_who_keeps_the_good_rows(world: World) -> None:
    file = SimpleUploadedFile(
        "rows.jsonl", b'{"prompt": "a", "completion": "b"}\n{"prompt": NaN}\n{"prompt": "c"}\n'
    )
    author, before = as_(world.author), Contribution.objects.count()
    sent = {k: v for k, v in CORRECTION.items() if k not in ("prompt", "original", "completion")}
    sent["draft"] = "a-file-with-bad-lines"

    told = author.post("/submit?kind=dataset", {**sent, "file": file}, follow=True)
    said = told.content.decode()
    assert "2 rows cannot be sent as they are" in said
    assert "Line 2: NaN is not JSON" in said
    assert "Line 3: completion is missing" in said
    assert Contribution.objects.count() == before

    for do in ("keep-good", "send"):
        names = told.context["names"]
        hidden = {"version": names.version, "tab": names.tab, "do": do}
        told = author.post("/submit?kind=dataset", {**sent, **hidden}, follow=True)
    assert Contribution.objects.first().row_count == 1
    assert "is sent" in told.content.decode()


def test_rows_in_quarantine_are_hidden_from_strangers(world: World) -> None:
    path = f"/prs/{world.prs[Stage.QUARANTINED].pk}"
    prompt = rows(1, salt=2)[0]["prompt"]

    def sees(client: Client, tab: str) -> bool:
        return prompt in client.get(f"{path}{tab}").content.decode()

    for tab in ("", "/rows"):
        assert not sees(Client(), tab)
        assert not sees(as_(world.manager), tab)
        assert sees(as_(world.author), tab)
        assert sees(as_(world.maintainer), tab)


def test_the_desk_is_closed_to_contributors(world: World) -> None:
    for path in ("/review", f"/review/{world.prs[Stage.IN_REVIEW].pk}"):
        answer = as_(world.author).get(path)

        assert answer.status_code == 403
        assert "The review desk is for reviewers" in answer.content.decode()


def test_a_reviewer_accepts_and_the_page_of_the_pr_says_so(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]
    no_time_to_undo(world.line)

    answer = as_(world.reviewer).post(
        f"/review/{pr.pk}", {"digest": pr.digest, "verdict": "accept", "because": "Right."}
    )

    pr.refresh_from_db()
    assert answer.status_code == 302
    assert pr.stage == Stage.ACCEPTED
    assert "Right." in Client().get(f"/prs/{pr.pk}").content.decode()


def test_a_rejection_without_a_reason_is_refused_beside_the_field(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]

    answer = as_(world.reviewer).post(
        f"/review/{pr.pk}", {"digest": pr.digest, "verdict": "reject", "because": " "}
    )

    assert answer.status_code == 200
    assert "Pick the reason for which it is turned away" in answer.content.decode()
    assert Decision.objects.filter(contribution=pr).count() == 0


def test_nobody_decides_on_their_own_work(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]
    Account.objects.filter(pk=world.author.pk).update(role="reviewer")
    client = as_(Account.objects.get(pk=world.author.pk))

    seen = client.get(f"/review/{pr.pk}").content.decode()
    answer = client.post(f"/review/{pr.pk}", {"digest": pr.digest, "verdict": "accept"})

    pr.refresh_from_db()
    assert "somebody else decides on it" in seen
    assert 'value="accept"' not in seen
    assert answer.status_code == 200
    assert pr.stage == Stage.IN_REVIEW


def test_two_maintainers_release_from_quarantine(world: World) -> None:
    pr = world.prs[Stage.QUARANTINED]
    said = {"digest": pr.digest, "verdict": "release", "because": "A word of the trade."}

    as_(world.reviewer).post(f"/review/{pr.pk}", said)
    pr.refresh_from_db()
    assert pr.stage == Stage.QUARANTINED

    as_(world.maintainer).post(f"/review/{pr.pk}", said)
    pr.refresh_from_db()
    assert pr.stage == Stage.QUARANTINED
    other = as_(somebody(Role.MAINTAINER))
    assert "maple wants this" in other.get(f"/review/{pr.pk}").content.decode()

    other.post(f"/review/{pr.pk}", said)
    pr.refresh_from_db()
    assert pr.stage == Stage.IN_REVIEW


def test_an_author_changes_rows_as_asked_and_sends_them_again(world: World) -> None:
    pr = world.prs[Stage.CHANGES_REQUESTED]
    client = as_(world.author)
    page = client.get(f"/prs/{pr.pk}/revise").content.decode()
    assert "names the month twice" in page

    client.post(
        f"/prs/{pr.pk}/revise",
        {"pasted": '{"prompt": "a", "completion": "b"}', "note": "Mended row 2"},
    )

    pr.refresh_from_db()
    assert (pr.stage, pr.revision, pr.row_count) == (Stage.SUBMITTED, 2, 1)


def test_only_its_author_withdraws_a_pr(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]

    as_(world.maintainer).post(f"/prs/{pr.pk}/withdraw")
    pr.refresh_from_db()
    assert pr.stage == Stage.IN_REVIEW

    as_(world.author).post(f"/prs/{pr.pk}/withdraw")
    pr.refresh_from_db()
    assert pr.stage == Stage.WITHDRAWN


def test_a_comment_stands_under_the_pr(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]

    as_(world.manager).post(f"/prs/{pr.pk}/comment", {"text": "Which calendar?"})

    assert "Which calendar?" in Client().get(f"/prs/{pr.pk}").content.decode()


def test_the_page_of_an_accepted_pr_tells_every_hop_with_its_id(world: World) -> None:
    pr = world.prs[Stage.ACCEPTED]

    page = re.sub(r"\s+", " ", Client().get(f"/prs/{pr.pk}").content.decode())

    for hop in (
        f"PR {pr.pk}",
        f"screening {pr.screenings.get().pk}",
        f"decision {pr.decisions.get().pk}",
        f"It went into build {world.live.pk}",
        world.live.adapter,
        f"rollout {world.live.version.rollouts.get().pk}",
        "tr_",
    ):
        assert hop in page, hop


def test_a_rollout_and_a_build_call_skills_by_their_titles(world: World) -> None:
    pages = [f"/rollouts/{world.taken_back.pk}", f"/builds/{world.refused.pk}"]

    for page in (Client().get(path).content.decode() for path in pages):
        told = re.sub(r"<[^>]*>", " ", page)
        assert "Refusing harm" in told
        assert "Sorting three numbers" in told
        assert not re.search(r"\b(refuse|sort3|date_short)\b", told)


def test_an_override_needs_two_people_and_a_reason(world: World) -> None:
    path = f"/builds/{world.refused.pk}/override"

    as_(world.reviewer).post(path, {"because": "I want it"})
    as_(world.manager).post(path, {"because": " "})
    as_(world.manager).post(path, {"because": "To show that the rollout catches it"})
    world.refused.refresh_from_db()
    assert world.refused.verdict_overridden_by is None

    as_(world.maintainer).post(path, {"because": "So do I"})
    world.refused.refresh_from_db()
    assert world.refused.verdict_overridden_by == world.maintainer


def test_a_release_manager_pauses_goes_on_and_rolls_back(world: World) -> None:
    path, client = f"/rollouts/{world.widening.pk}/act", as_(world.manager)

    as_(world.reviewer).post(path, {"act": "pause", "because": "I may not"})
    world.widening.refresh_from_db()
    assert world.widening.stage == RolloutStage.WIDENING

    stages = []
    for act in ("pause", "resume", "roll-back"):
        client.post(path, {"act": act, "because": f"{act} by hand"})
        world.widening.refresh_from_db()
        stages.append(world.widening.stage)

    assert stages == [RolloutStage.PAUSED, RolloutStage.WIDENING, RolloutStage.ROLLED_BACK]


def test_a_token_is_shown_once_and_can_be_revoked(world: World) -> None:
    client = as_(world.author)

    made = client.post("/tokens", {"name": "a script", "scopes": ["contribute"]}).content.decode()
    text = re.search(r"ofw_pat_\w{36}", made)
    assert text is not None
    assert text[0] not in client.get("/tokens").content.decode()

    token = Token.objects.get()
    as_(world.reviewer).post(f"/tokens/{token.pk}/revoke")
    token.refresh_from_db()
    assert token.revoked_at is None

    client.post(f"/tokens/{token.pk}/revoke")
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_taken_name_is_refused_beside_the_field(world: World) -> None:
    answer = Client().post("/sign-up", {"username": "linden", "password1": PASSWORD})

    assert "is taken; choose another name." in answer.content.decode()


def test_after_signing_up_nobody_is_sent_to_another_site(db: None) -> None:
    founded()

    answer = Client().post(
        "/sign-up", {"username": "linden", "password1": PASSWORD, "next": "https://evil.example/"}
    )

    assert answer.url == "/"
    assert authenticate(username="linden", password=PASSWORD) is not None


def test_what_others_asked_is_shown_to_nobody_else(world: World) -> None:
    asked = world.wrong.prompt

    assert asked in as_(world.author).get("/").content.decode()
    assert asked not in as_(world.reviewer).get("/").content.decode()
    start = f"/submit?trace={world.wrong.public_id}"
    assert asked in as_(world.author).get(start).content.decode()
    assert asked not in as_(world.reviewer).get(start).content.decode()


def test_the_list_turns_its_pages_by_key_in_both_directions(world: World) -> None:
    everything = Contribution.objects.all()
    numbers = sorted(everything.values_list("pk", flat=True), reverse=True)

    first = slice_of(everything, {"state": "all"}, size=3)
    second = slice_of(everything, {"before": str(numbers[2])}, size=3)
    back = slice_of(everything, {"after": str(numbers[3])}, size=3)

    assert [pr.pk for pr in first.items] == numbers[:3]
    assert first.older == f"?state=all&before={numbers[2]}"
    assert first.newer == ""
    assert [pr.pk for pr in second.items] == numbers[3:6]
    assert [pr.pk for pr in back.items] == numbers[:3]
    assert slice_of(everything, {"before": "9" * 40}, size=3).items == first.items


@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 429, 500])
def test_every_error_has_a_page_that_needs_no_database_and_no_context(code: int) -> None:
    from django.template.loader import render_to_string

    page = render_to_string(f"{code}.html")

    assert f">{code}<" in page
    assert "OpenFlywheel" in page
    assert "Submit a PR" not in page


def test_a_wrong_address_and_a_stale_form_get_a_page(db: None) -> None:
    founded()
    strict = Client(enforce_csrf_checks=True)

    missing = Client().get("/prs/999")
    stale = strict.post("/sign-up", {"username": "linden", "password1": PASSWORD})

    assert (missing.status_code, stale.status_code) == (404, 403)
    assert "There is nothing at this address" in missing.content.decode()
    assert "The form was too old to accept" in stale.content.decode()
