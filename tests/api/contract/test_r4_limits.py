"""R4: limits by who calls, told in the headers of draft-11 and the older ones, never made up."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
import redis
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.accounts import guessing, meters
from apps.accounts.errors import TooManyTries
from apps.accounts.meters import Policy
from apps.accounts.models import Account, Role
from apps.api import limits
from apps.contributions.models import Contribution
from apps.skills.models import ModelLine
from tests.api.calling import GOOD, OFFER, Caller, calling
from tests.people import a_contribution, somebody

HEADERS = (
    *("RateLimit-Policy", "RateLimit"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
ITEM = re.compile(r'"(?P<name>[a-z-]+)"(?P<parameters>(?:;[a-z]+=(?:\d+|:[A-Za-z0-9+/=]+:))+)')
PHRASE = "a long enough phrase"


def read(header: str) -> dict[str, dict[str, str]]:
    """A structured-field list of strings with parameters; anything else fails."""
    found = {}
    for entry in header.split(", "):
        item = ITEM.fullmatch(entry)
        assert item, entry
        found[item["name"]] = dict(
            pair.split("=", 1) for pair in item["parameters"].split(";") if pair
        )
    return found


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three requests a minute for strangers, five an hour."""
    policies = (Policy("anonymous-minute", 3, 60), Policy("anonymous-hour", 5, 3600))
    monkeypatch.setitem(limits.BY_ROLE, None, policies)


def test_every_answer_tells_several_limits_at_once(limited: Settings, stranger: Caller) -> None:
    answers = [stranger.get("skills") for _ in range(2)]

    policy, state = read(answers[1]["RateLimit-Policy"]), read(answers[1]["RateLimit"])
    assert {name: (said["q"], said["w"]) for name, said in policy.items()} == {
        "anonymous-minute": ("120", "60"),
        "anonymous-hour": ("3000", "3600"),
    }
    assert {name: said["r"] for name, said in state.items()} == {
        "anonymous-minute": "118",
        "anonymous-hour": "2998",
    }
    assert all(0 < int(said["t"]) <= 3600 for said in state.values())
    assert answers[1]["X-RateLimit-Limit"] == "120"
    assert answers[1]["X-RateLimit-Remaining"] == "118"
    assert int(answers[1]["X-RateLimit-Reset"]) > timezone.now().timestamp()


def test_the_partition_never_tells_the_address(limited: Settings, stranger: Caller) -> None:
    said = read(stranger.get("skills")["RateLimit"])["anonymous-minute"]["pk"]

    label = base64.b64decode(said.strip(":"))
    assert len(label) == 12
    assert b"127" not in label


def test_over_the_limit_is_429_with_the_limits_that_are_used_up(
    limited: Settings, stranger: Caller, tight: None
) -> None:
    answers = [stranger.get("skills") for _ in range(4)]

    said = answers[-1].json()
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (said["code"], said["violated-policies"]) == ("too_many_requests", ["anonymous-minute"])
    # The rest of this minute, and the third of the next in which one of the three fades.
    assert 0 < int(answers[-1]["Retry-After"]) <= 60 + 20
    assert f"{answers[-1]['Retry-After']} s" in said["detail"]
    assert read(answers[-1]["RateLimit"])["anonymous-minute"]["r"] == "0"
    assert answers[-1]["X-RateLimit-Remaining"] == "0"


def test_what_is_refused_by_one_caller_is_free_for_another(
    limited: Settings, stranger: Caller, ada: Caller, grace: Caller, tight: None
) -> None:
    for _ in range(4):
        stranger.get("skills")

    assert stranger.get("skills").status_code == 429
    assert read(ada.get("skills")["RateLimit-Policy"])["contributor-minute"]["q"] == "300"
    assert read(grace.get("skills")["RateLimit-Policy"])["staff-minute"]["q"] == "1200"


def test_every_role_has_its_limits() -> None:
    assert set(limits.BY_ROLE) == {None, *Role.values}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted_apart"),
    [(0, True, False), (1, True, True), (1, False, False)],
)
def test_an_address_counts_only_where_our_own_proxy_wrote_it(
    limited: Settings,
    line: ModelLine,
    tight: None,
    proxies: int,
    forwarded: bool,
    counted_apart: bool,
) -> None:
    limited.TRUSTED_PROXIES = proxies

    def call(last: int) -> int:
        # Whatever the client itself writes stands further left.
        header = f"203.0.113.{last}, 198.51.100.{last if forwarded else 1}"
        return Client().get("/api/v1/skills", headers={"X-Forwarded-For": header}).status_code

    statuses = {call(number) for number in range(1, 6)}

    assert (429 not in statuses) == counted_apart


def test_one_household_of_ipv6_is_one_caller(
    limited: Settings, line: ModelLine, tight: None
) -> None:
    statuses = [
        Client().get("/api/v1/skills", REMOTE_ADDR=f"2001:db8:1:2::{host}").status_code
        for host in range(1, 5)
    ]

    assert statuses == [200, 200, 200, 429]


def test_while_the_store_is_away_reading_goes_on_and_no_header_is_made_up(
    limited: Settings, stranger: Caller, tight: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(meters, "_store", meters._Store())

    answers = [stranger.get("skills") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 6
    assert not [name for answer in answers for name in HEADERS if answer.has_header(name)]


def test_while_the_store_is_away_guessing_stays_bounded(
    limited: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(meters, "_store", meters._Store())
    meters._own.cache_clear()

    for _ in range(guessing.BY_BOTH.quota):
        guessing.ensure_may_try("ada", address="203.0.113.9")
        guessing.failed("ada", address="203.0.113.9")

    with pytest.raises(TooManyTries):
        guessing.ensure_may_try("ada", address="203.0.113.9")


def test_nothing_is_counted_where_the_operator_switched_it_off(stranger: Caller) -> None:
    answer = stranger.get("skills")

    assert not [name for name in HEADERS if answer.has_header(name)]


def test_a_multiplied_limit_is_told_as_it_is(limited: Settings, stranger: Caller) -> None:
    limited.LIMITS_FACTOR = 10

    assert read(stranger.get("skills")["RateLimit-Policy"])["anonymous-minute"]["q"] == "1200"


@pytest.mark.parametrize(
    ("ago", "count", "free", "left"),
    [
        # The window before fades evenly; early in this one nearly all of it counts.
        (0, 3, True, 1_000_000 - 4),
        (1, 999_000, True, None),
        (1, 2_000_000_000, False, 0),
        (2, 2_000_000_000, True, 1_000_000 - 1),
    ],
)
def test_what_was_counted_fades_with_its_window(
    limited: Settings, ago: int, count: int, free: bool, left: int | None
) -> None:
    """A window of ten years, so that no test stands at its turn."""
    long = Policy("long", 1_000_000, 10 * 365 * 24 * 3600)
    who = meters.partition_of("somebody").hex()
    with redis.Redis.from_url(limited.REDIS_URL) as store:
        window = int(store.time()[0] // long.seconds) - ago
        key = f"{limited.QUEUE_PREFIX}:limits:long:{who}"
        store.hset(key, mapping={"window": window, "count": count, "before": 0})

    (reading,) = meters.take([long], "somebody")

    assert reading.refused is not free
    assert 0 < reading.resets_in <= long.seconds
    assert left is None or reading.remaining == left


def test_the_turn_of_a_window_lets_nobody_in(limited: Settings) -> None:
    """A window that began a second ago: of what was counted next to nothing has faded."""
    who = meters.partition_of("somebody").hex()
    with redis.Redis.from_url(limited.REDIS_URL) as store:
        turned = Policy("turned", 3, store.time()[0] - 1)
        key = f"{limited.QUEUE_PREFIX}:limits:turned:{who}"
        store.hset(key, mapping={"window": 0, "count": 2, "before": 0})

    readings = [meters.take([turned], "somebody")[0] for _ in range(2)]

    assert [reading.refused for reading in readings] == [False, True]
    # One of the two that were counted before has faded when half of the window is over.
    assert readings[1].resets_in == pytest.approx(turned.seconds / 2, abs=60)


# -- Signing up and guessing --------------------------------------------------------------------


def test_one_address_makes_twenty_accounts_an_hour(limited: Settings, stranger: Caller) -> None:
    answers = [
        stranger.post("accounts", {"name": f"person-{n}", "password": PHRASE}) for n in range(21)
    ]

    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert answers[-1].json()["violated-policies"] == ["sign-ups"]
    assert int(answers[-1]["Retry-After"]) > 60


def test_wrong_passwords_for_a_name_are_slowed_down_and_the_right_one_with_them(
    limited: Settings, stranger: Caller
) -> None:
    Account.objects.create(username="ada", password=make_password(PHRASE))

    def sign_in(password: str) -> tuple[int, str]:
        wish = {"username": "ada", "password": password, "scopes": ["chat"]}
        answer = stranger.post("tokens", wish)
        return answer.status_code, answer.json().get("code", "")

    tries = [sign_in(f"wrong {number}") for number in range(guessing.BY_BOTH.quota)]

    assert set(tries) == {(401, "bad_credentials")}
    assert sign_in("wrong again") == sign_in(PHRASE) == (429, "too_many_tries")


def test_one_address_that_tries_many_names_is_slowed_down(limited: Settings) -> None:
    for number in range(guessing.BY_ADDRESS.quota):
        guessing.failed(f"name-{number}", address="203.0.113.7")

    with pytest.raises(TooManyTries) as refusal:
        guessing.ensure_may_try("yet-another", address="203.0.113.7")
    guessing.ensure_may_try("yet-another", address="203.0.113.8")
    assert 0 < refusal.value.seconds <= guessing.QUARTER


def test_a_stranger_s_tries_do_not_lock_the_owner_out_at_once(limited: Settings) -> None:
    for _ in range(guessing.BY_BOTH.quota):
        guessing.failed("ada", address="203.0.113.7")

    guessing.ensure_may_try("ada", address="198.51.100.4")


def test_unknown_tokens_are_slowed_down_and_good_ones_never_wait(
    limited: Settings, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "BY_ADDRESS", Policy("tries-of-address", 3, 900))

    codes = [Caller(token="ofw_pat_nonsense").get("skills").json()["code"] for _ in range(4)]

    assert codes == ["bad_token"] * 3 + ["too_many_tries"]
    assert ada.get("skills").status_code == 200


def test_the_page_for_signing_in_is_under_the_same_watch(
    limited: Settings, line: ModelLine
) -> None:
    Account.objects.create(username="ada", password=make_password(PHRASE))
    for _ in range(guessing.BY_BOTH.quota):
        guessing.failed("ada", address="127.0.0.1")

    page = Client().post("/sign-in", {"login": "ada", "password": PHRASE})

    assert page.status_code == 429
    assert "Too many requests just now" in page.content.decode()
    assert int(page["Retry-After"]) > 0


# -- Quotas of a day ----------------------------------------------------------------------------


def test_a_contributor_sends_twenty_prs_a_day_and_hears_when_there_is_room(
    limited: Settings, line: ModelLine, ada: Caller
) -> None:
    first = a_contribution(line, by=ada.account)
    for _ in range(19):
        a_contribution(line, by=ada.account)
    Contribution.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(hours=23))

    refused = ada.post("contributions", {**OFFER, "rows": [GOOD]})
    Contribution.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(hours=25))
    taken = ada.post("contributions", {**OFFER, "rows": [GOOD]})

    assert (refused.status_code, refused.json()["code"]) == (429, "quota_reached")
    assert "there is room again at 20" in refused.json()["detail"]
    assert 3500 < int(refused["Retry-After"]) <= 3600
    assert taken.status_code == 201


@pytest.mark.parametrize(
    ("role", "rows", "status"),
    [
        (Role.CONTRIBUTOR, 1_000, 201),
        (Role.CONTRIBUTOR, 1_001, 429),
        (Role.TRUSTED, 1_001, 201),
        (Role.MAINTAINER, 1_001, 201),
    ],
)
def test_fine_tuning_data_is_measured_in_rows(
    limited: Settings, line: ModelLine, role: str, rows: int, status: int
) -> None:
    caller = calling(somebody(role))
    data = [{"prompt": f"{number}+1", "completion": str(number + 1)} for number in range(rows)]

    answer = caller.post("contributions", {**OFFER, "rows": data})

    assert answer.status_code == status


def test_a_quota_in_the_middle_of_a_stream_refuses_what_is_over_it_only(
    limited: Settings, line: ModelLine, ada: Caller
) -> None:
    for _ in range(19):
        a_contribution(line, by=ada.account)
    bulk = "contributions/bulk?licence=CC0-1.0&consent=train&signed_off=1"

    answer = ada.lines(bulk, *({**GOOD, "batch": name} for name in "ab"))

    assert answer.status_code == 207
    assert [row.get("code") for row in answer.json()["rows"]] == [None, "quota_reached"]


def test_the_same_batch_again_costs_no_quota(
    limited: Settings, line: ModelLine, ada: Caller
) -> None:
    body = {**OFFER, "rows": [GOOD], "batch": "monday"}
    ada.post("contributions", body)
    for _ in range(19):
        a_contribution(line, by=ada.account)

    again = ada.post("contributions", body)

    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
