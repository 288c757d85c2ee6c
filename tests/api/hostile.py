"""schemathesis against the real application, in process, on a site where something is going on.

Every case is sent by somebody: nobody, a contributor, a reviewer, a maintainer, a release manager
and an administrator in turn. Half of the numbers and digests are aimed at things that exist, since
a made-up one leads to a 404 and tests nothing behind it.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

from apps.accounts.actions import make_service, make_token
from apps.accounts.models import Role, Scope
from apps.api.parsing import NDJSON
from apps.api.problems import kinds
from apps.builds.models import Build, Verdict
from apps.builds.stages import Stage as BuildStage
from apps.community.actions import open_endpoint, ping
from apps.community.models import Endpoint
from apps.contributions.models import Contribution
from apps.contributions.rules import EDITABLE
from apps.contributions.stages import Stage
from apps.rollouts.actions import publish_base
from apps.rollouts.models import Rollout, Version
from apps.skills.models import ModelLine
from apps.traces.actions import log, log_mirror
from apps.traces.feedback.delivering import store_waiting
from apps.traces.models import Arm
from tests.api.calling import Caller, calling
from tests.people import a_contribution, a_line, somebody
from tests.traces.delivering import send, stored_by

OPENAPI = "/api/v1/openapi.json"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "negative_data_rejection",
)
REFUSED = [
    *("400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429"),
    "207",
]
ANSWER = {"choices": [{"message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}]}


@dataclass
class World:
    """What there is on the site, by the word that an address has for it."""

    callers: list[Caller]
    able: dict[str, Caller]
    spare: Caller
    promoted: str
    numbers: dict[str, list[int]]
    traces: list[str]
    services: list[str]
    operations: list[str]
    # What may be edited, and by whom.
    edits: list[tuple[int, Caller]]
    # The webhook of each message in its log.
    sent: dict[int, int]


@dataclass
class Report:
    """How many requests were sent, what they were answered, and what was wrong with the answers."""

    cases: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)


def a_world() -> World:
    """A line with contributions at every stage, builds, rollouts, traces, and all the roles."""
    line = a_line("sums", "manners")
    roles = (Role.CONTRIBUTOR, Role.REVIEWER, Role.MAINTAINER, Role.RELEASE_MANAGER, Role.ADMIN)
    callers = [Caller(), *(calling(somebody(role)) for role in roles)]
    authors = [caller.account for caller in callers]
    offered = [
        a_contribution(line, by=author, stage=stage)
        for stage in Stage.values
        for author in authors[1:4]
    ]
    channel = publish_base(line, name="base", digest="0" * 64, channel="stable", by="operator")
    stages = [*BuildStage.values, *[BuildStage.READY] * 9]
    builds = [_a_build(line, at, stage) for at, stage in enumerate(stages, start=1)]
    version = Version.objects.create(
        line=line, name=builds[0].adapter, digest=builds[0].digest, build=builds[0], path="/nowhere"
    )
    rollout = Rollout.objects.create(
        channel=channel, candidate=version, incumbent=channel.live, salt="s", percent=0
    )
    spare = calling(somebody())
    assert spare.account is not None
    able: dict[str, Caller] = {
        Scope.REVIEW: callers[3],
        Scope.RELEASE: callers[4],
        Scope.ADMIN: callers[5],
    }
    traces = _traces(line, callers[1])
    hooks = [a_webhook(spare) for _ in range(5)]
    sent = {ping(hook).pk: hook.pk for hook in hooks for _ in range(2)}
    return World(
        [*callers, spare],
        able,
        spare,
        somebody().username,
        {
            "contributions": [contribution.pk for contribution in offered],
            "builds": [build.pk for build in builds],
            "decision": [
                contribution.pk
                for contribution in offered
                if contribution.stage in (Stage.IN_REVIEW, Stage.QUARANTINED)
            ],
            "override": [build.pk for build in builds if build.stage == BuildStage.READY],
            "rollouts": [rollout.pk],
            "webhooks": [hook.pk for hook in hooks],
            "tokens": [
                make_token(spare.account, name=f"t{n}", scopes=["chat"])[0].pk for n in range(20)
            ],
        },
        traces,
        [make_service(spare.account, f"product-{n}").username for n in range(4)],
        _operations(spare),
        [
            (contribution.pk, caller)
            for contribution in offered
            for caller in callers
            if caller.account == contribution.author and contribution.stage in EDITABLE
        ],
        sent,
    )


def _operations(caller: Caller) -> list[str]:
    """Large deliveries of the caller's: one that is stored, and one that waits."""
    assert caller.account is not None
    rows = [{"prompt": f"{n}+1", "answer": "2", "rating": 1 + n % 5} for n in range(5_001)]
    stored, waits = (stored_by(send(caller.account, *rows)) for _ in range(2))
    store_waiting(stored)
    return [stored.public_id, waits.public_id]


def a_webhook(caller: Caller) -> Endpoint:
    """A webhook of the caller's."""
    assert caller.account is not None
    endpoint, _ = open_endpoint(
        by=caller.account,
        url="https://example.org/hook",
        wants=["*"],
        own_only=False,
        algorithm="v1",
    )
    return endpoint


def _a_build(line: ModelLine, number: int, stage: str) -> Build:
    return Build.objects.create(
        line=line,
        stage=stage,
        verdict=Verdict.REFUSED if number % 2 else Verdict.FIT,
        verdict_reasons=["sums fell"] if number % 2 else [],
        adapter=f"ofw-{number}-000000000000",
        digest=f"{number:x}" * 64,
        live_digest="0" * 64,
        path="/nowhere",
    )


def _traces(line: ModelLine, caller: Caller) -> list[str]:
    assert caller.account is not None
    asked = {
        "version": "base",
        "digest": "0" * 64,
        "experiment": "",
        "answer": ANSWER,
        "error": "",
        "seconds": 0.1,
    }
    traces = [
        log(
            line,
            arm=Arm.LIVE,
            channel="stable",
            user="u",
            skill="sums",
            asked_by=caller.account,
            messages=[{"role": "user", "content": "2+2"}],
            **{**asked, "answer": ANSWER},
        )
        for _ in range(4)
    ]
    mirrors = [log_mirror(trace, **asked) for trace in traces]
    return [trace.public_id for trace in (*traces, *mirrors)]


@contextmanager
def a_runtime() -> Iterator[str]:
    """A small server that answers as a runtime does; its address."""

    class Answering(BaseHTTPRequestHandler):
        served = {"base"}

        def do_GET(self) -> None:
            self._send({"object": "list", "data": [{"id": name} for name in self.served]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "lora_name" in asked:
                self.served.add(asked["lora_name"])
                self._send({})
            elif asked.get("stream"):
                piece = {"choices": [{"delta": {"content": "4"}, "finish_reason": "stop"}]}
                self._send(f"data: {json.dumps(piece)}\n\ndata: [DONE]\n\n".encode())
            else:
                self._send({"id": "x", "object": "chat.completion", "created": 1, **ANSWER})

        def _send(self, body: Any) -> None:
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Aim:
    """Says who sends each case, and points some of it at what exists."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, Random(seed)

    def __call__(self, case: Any) -> None:
        """The hook before each call."""
        case.headers.pop("Authorization", None)
        if token := self._sender(case).token:
            case.headers["Authorization"] = f"Bearer {token}"
        self._spare(case)
        # A picked answer lacks what the document promises; r8 holds it against what was asked for.
        if case.query:
            case.query.pop("fields", None)
        # What is wrong on purpose stays so.
        if not (case.meta and case.meta.generation.mode.is_negative):
            self._point_path(case)
            if isinstance(case.body, dict):
                # (Examples are one object for all the cases that are made of them.)
                case.body = copy.deepcopy(case.body)
                self._point_body(case)
            if self.chance.random() < self._authors_own(case):
                self._edit(case)

    def _sender(self, case: Any) -> Caller:
        """Half of the cases come from somebody who may, and half from anybody."""
        if self.chance.random() < 0.5:
            return self.chance.choice(self.world.callers)
        scopes = case.operation.definition.raw.get("security", [{}])[-1].get("token", [])
        return self.world.able.get(scopes[0] if scopes else "", self.world.spare)

    def _authors_own(self, case: Any) -> float:
        """How often to ask as the author; what is withdrawn is gone for all that follows."""
        if case.method == "PATCH":
            return 0.8
        return {"revisions": 0.8, "withdraw": 0.1}.get(case.operation.path.rpartition("/")[2], 0)

    def _edit(self, case: Any) -> None:
        """An edit names what it read, and most are their author's, of what may still be edited."""
        case.headers["If-Match"] = "*"
        if "contributions" in case.operation.path and self.chance.random() < 0.8:
            number, author = self.chance.choice(self.world.edits)
            case.path_parameters["number"] = str(number)
            case.headers["Authorization"] = f"Bearer {author.token}"
            if isinstance(case.body, dict) and "skill" in case.body:
                case.body["skill"] = self.chance.choice(["sums", "manners"])

    def _spare(self, case: Any) -> None:
        """Nobody's own token is ended and nobody loses their role in the middle of the run."""
        path = case.path_parameters or {}
        if "tokens" in case.operation.path and _is_number(path.get("number", "")):
            path["number"] = str(self._known(case))
        if "accounts" in case.operation.path and isinstance(path.get("name"), str):
            path["name"] = self.world.promoted

    def _point_path(self, case: Any) -> None:
        path = case.path_parameters or {}
        if "number" in path and self.chance.random() < 0.8:
            path["number"] = str(self._known(case))
        if "name" in path and "operations" in case.operation.path and self.chance.random() < 0.8:
            path["name"] = self.chance.choice(self.world.operations)
        if "name" in path and "services" in case.operation.path and self.chance.random() < 0.8:
            path["name"] = self.chance.choice(self.world.services)
        if "delivery" in path and self.chance.random() < 0.8:
            path["delivery"], path["number"] = map(
                str, self.chance.choice([*self.world.sent.items()])
            )
        if "code" in path and self.chance.random() < 0.5:
            path["code"] = self.chance.choice(sorted(kinds()))

    def _known(self, case: Any) -> int:
        numbers = self.world.numbers
        first, *_, last = case.operation.path.removeprefix("/api/v1/").split("/")
        return self.chance.choice(numbers.get(last) or numbers.get(first) or [1])

    def _point_body(self, case: Any) -> None:
        body, path = case.body, case.path_parameters or {}
        if self.chance.random() < 0.3:
            return
        if "digest" in body and _is_number(path.get("number", "")):
            found = Contribution.objects.filter(pk=int(_digits(path["number"]))).first()
            body["digest"] = found.digest if found else body["digest"]
        if "build" in body:
            body |= {"build": self.chance.choice(self.world.numbers["builds"])}
            body |= {"channel": "stable"}
        if "contributions" in body:
            body["contributions"] = self.world.numbers["contributions"][-6:]
        prompt = f"What is {self.chance.random()}?"
        if isinstance(body.get("rows"), list):
            body["rows"].append({"prompt": prompt, "completion": "A number."})
        if isinstance(items := body.get("items"), list):
            trace = self.chance.choice(self.world.traces)
            for item in items:
                if isinstance(item, dict) and item:
                    item[next(iter(item))] = trace
            items.append({"trace": trace, "success": True, "prompt": prompt, "completion": "2"})
            items.append({"pair": trace, "a_success": True, "b_success": False})


def _digits(shown: Any) -> str:
    """What stands behind the prefix of an id."""
    return str(shown).rpartition("_")[2]


def _is_number(shown: Any) -> bool:
    digits = _digits(shown)
    return digits.isascii() and digits.isdigit() and len(digits) < 19


class Counting:
    """The application, which counts what it is asked and what it answers."""

    def __init__(self, report: Report) -> None:
        self.application, self.report = WSGIHandler(), report

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def counted(status: str, headers: Any, *more: Any) -> Any:
            self.report.statuses[int(status[:3])] += 1
            return start_response(status, headers, *more)

        self.report.cases += 1
        return self.application(environ, counted)


def hang_up() -> None:
    """End what the threads of the run have left open, so that the database can be emptied."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def attack(world: World, *, each: int, scenarios: int, seed: int, edges: int) -> Report:
    """Examples, `each` generated cases an operation, and `scenarios` of many steps.

    One path of every `edges` is also tried at the edges of all its fields and by all methods
    (with all paths, some 4,500 cases).
    """
    report, began = Report(), time.perf_counter()
    document = _live_document()
    spared = [path for place, path in enumerate(sorted(document["paths"])) if place % edges]
    config = _config(each, scenarios, seed, spared)
    application = Counting(report)
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app, schema.location = application, OPENAPI
    aim = Aim(world, seed)

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        aim(case)

    try:
        for event in from_schema(schema).execute():
            _note(event, report)
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(before_call)
        hang_up()
    report.seconds = time.perf_counter() - began
    return report


def _live_document() -> dict[str, Any]:
    """The document as the site serves it; NDJSON as a list of lines, so that lines are made up."""
    document: dict[str, Any] = Client().get(OPENAPI).json()
    for methods in document["paths"].values():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            if NDJSON in content:
                content[NDJSON] = {"schema": {"type": "array", "items": content[NDJSON]["x-line"]}}
    return document


@schemathesis.serializer(NDJSON)
def _as_lines(context: Any, value: Any) -> Any:
    lines = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(line) for line in lines).encode()


def _config(each: int, scenarios: int, seed: int, spared: list[str]) -> SchemathesisConfig:
    generation = {"max-examples": each, "deterministic": True, "database": "none"}
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "checks": {
                **{"enabled": False},
                **{name: {"enabled": True} for name in CHECKS},
                # A bad row among good ones is refused alone, and 207 says so.
                "negative_data_rejection": {
                    "enabled": True,
                    "expected-statuses": REFUSED,
                },
            },
            "generation": generation | {"no-shrink": True},
            "phases": {"stateful": {"generation": generation | {"max-examples": scenarios}}},
            "operations": [
                {"include-path": path, "phases": {"coverage": {"enabled": False}}}
                for path in spared
            ],
        }
    )


def _note(event: events.EngineEvent, report: Report) -> None:
    if isinstance(event, events.NonFatalError):
        fault = f"{event.info.title}: {event.info.message}"
        report.faults[f"{event.label}: it could not be tried"] = fault
    elif isinstance(event, events.FatalError):
        report.faults["the run broke"] = repr(event.exception)
    elif isinstance(event, events.ScenarioFinished):
        _note_scenario(event, report)


def _note_scenario(event: events.ScenarioFinished, report: Report) -> None:
    for number, case in event.recorder.cases.items():
        label = case.value.operation.label
        sent = event.recorder.interactions.get(number)
        report.operations[label] += 1
        if sent is not None and sent.response is not None and sent.response.status_code < 300:
            report.succeeded[label] += 1
        for check in event.recorder.checks.get(number, []):
            if check.status != Status.FAILURE or check.failure_info is None:
                continue
            if check.name == "negative_data_rejection" and _refused_by_row(sent):
                continue
            failure = check.failure_info.failure
            text = f"{failure.message}\n{check.failure_info.code_sample}"
            if sent is not None and sent.response is not None:
                text += f"\n→ {sent.response.status_code} {sent.response.content[:600]!r}"
            report.faults.setdefault(f"{label}: {failure.title}", text)


def _refused_by_row(sent: Any) -> bool:
    """Whether nothing was kept, and every row was told why: how a dry run refuses."""
    try:
        counts = json.loads(sent.response.content)["counts"]
    except (AttributeError, ValueError, KeyError, TypeError):
        return False
    return bool(counts["refused"]) and not counts["stored"]
