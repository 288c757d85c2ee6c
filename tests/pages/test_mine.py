"""What is one's own on the pages: work, inbox, webhooks, feeds; each belongs to one person."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from django.test import Client

from apps.community import tasks
from apps.community.models import Endpoint, Notice
from apps.contributions.stages import Stage
from apps.history.actions import move
from tests.pages.world import World
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def as_(account) -> Client:
    client = Client()
    client.force_login(account)
    return client


def in_review():
    contribution = a_contribution()
    move(contribution, Stage.IN_REVIEW, by="checks")
    tasks.tell()
    return contribution


def test_my_work_says_what_each_pr_waits_for_and_what_it_did(world: World):
    shipped = world.live.entries.select_related("contribution__author").first()

    page = as_(shipped.contribution.author).get("/my").content.decode()

    assert shipped.contribution.title in page
    assert f"Trained in build {world.live.pk}, which serves everyone" in page


def test_my_work_costs_as_much_sql_for_many_prs(django_assert_max_num_queries):
    author = somebody()
    browser = as_(author)
    for _ in range(12):
        a_contribution(by=author)

    with django_assert_max_num_queries(7):
        assert browser.get("/my").status_code == 200


@pytest.mark.parametrize("path", ["/my", "/inbox", "/webhooks"])
def test_a_visitor_is_asked_to_sign_in_and_comes_back(path: str, client: Client):
    answer = client.get(path)

    assert answer.status_code == 302
    assert answer["Location"].endswith(f"next={path}")


def test_the_inbox_marks_what_is_ticked():
    contribution = in_review()
    browser = as_(contribution.author)
    (notice,) = Notice.objects.all()
    assert "passed the checks" in browser.get("/inbox").content.decode()

    browser.post("/inbox/mark", {"notice": notice.pk, "as": "done", "box": "inbox"})

    assert "passed the checks" not in browser.get("/inbox").content.decode()
    assert "passed the checks" in browser.get("/inbox?box=done").content.decode()
    assert browser.get("/inbox?box=nonsense").status_code == 404
    assert browser.post("/inbox/mark", {"notice": notice.pk, "as": "stolen"}).status_code == 404


def test_a_webhook_is_opened_and_its_key_shown_once(settings):
    settings.WEBHOOKS_MAY_CALL_INSIDE = True
    owner = somebody()
    browser = as_(owner)
    wish = {"url": "http://127.0.0.1:9/x", "wants": "pr.* rollout.live", "algorithm": "v1"}

    made = browser.post("/webhooks", wish).content.decode()

    endpoint = Endpoint.objects.get()
    assert "whsec_" in made
    assert "whsec_" not in browser.get("/webhooks").content.decode()
    assert endpoint.wants == ["pr.*", "rollout.live"]
    for verb in ("ping", "on", "key", "delete"):
        assert as_(somebody()).post(f"/webhooks/{endpoint.pk}/{verb}").status_code == 404
    browser.post(f"/webhooks/{endpoint.pk}/ping")
    delivery = endpoint.deliveries.get()
    assert delivery.message_id in browser.get(f"/webhooks/{endpoint.pk}").content.decode()
    browser.post(f"/webhooks/{endpoint.pk}/{delivery.pk}/replay")
    assert endpoint.deliveries.count() == 2
    browser.post(f"/webhooks/{endpoint.pk}/delete")
    assert not Endpoint.objects.exists()


def test_an_address_that_cannot_be_called_is_explained_beside_its_field():
    page = as_(somebody()).post(
        "/webhooks", {"url": "http://example.org", "wants": "*", "algorithm": "v1"}
    )

    assert "is not https; give an https:// address" in page.content.decode()


def test_the_feeds_are_atom_and_hold_no_drafts(world: World):
    accepted = world.prs[Stage.ACCEPTED]
    for path in (
        "/feeds/prs.atom",
        "/feeds/versions.atom",
        f"/feeds/people/{accepted.author.username}.atom",
        f"/prs/{accepted.pk}.atom",
    ):
        answer = Client().get(path)
        root = ET.fromstring(answer.content)

        assert answer["Content-Type"].startswith("application/atom+xml")
        assert root.tag == f"{ATOM}feed"
        assert root.findall(f"{ATOM}entry"), path
    draft = a_contribution(stage=Stage.DRAFT)
    assert f"urn:openflywheel:pr:{draft.pk}" not in Client().get("/feeds/prs.atom").content.decode()
    assert Client().get(f"/prs/{draft.pk}.atom").status_code == 404
