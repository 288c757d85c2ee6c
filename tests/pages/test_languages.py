"""Every word on a page can be translated, and the languages of the site are complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.apps import apps
from django.db import models
from django.test import Client
from django.utils import translation

from apps.accounts.models import Role
from apps.contributions.actions import withdraw
from apps.contributions.stages import Stage
from apps.pages.management.commands.write_messages import compiled, faults, po_of, strings
from apps.reviews.agreement.actions import answer_audit, ensure_may_audit
from apps.reviews.agreement.models import Audit
from apps.reviews.desk import pending
from apps.reviews.desk.models import Step
from apps.reviews.errors import BadGold, NotYourAudit, ReasonMissing, ReviewRefused
from apps.reviews.queue.habits import time_zones
from tests.api.calling import calling
from tests.pages.test_pages import FOR_REVIEWERS, OPEN_TO_ALL, address, as_
from tests.pages.world import World, founded
from tests.people import somebody

OURS = ("accounts", "skills", "traces", "contributions", "discussion", "checks", "reviews")
TOO = ("builds", "rollouts", "community", "history")
SPOKEN = ("aria-label", "title", "placeholder", "alt")
# Not words of the site: code, names of keys, digests, and what somebody wrote in Markdown.
SILENT = {"script", "style", "code", "kbd", "template", "del", "ins"}
WRITTEN = {"digest", "tag", "prose", "verbatim", "text"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
# What stays as it is in every language: the site's name, languages in themselves, formats, roles
# of a row as the API names them, and what the starter engine calls itself.
ALLOWED = {
    *("Open", "Flywheel", "OpenFlywheel", "English", "Türkçe", "PR", "UTC", "Markdown"),
    *("CC0-1.0", "Ctrl", 'is:open label:"needs a source" author:name'),
    *('{"prompt": "…", "completion": "…"}',),
    *("Ctrl+B", "Ctrl+I", "Ctrl+E", "Ctrl+K", "Ctrl+.", "SFT", "DPO", "KTO", "web", "starter"),
}
# English so far, and known: sentences of the record and of refusals (docs/decisions/0013).
STILL_ENGLISH: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def _back_to_english() -> Iterator[None]:
    yield
    translation.activate("en")


@pytest.fixture
def brackets(settings: Any, tmp_path: Path) -> None:
    """A language in which every string of the site stands in ⟦brackets⟧."""
    catalog = Catalog(locale="en", charset="utf-8")
    for message in strings():
        if message.id:
            forms = [message.id] if isinstance(message.id, str) else list(message.id)
            said = [f"⟦{form}⟧" for form in forms]
            catalog.add(message.id, said[0] if isinstance(message.id, str) else said)
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(compiled(catalog))
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("xx", "⟦xx⟧")]


class Words(HTMLParser):
    """The text that people see or hear, one piece a line."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.said: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.said += [given[name] for name in SPOKEN if name in given]
        hidden = tag in SILENT or bool(WRITTEN & set(given.get("class", "").split()))
        if tag not in VOID:
            self.open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(hidden for _tag, hidden in self.open):
            self.said.append(data)


def bare(page: str, known: set[str]) -> set[str]:
    """What a page says outside brackets that is no content of the site's people."""
    text = "\n".join(Words(page).said).replace("· OpenFlywheel", "")
    while re.search(r"⟦[^⟦⟧]*⟧", text):
        text = re.sub(r"⟦[^⟦⟧]*⟧", "\n", text)
    lines = (re.sub(r"\s+", " ", line).strip(" ·,.:;()–→#+−%/“”") for line in text.split("\n"))
    return {line for line in lines if re.search(r"[A-Za-z]{2}", line) and not _known(line, known)}


def _known(line: str, known: set[str]) -> bool:
    if line in ALLOWED or line in known or line in STILL_ENGLISH:
        return True
    parts = re.split("[,;] ", line)
    if len(parts) > 1 and all(part in known for part in parts):
        return True
    begun = line.rstrip("…")
    return len(begun) > 12 and any(begun in value for value in known)


def content() -> set[str]:
    """Everything that people wrote or that was recorded: each text in the database."""
    values: set[str] = set()
    for model in apps.get_models():
        if model._meta.app_label in (*OURS, *TOO):
            names = [f.attname for f in model._meta.concrete_fields if _text(f)]
            for row in model._default_manager.values_list(*names) if names else ():
                values |= set(_strings(row))
    return {re.sub(r"\s+", " ", value).strip(" .") for value in values if value}


def _text(field: Any) -> bool:
    written = isinstance(field, models.CharField | models.TextField | models.JSONField)
    return written and not field.choices


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


@pytest.mark.usefixtures("brackets")
@pytest.mark.parametrize(
    ("who", "paths"),
    [
        ("nobody", ["/", "/playground", "/sign-in", "/sign-up", "/submit"]),
        ("author", ["/my", "/inbox", "/drafts", "/tokens", "/settings/writing", "/webhooks"]),
        ("maintainer", [p for p in [*OPEN_TO_ALL, *FOR_REVIEWERS] if p != "/style"]),
    ],
)
def test_every_word_of_every_page_can_be_translated(
    who: str, paths: list[str], world: World
) -> None:
    client = Client() if who == "nobody" else as_(getattr(world, who))
    client.cookies["language"] = "xx"
    known = content()

    left = {
        path: words
        for path in paths
        if (words := bare(client.get(address(path, world), follow=True).content.decode(), known))
    }

    assert left == {}


@pytest.mark.usefixtures("brackets")
@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 429, 500])
def test_every_word_of_an_error_page_can_be_translated(code: int) -> None:
    from django.template.loader import render_to_string

    with translation.override("xx"):
        assert bare(render_to_string(f"{code}.html"), set()) == set()


@pytest.mark.usefixtures("brackets")
@pytest.mark.parametrize("path", ["", "/habits", "/signals", "/argilla", "/audit", "/calibration"])
def test_every_word_to_those_who_may_not_open_a_page_can_be_translated(
    path: str, world: World
) -> None:
    client = as_(world.author)
    client.cookies["language"] = "xx"

    refused = client.get(f"/review{path}")

    assert refused.status_code == 403
    assert "for reviewers" in (page := refused.content.decode()) or "for maintainers" in page
    assert bare(page, content()) == set()


@pytest.mark.usefixtures("brackets")
@pytest.mark.parametrize(
    ("path", "given", "says"),
    [
        ("/review/habits", {"quiet_from": "18:00", "time_zone": "UTC"}, "give both"),
        (
            "/review/habits",
            {"quiet_from": "8:00", "quiet_until": "8:00", "time_zone": "UTC"},
            "never end",
        ),
        ("/review/signals", {"number": "{in_review}", "because": "wrong"}, "was not rejected"),
        ("/review/signals", {"number": "{rejected}", "because": " "}, "see their hits by reason"),
        ("/prs/{in_review}/comment", {"text": " "}, "the comment is empty"),
        ("/prs/{in_review}/comment", {"text": "a" * 10_001}, "are taken"),
        ("/prs/{in_review}/withdraw", {}, "only they can do this"),
        ("/prs/{in_review}/revert", {"because": "wrong"}, "nothing to revert"),
        ("/services", {"name": "admin"}, "a name of the system itself"),
        ("/webhooks", {"url": "http://example.org", "wants": "*", "algorithm": "v1"}, "not https"),
    ],
)
def test_every_word_of_a_refusal_on_a_page_can_be_translated(
    path: str, given: dict[str, str], says: str, world: World
) -> None:
    client = as_(world.maintainer)
    client.cookies["language"] = "xx"
    numbers = {str(stage): pr.pk for stage, pr in world.prs.items()}
    sent = {name: text.format(**numbers) for name, text in given.items()}

    page = client.post(path.format(**numbers), sent, follow=True).content.decode()

    assert says in page
    zones = {zone.replace("_", " ") for zone in time_zones()}
    assert bare(page, content() | zones) == set()


@pytest.mark.usefixtures("brackets", "db")
def test_refusals_of_audits_can_be_translated() -> None:
    grace = somebody(Role.REVIEWER)
    asked: list[tuple[type[ReviewRefused], Callable[[], object]]] = [
        (BadGold, lambda: answer_audit(Audit(), by=grace, verdict="maybe", because="")),
        (ReasonMissing, lambda: answer_audit(Audit(), by=grace, verdict="reject", because="")),
        (NotYourAudit, lambda: ensure_may_audit(somebody(), Audit())),
        (NotYourAudit, lambda: ensure_may_audit(grace, Audit())),
    ]

    for kind, ask in asked:
        with translation.override("xx"), pytest.raises(kind, match=r"^⟦.*⟧$"):
            ask()


@pytest.mark.parametrize(
    ("who", "path", "given", "called", "body", "english", "turkish"),
    [
        (
            *("author", "prs/{accepted}/appeal", {"words": "Please."}),
            *("contributions/{accepted}/appeals", {"words": "Please."}),
            "PR {accepted} has no rejection that could be appealed against now",
            "PR {accepted} için şu anda itiraz edilebilecek bir ret yok",
        ),
        (
            *("reviewer", "review/{in_review}", {"verdict": "accept", "digest": "old"}),
            *("contributions/{in_review}/decision", {"verdict": "accept", "digest": "0" * 64}),
            "PR {in_review} has changed since you read it; look at it again",
            "PR {in_review} siz okuduktan sonra değişti; yeniden bakın",
        ),
        (
            *("manager", "builds/{live}/override", {"because": "It is fine."}),
            *("builds/{live}/override", {"because": "It is fine."}),
            "build {live} has no refusal that stands",
            "Build {live} için geçerli bir ret yok",
        ),
        (
            *("manager", "rollouts/{taken_back}/act", {"act": "pause", "because": "Wait."}),
            *("rollouts/{taken_back}/pause", {"because": "Wait."}),
            "rollout {taken_back} is rolled back and cannot become paused",
            "Rollout {taken_back} şu durumda: rolled back; şu duruma geçemez: paused",
        ),
    ],
)
def test_people_are_refused_in_their_language_and_programs_in_english(
    who: str,
    path: str,
    given: dict[str, str],
    called: str,
    body: dict[str, str],
    english: str,
    turkish: str,
    world: World,
) -> None:
    account, asks = getattr(world, who), {"accept-language": "tr"}

    sent = as_(account).post(f"/{address(path, world)}", given, follow=True, headers=asks)
    answer = calling(account).post(address(called, world), body, **asks)

    assert f"{address(turkish, world)}." in sent.content.decode()
    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"] == address(english, world)


def test_why_a_verdict_lapsed_is_kept_in_the_sites_own_language(world: World) -> None:
    pr = world.prs[Stage.IN_REVIEW]
    given = pending.give(
        pr, Step.CHANGES, by=world.reviewer, digest=pr.digest, because="Name the month."
    )
    withdraw(pr, by=world.author)

    with translation.override("tr"):
        pending.carry_out(given)

    given.refresh_from_db()
    assert given.lapsed == f"{pr} is withdrawn and cannot become changes requested"


@pytest.mark.parametrize("code", ["tr", "zh-hans"])
def test_each_language_has_every_string(code: str) -> None:
    assert list(faults(code, strings())) == []


def test_a_missing_a_fuzzy_and_a_broken_translation_are_told(settings: Any, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    path = po_of("tr")
    path.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    path.write_text(
        head
        + '#, fuzzy\nmsgid "One"\nmsgstr "Bir"\n\nmsgid "Two"\nmsgstr ""\n\n'
        + 'msgid "%(n)s rows"\nmsgstr "satır"\n'
    )
    wanted = Catalog(charset="utf-8")
    for message in ("One", "Two", "%(n)s rows", "Three"):
        wanted.add(message)

    assert list(faults("tr", wanted)) == [
        "tr has a fuzzy 'One'",
        "tr has no words for 'Two'",
        "tr has other placeholders in '%(n)s rows'",
        "tr lacks 'Three'",
        "tr: django.mo is not what django.po says",
    ]


def test_a_reader_picks_a_language_without_a_script(db: None) -> None:
    founded()
    client = Client()
    assert '<html lang="en" dir="ltr">' in client.get("/").content.decode()

    answer = client.post("/language", {"language": "zh-hans", "next": "/playground"})

    assert (answer.status_code, answer["Location"]) == (302, "/playground")
    assert '<html lang="zh-Hans" dir="ltr">' in client.get("/").content.decode()


def test_the_browser_decides_for_those_who_have_not_picked(db: None) -> None:
    founded()

    answer = Client().get("/", headers={"accept-language": "tr-TR,tr;q=0.9"})

    assert answer["Content-Language"] == "tr"
    assert '<html lang="tr"' in answer.content.decode()


def test_nobody_is_led_away_by_the_choice_of_a_language(db: None) -> None:
    founded()

    answer = Client().post("/language", {"language": "tr", "next": "https://evil.example/"})

    assert answer["Location"] == "/"


def test_programs_get_english_whatever_the_browser_asks_for(db: None) -> None:
    founded()

    refused = Client().get("/api/v1/prs/999", headers={"accept-language": "tr"})

    assert "Content-Language" not in refused
    assert refused.json()["title"] == Client().get("/api/v1/prs/999").json()["title"]


@pytest.mark.parametrize(
    ("page", "call", "given", "english", "turkish"),
    [
        (
            "/prs/{in_review}/withdraw",
            "contributions/{in_review}/withdraw",
            {},
            "{pr} belongs to linden; only they can do this",
            "{pr}, linden kullanıcısına ait; bunu yalnızca o yapabilir.",
        ),
        (
            "/webhooks",
            "webhooks",
            {"url": "http://example.org", "wants": "*", "algorithm": "v1"},
            "“http://example.org” is not https; give an https:// address",
            "“http://example.org” https değil; https:// ile başlayan bir adres verin.",
        ),
        (
            "/services",
            "services",
            {"name": "admin"},
            "“admin” is a name of the system itself; choose another",
            "“admin” sistemin kendi adlarından biri; başka bir ad seçin.",
        ),
    ],
)
def test_a_refusal_is_in_the_readers_language_on_a_page_and_in_english_to_a_program(
    page: str, call: str, given: dict[str, str], english: str, turkish: str, world: World
) -> None:
    pr = world.prs[Stage.IN_REVIEW]
    named: dict[str, object] = {"in_review": pr.pk, "pr": pr}
    tr = {"accept-language": "tr"}
    wish = given | {"wants": ["*"]} if "wants" in given else given

    read = as_(world.maintainer).post(page.format(**named), given, follow=True, headers=tr)
    told = calling(world.maintainer).post(call.format(**named), wish, **tr)

    assert turkish.format(**named) in read.content.decode()
    assert told.json()["detail"] == english.format(**named)


SIGNED_OUT = ("/sign-in", "/sign-up", "/account/password/reset/", "/account/password/reset/done/")
SIGNED_IN = (
    *("/account/email/", "/account/password/change/", "/account/2fa/", "/account/2fa/webauthn/"),
    *("/account/sessions/", "/account/3rdparty/", "/account/reauthenticate/", "/sign-out"),
)


@pytest.mark.parametrize("code", ["tr", "zh-hans"])
def test_the_pages_of_signing_in_are_not_left_in_english(code: str, db: None) -> None:
    founded()
    account = somebody()
    account.set_password("a long enough phrase")
    account.email = "ada@example.org"
    account.save()

    def words(path: str, language: str) -> set[str]:
        client = Client()
        client.cookies["language"] = language
        if path in SIGNED_IN:
            client.force_login(account)
        page = client.get(path)
        assert page.status_code == 200, path
        said = (re.sub(r"\s+", " ", word).strip() for word in Words(page.content.decode()).said)
        return {word for word in said if re.search("[A-Za-z]{2}", word)}

    same = {"API", "English", "Flywheel", "Open", "Türkçe", account.username, account.email}
    left = {p: (words(p, "en") & words(p, code)) - same for p in (*SIGNED_OUT, *SIGNED_IN)}

    assert {path: english for path, english in left.items() if english} == {}


def test_who_picks_a_language_or_signs_in_by_one_gets_mail_in_it(db: None) -> None:
    founded()
    ada, bo = somebody(), somebody()
    for account in (ada, bo):
        account.set_password("a long enough phrase")
        account.save()
    client = Client()
    client.cookies["language"] = "tr"

    client.post("/sign-in", {"login": ada.username, "password": "a long enough phrase"})
    ada.refresh_from_db()
    assert ada.language == "tr"
    client.post("/language", {"language": "zh-hans"})
    client.post("/language", {"language": "klingon"})
    client.post("/sign-out")
    client.post("/sign-in", {"login": bo.username, "password": "a long enough phrase"})

    ada.refresh_from_db()
    bo.refresh_from_db()
    assert (ada.language, bo.language) == ("zh-hans", "zh-hans")
