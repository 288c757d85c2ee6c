"""The permission matrix, asked: every address × role × method × thing, every task, every admin.

`docs/permissions.toml` is the matrix. What the site has and the file does not name fails here, with
the line to add.
"""

from __future__ import annotations

import json
import logging
import re
import time
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver

from apps.accounts import actions as accounts
from apps.accounts.models import Account, Affiliation, Role, Token
from apps.accounts.rules import scopes_of
from apps.builds.models import Build, Verdict
from apps.builds.stages import Stage as BuildStage
from apps.checks.models import Finding, Screening
from apps.community.models import Endpoint
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.rollouts.models import Channel, Rollout, Version
from apps.skills.models import ModelLine
from apps.traces.models import Delivery, Trace
from flywheel.celery import app as celery
from tests.people import a_contribution, a_line

FILE = Path(__file__).parents[2] / "docs" / "permissions.toml"
MATRIX = tomllib.loads(FILE.read_text(encoding="utf-8"))
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = {
    "AN": None,
    "CO": Role.CONTRIBUTOR,
    "TC": Role.TRUSTED,
    "RV": Role.REVIEWER,
    "MT": Role.MAINTAINER,
    "RM": Role.RELEASE_MANAGER,
    "AD": Role.ADMIN,
    "SA": Role.SERVICE,
}
GROUPS = {
    "everybody": set(ROLES),
    "signed_in": set(ROLES) - {"AN"},
    "people": set(ROLES) - {"AN", "SA"},
}
# Pages of a framework that show themselves to any method, and change nothing.
FORGIVING = (
    "account_", "mfa_", "usersessions_", "socialaccount_", "github_", "openid_", "pages:sign_"
)  # fmt: skip


def roles_in(words: str) -> set[str]:
    """The roles that a cell of the file opens to."""
    found: set[str] = set()
    for word in words.split():
        if word.startswith("-"):
            found -= {word[1:]}
        else:
            found |= GROUPS.get(word, {word})
    if unknown := found - set(ROLES):
        raise ValueError(f"docs/permissions.toml: there is no role {', '.join(sorted(unknown))}")
    return found


def addresses(resolver: Any = None, space: str = "", before: str = "") -> Iterator[tuple[str, str]]:
    """Every (name, pattern) of the site; a nameless one goes by its pattern."""
    for entry in (resolver or get_resolver()).url_patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from addresses(entry, inner, path)
        else:
            yield (f"{space}{entry.name}" if entry.name else path), path


PATTERNS = dict(addresses())


# -- nothing is left out --------------------------------------------------------------------------


def test_every_address_is_in_the_matrix_and_nothing_else_is():
    known = {line["name"] for line in MATRIX["routes"]} | set(MATRIX["redirects"])
    site = {name: path for name, path in addresses() if not name.startswith("admin:")}
    site = {name: path for name, path in site.items() if not path.startswith("admin/")}

    missing = [
        f"{FILE.name} does not name “{name}” ({path}); add: "
        f'{{ name = "{name}", GET = "everybody" }},'
        for name, path in site.items()
        if name not in known
    ]

    assert missing == []
    assert sorted(known - set(site)) == [], "these lines name no address any more: take them out"


def test_every_task_is_in_the_matrix_and_set_off_as_it_says():
    celery.loader.import_default_modules()
    ours = {name for name in celery.tasks if name.startswith(("apps.", "flywheel."))}
    ringing = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    missing = [
        f'{FILE.name} does not name the task; add to [tasks]: "{name}" = "clock" (or "outbox")'
        for name in sorted(ours - set(MATRIX["tasks"]))
    ]

    assert missing == []
    assert sorted(set(MATRIX["tasks"]) - ours) == []
    assert {name for name, by in MATRIX["tasks"].items() if by == "clock"} == ringing


# (One mark has pytest-django make the database; a question rolls itself back without one.)
@pytest.mark.django_db
def test_the_admin_holds_no_model_and_lets_nobody_in(world: World):
    assert {model._meta.label for model in admin.site._registry} == set(MATRIX["admin"])
    for role in ROLES:
        answer = world.browser(role).get("/admin/")
        assert (answer.status_code, answer.url.split("?")[0]) == (302, "/admin/login/"), role


# -- the world ------------------------------------------------------------------------------------


@dataclass
class World:
    """Everybody, and one thing of each kind for each of them; rolled back after each question."""

    line: ModelLine
    people: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, Client] = field(default_factory=dict)
    things: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def browser(self, role: str) -> Client:
        """The browser in which this role is signed in (or believes to be)."""
        client = Client()
        if role != "AN":
            client.cookies = deepcopy(self.browsers[role].cookies)
        return client

    def thing(self, kind: str, which: str, role: str) -> Any:
        """The PR, build, token … in the address; `own` is the asking role's."""
        mine = role if which.startswith("own") and role != "AN" else "another"
        return self.things[kind, which.removeprefix("own").strip(), mine]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Built once, inside a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        built = World(a_line("sums"))
        _people(built)
        _things(built)
        yield built
        transaction.set_rollback(True)


def _people(world: World) -> None:
    for code, role in {**ROLES, "another": Role.CONTRIBUTOR}.items():
        if role is None:
            continue
        owner = world.people["CO"] if role == Role.SERVICE else None
        account = Account.objects.create(username=f"the-{code}", role=role, owner=owner)
        account.set_password("a long enough phrase")
        account.save()
        world.people[code] = account
        lasts = timedelta(days=1)
        scopes = scopes_of(account)
        _, world.tokens[code] = accounts.make_token(
            account, name="asks", scopes=scopes, lasts=lasts
        )
        world.browsers[code] = client = Client()
        client.force_login(account)
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {"method": "mfa", "at": time.time(), "reauthenticated": True}
        ]
        session["account_authentication_methods_user"] = str(account.pk)
        session.save()


def _things(world: World) -> None:
    line = world.line
    build = Build.objects.create(
        line=line, live_digest="b" * 64, row_count=1, stage=BuildStage.READY,
        verdict=Verdict.REFUSED, digest="c" * 64,
    )  # fmt: skip
    base, new = (
        Version.objects.create(line=line, name=name, digest=letter * 64, path="/")
        for name, letter in (("base", "b"), ("ofw-1-c", "c"))
    )
    channel = Channel.objects.create(line=line, name="stable", live=base)
    rollout = Rollout.objects.create(
        channel=channel, candidate=new, incumbent=base, salt="s", percent=0
    )
    for code in (*ROLES, "another"):
        if code == "AN":
            continue
        account = world.people[code]
        things = {("pr", name): _pr(line, name) for name in ("", "quarantined", "draft", "risky")}
        for pr in things.values():
            Contribution.objects.filter(pk=pr.pk).update(author=account)
            pr.refresh_from_db()
        # A service account owns none, so its own is another's.
        service = Account.objects.create(
            username=f"product-of-{code}",
            role=Role.SERVICE,
            owner=world.people["CO"] if code == "SA" else account,
        )
        session = UserSession.objects.create(
            user=account, ip="127.0.0.1", session_key=f"key-{code}", user_agent="x"
        )
        passkey = Authenticator.objects.filter(user=account).first()
        things |= {
            ("build", ""): build,
            ("rollout", ""): rollout,
            ("person", ""): account,
            ("service", ""): service,
            ("session", ""): session,
            ("passkey", ""): passkey,
            ("token", ""): Token.objects.filter(account=account).first(),
            ("webhook", ""): _webhook(account),
            ("operation", ""): Delivery.objects.create(account=account, line=line),
            ("trace", ""): Trace.objects.create(
                line=line, asked_by=account, messages=[{"role": "user", "content": "2+2"}]
            ),
        }
        things |= {(kind, "gone"): thing for kind, thing in _gone(account)}
        for (kind, which), thing in things.items():
            world.things[kind, which, code] = thing
    _of_one_house(world)


def _webhook(account: Account) -> Endpoint:
    return Endpoint.objects.create(account=account, url="https://example.org/", key=b"sealed")


def _gone(account: Account) -> Iterator[tuple[str, Any]]:
    """What this account had, and what is there no more."""
    token, _text = accounts.make_token(account, name="lost", scopes=scopes_of(account))
    accounts.revoke(token)
    yield "token", token
    name = f"closed-of-{account}"
    owner = None if account.role == Role.SERVICE else account
    yield (
        "service",
        Account.objects.create(
            username=name, role=Role.SERVICE, owner=owner or account.owner, is_active=False
        ),
    )
    yield "person", Account.objects.create(username=f"left-{account}", is_active=False)
    session = UserSession.objects.create(
        user=account, ip="127.0.0.1", session_key=f"old-{account}", user_agent="x"
    )
    for kind, thing in (("session", session), ("webhook", _webhook(account))):
        key = thing.pk
        thing.delete()
        thing.pk = key
        yield kind, thing


def _of_one_house(world: World) -> None:
    """A PR by somebody who belongs to the same organisation as everybody who asks."""
    colleague = Account.objects.create(username="the-colleague")
    asking = [account for code, account in world.people.items() if code not in ("SA", "another")]
    for account in (colleague, *asking):
        Affiliation.objects.create(account=account, organisation="the guild")
    for which, name in (("affiliated", ""), ("affiliated quarantined", "quarantined")):
        pr = _pr(world.line, name)
        Contribution.objects.filter(pk=pr.pk).update(author=colleague)
        pr.refresh_from_db()
        world.things["pr", which, "another"] = pr


def _pr(line: ModelLine, name: str) -> Contribution:
    stage = {"quarantined": Stage.QUARANTINED, "draft": Stage.DRAFT}.get(name, Stage.IN_REVIEW)
    pr = a_contribution(line, stage=stage)
    if name == "risky":
        ran = Screening.objects.create(contribution=pr, revision=1, digest=pr.digest, seconds=0)
        Finding.objects.create(screening=ran, screen="signs", severity="flag", message="odd")
    return pr


PLACES = {
    "key": "none",
    "reset": "1-none",
    "problem": "not_found",
    "provider": "none",
    # Nobody's: what others have of these is not there.
    "tie": "999999",
}


# -- asking ---------------------------------------------------------------------------------------


ARGUMENT = re.compile(r"<(?:\w+:)?(?P<name>\w+)>|\(\?P<(?P<group>\w+)>(?:[^()]|\([^()]*\))*\)")
OTHERS = {"place": "1", "field": "completion", "part": "rows", "old": "1", "new": "1"}
OTHERS |= {"revision": "1", "verb": "ping"}


class Listener(logging.Handler):
    """Hears every denial."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


def path_of(name: str, at: str | None, thing: Any) -> str:
    """The address of a line, with the thing it is about in it."""
    pattern = PATTERNS[name]
    if at is None:
        given = ""
    elif at in PLACES:
        given = PLACES[at]
    elif at in ("person", "service"):
        given = thing.username
    elif at == "operation":
        given = thing.public_id
    else:
        given = str(thing.pk) if thing is not None else "999999"
    if name == "account_reset_password_from_key":
        return "/account/password/reset/key/1-none/"
    parts = iter([given])
    path = ARGUMENT.sub(lambda found: next(parts, None) or _other(found), pattern)
    return "/" + path.replace("^", "").replace("$", "").replace(".*", "nothing")


def _other(found: re.Match[str]) -> str:
    """What stands for a second thing in an address: the first row, or nobody's comment."""
    return OTHERS.get(found["name"] or found["group"], "999999")


def ask(world: World, role: str, method: str, line: dict[str, Any], which: str) -> tuple[bool, Any]:
    """Whether this role is let through, and the answer; afterwards the world is as before."""
    at = line.get("at")
    thing = world.thing(at, which, role) if at and at not in PLACES else None
    path = path_of(line["name"], at, thing)
    body = _filled(line.get("body"), thing, world)
    listener, log = Listener(), logging.getLogger("openflywheel.denied")
    log.addHandler(listener)
    try:
        with transaction.atomic():
            answer = _send(world, role, method, path, body)
            transaction.set_rollback(True)
    finally:
        log.removeHandler(listener)
    return not _denied(answer, method, listener.heard), answer


def _filled(body: Any, thing: Any, world: World) -> Any:
    text = json.dumps(body if body is not None else {})
    text = text.replace("{digest}", getattr(thing, "digest", "") or "")
    return json.loads(text.replace('"{number}"', str(world.things["build", "", "CO"].pk)))


def _send(world: World, role: str, method: str, path: str, body: Any) -> HttpResponse:
    if path.startswith(("/api/", "/v1/")):
        headers = {"Authorization": f"Bearer {world.tokens[role]}"} if role != "AN" else {}
        data = "" if method == "GET" else json.dumps(body)
        client = Client(raise_request_exception=False)
        return client.generic(method, path, data, content_type="application/json", headers=headers)
    client = world.browser(role)
    client.raise_request_exception = False
    if method in ("GET", "POST"):
        return getattr(client, method.lower())(path, body if method == "POST" else None)
    return client.generic(method, path, "")


def _denied(answer: HttpResponse, method: str, heard: list[str]) -> bool:
    if answer.status_code in (401, 403, 404, 405):
        return True
    if answer.status_code in (301, 302) and urlsplit(answer.url).path == "/sign-in":
        return True
    # A page says some refusals in a sentence on the page it comes from.
    return method != "GET" and bool(heard)


CELLS = [
    pytest.param(line, role, id=f"{number}-{line['name']}-{role}")
    for number, line in enumerate(MATRIX["routes"])
    for role in ROLES
]


@pytest.mark.parametrize(("line", "role"), CELLS)
def test_each_role_may_what_the_matrix_says_and_nothing_else(
    world: World, line: dict[str, Any], role: str
) -> None:
    wrong = []
    for cell, words in line.items():
        method, _, which = cell.partition(" ")
        if method not in METHODS or (role == "AN" and which.startswith("own")):
            continue
        let_through, answer = ask(world, role, method, line, which)
        if let_through != (role in roles_in(words)):
            wrong.append(f"{cell} → {answer.status_code} {answer.content[:200]!r}")
        if answer.status_code >= 500 and not line["name"].startswith("gateway:"):
            wrong.append(f"{cell} breaks: {answer.status_code}")
    assert wrong == [], f"{line['name']} for {role}"


NAMED = {name: set[str]() for name in (line["name"] for line in MATRIX["routes"])}
for line in MATRIX["routes"]:
    NAMED[line["name"]] |= {cell.partition(" ")[0] for cell in line} & set(METHODS)


@pytest.mark.parametrize("name", [name for name in NAMED if not name.startswith(FORGIVING)])
@pytest.mark.parametrize("role", ["AN", "MT", "AD"])
def test_a_method_that_is_not_named_is_closed_to_everybody(
    world: World, name: str, role: str
) -> None:
    line = next(line for line in MATRIX["routes"] if line["name"] == name)
    line = {**line, "body": {}}

    open_ones = [
        method for method in METHODS
        if method not in NAMED[name] and ask(world, role, method, line, "")[0]
    ]  # fmt: skip

    assert open_ones == [], f"{name}: name these in docs/permissions.toml, or refuse them"


# -- the rules that the matrix states in words ----------------------------------------------------


def test_an_administrator_is_not_a_superset():
    lines = [(line["name"], cell, roles_in(words)) for line in MATRIX["routes"]
             for cell, words in line.items() if cell.partition(" ")[0] in METHODS]  # fmt: skip

    closed = {name for name, cell, roles in lines if roles and "AD" not in roles}

    assert {"api:queue", "api:builds", "api:rollouts", "pages:plan", "pages:desk"} <= closed
    for name, cell, roles in lines:
        if name in ("api:decision", "pages:review") and "quarantined" not in cell:
            assert "AD" not in roles


def test_nothing_of_ones_own_is_decided_by_oneself():
    for line in MATRIX["routes"]:
        if line["name"] in ("api:decision", "pages:review", "api:role"):
            own = [roles_in(words) for cell, words in line.items() if " own" in cell]
            assert own, line["name"]
            assert own == [set()] * len(own)


def test_a_service_account_opens_no_page_that_asks_who_one_is():
    for line in MATRIX["routes"]:
        if not line["name"].startswith(("api:", "gateway:", "healthz", "readyz")):
            for cell, words in line.items():
                if cell.partition(" ")[0] in METHODS and "SA" in roles_in(words):
                    assert "AN" in roles_in(words), (line["name"], cell)


def test_each_denial_is_a_line_of_the_log_with_the_requests_id(world: World) -> None:
    listener, log = Listener(), logging.getLogger("openflywheel.denied")
    log.addHandler(listener)
    try:
        with transaction.atomic():
            Client().get("/api/v1/me", headers={"X-Request-Id": "req-anonymous-1"})
            unnamed = Client().post("/v1/chat/completions")
            world.browser("CO").get("/review")
            Client().put(
                "/api/v1/accounts/the-another/role",
                json.dumps({"role": "admin"}),
                content_type="application/json",
                headers={"Authorization": f"Bearer {world.tokens['MT']}"},
            )
            transaction.set_rollback(True)
    finally:
        log.removeHandler(listener)

    me, chat, review, role = listener.heard
    assert "GET /api/v1/me to nobody" in me
    assert "request req-anonymous-1" in me
    assert chat.endswith(f"request {unnamed['X-Request-Id']}")
    assert "GET /review to the-CO" in review
    assert "cannot grant the role “admin”" in role
