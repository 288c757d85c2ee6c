"""`manage.py argilla connect | push | sync | status | map | import`: the other review desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from apps.accounts.models import Account
from apps.contributions.actions import Terms
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Consent, Licence
from apps.reviews.argilla import actions, bringing, queries
from apps.reviews.argilla.boards import workspace_of
from apps.reviews.argilla.calling import connected, ensure_on
from apps.reviews.argilla.models import Board
from apps.reviews.argilla.pushing import push
from apps.reviews.argilla.responses import EVENTS
from apps.reviews.argilla.sweeping import sweep
from apps.reviews.errors import ReviewRefused
from apps.skills.models import ModelLine, Skill

NAMED = ("chat", "prompt", "answer", "corrected", "verdict", "comment")
SHOWN = 20


class Command(BaseCommand):
    """Connect Argilla, keep it in step by hand, see how it stands, bring a dataset in."""

    help = "Argilla as a second review desk; docs/argilla.md says how."

    def add_arguments(self, parser: CommandParser) -> None:
        """One word that says what to do, and what it needs."""
        words = parser.add_subparsers(dest="what", required=True, metavar="what")
        words.add_parser("connect", help="make the workspace and the webhook, and show its secret")
        words.add_parser("push", help="send what waits, now")
        words.add_parser("sync", help="read every response, now")
        words.add_parser(
            "status", help="what waits, and what was not counted, and why"
        ).add_argument("--json", action="store_true")
        mapping = words.add_parser("map", help="say which account a user of Argilla is")
        mapping.add_argument("user", help="the user's name in Argilla")
        mapping.add_argument("account", help="the account's name here")
        self._add_import(words.add_parser("import", help="bring a dataset in as reviewed PRs"))

    def _add_import(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", help="workspace/dataset, or a name in ARGILLA_WORKSPACE")
        parser.add_argument("--by", required=True, help="the account that offers the rows")
        parser.add_argument("--line", help="the model line; needed where there are several")
        parser.add_argument("--skill", help="the skill that the rows are for")
        parser.add_argument("--licence", required=True, choices=Licence.values)
        parser.add_argument("--consent", default=Consent.TRAIN, choices=Consent.values)
        parser.add_argument("--sign-off", action="store_true", help="you may give these rows away")
        parser.add_argument("--unanswered", action="store_true", help="also without a response")
        for name in NAMED:
            parser.add_argument(f"--{name}", default="", help=f"the field or question: {name}")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        """Do it; a refusal is one sentence and exit 1."""
        try:
            getattr(self, f"_{what}")(**options)
        except (ReviewRefused, ContributionRefused) as refusal:
            raise CommandError(str(refusal)) from refusal

    def _connect(self, **_: Any) -> None:
        import argilla

        url = f"{settings.SITE_URL.rstrip('/')}{reverse('api:argilla-events')}"
        with connected() as client:
            workspace_of(client)
            known = [hook for hook in client.webhooks if hook.url == url]
            hook = (
                known[0]
                if known
                else argilla.Webhook(
                    url=url,
                    events=list(EVENTS),
                    description="OpenFlywheel: responses count as reviews",
                    _client=client,
                ).create()
            )
            self.stdout.write(f"The webhook {hook.id} calls {url}.")
            if hook.secret == settings.ARGILLA_WEBHOOK_SECRET:
                self.stdout.write("Its secret is the one that this site knows.")
            else:
                self.stdout.write(f"Set this and restart: ARGILLA_WEBHOOK_SECRET={hook.secret}")

    def _push(self, **_: Any) -> None:
        ensure_on()
        actions.lay_out()
        actions.close_decided()
        for board in _boards():
            carried = push(board)
            while carried and (more := push(board)):
                carried += more
            board.refresh_from_db()
            self.stdout.write(f"{board}: {carried} records{_trouble(board)}")

    def _sync(self, **_: Any) -> None:
        ensure_on()
        for board in _boards():
            new = sweep(board, whole=True)
            board.refresh_from_db()
            self.stdout.write(f"{board}: {new} new responses{_trouble(board)}")

    def _status(self, *, json: bool, **_: Any) -> None:
        told = _standing()
        if json:
            self.stdout.write(_as_json(told))
            return
        self.stdout.write(f"Argilla: {told['url'] or 'off (ARGILLA_API_URL is not set)'}")
        for board in told["boards"]:
            counts = ", ".join(f"{board[name]} {name}" for name in COUNTED)
            trouble = f"; {board['trouble']}" if board["trouble"] else ""
            self.stdout.write(f"  {board['name']}: {counts}{trouble}")
        for title in ("answers not counted", "rows not taken", "not mapped", "brought, undecided"):
            if told[title]:
                self.stdout.write(f"{title}:")
            for said in told[title]:
                self.stdout.write(f"  {said}")

    def _map(self, *, user: str, account: str, **_: Any) -> None:
        person = actions.map_person(user, _account(account))
        self.stdout.write(f"{person} is {person.account} here.")

    def _import(self, *, dataset: str, sign_off: bool, unanswered: bool, **options: Any) -> None:
        workspace, _, name = dataset.rpartition("/")
        with connected() as client:
            found = client.datasets(name=name, workspace=workspace or settings.ARGILLA_WORKSPACE)
            if found is None:
                raise CommandError(f"Argilla has no dataset “{dataset}”; check its name")
            found.get()
            line = _line(options["line"])
            outcome = bringing.bring(
                client,
                found,
                line=line,
                by=_account(options["by"]),
                terms=Terms(options["licence"], options["consent"], sign_off),
                skill=_skill(line, options["skill"]),
                reading=bringing.Reading.of(
                    found.settings, **{name: options[name] for name in NAMED}
                ),
                unanswered=unanswered,
            )
        for contribution in outcome.prs:
            self.stdout.write(f"{contribution}: {contribution.row_count} rows")
        for refusal in outcome.refused[:SHOWN]:
            self.stdout.write(f"not taken: {refusal}")
        self.stdout.write(
            f"{len(outcome.prs)} PRs; {outcome.known} records were here already, "
            f"{outcome.unanswered} have no response, {len(outcome.refused)} were not taken."
        )


COUNTED = ("waiting", "open", "closing", "refused")


def _boards() -> Iterator[Board]:
    return Board.objects.select_related("line", "skill").iterator()


def _trouble(board: Board) -> str:
    return f"; {board.trouble}" if board.trouble else ""


def _standing() -> dict[str, Any]:
    """How the desks stand to each other, as words and numbers."""
    return {
        "url": settings.ARGILLA_API_URL,
        "boards": [
            {
                "name": str(board),
                **{name: getattr(board, f"{name}_rows") for name in COUNTED},
                "tries": board.tries,
                "trouble": board.trouble,
                "swept_at": board.swept_at and board.swept_at.isoformat(),
            }
            for board in queries.boards()
        ],
        "answers not counted": [
            f"{answer.slip.contribution} row {answer.slip.row.position + 1}, "
            f"{answer.person.name}: {answer.because or 'no account is mapped'}"
            for answer in queries.refused_answers()[:SHOWN]
        ],
        "rows not taken": [
            f"{slip.contribution} row {slip.row.position + 1}: {slip.said}"
            for slip in queries.refused_rows()[:SHOWN]
        ],
        "not mapped": [
            f"{person.name}: manage.py argilla map {person.name} ACCOUNT"
            for person in queries.unknown_people()[:SHOWN]
        ],
        "brought, undecided": [
            f"{one.contribution}: {one.refused or 'waits for the screens'}"
            for one in queries.brought_undecided()[:SHOWN]
        ],
    }


def _as_json(told: dict[str, Any]) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False)


def _account(name: str) -> Account:
    try:
        return Account.objects.get(username=name)
    except Account.DoesNotExist as error:
        raise CommandError(f"nobody is called “{name}” here; check the name's spelling") from error


def _line(name: str | None) -> ModelLine:
    lines = ModelLine.objects.filter(name=name) if name else ModelLine.objects.all()
    found = list(lines[:2])
    if len(found) != 1:
        known = ", ".join(ModelLine.objects.values_list("name", flat=True))
        raise CommandError(f"name one model line by --line: {known}")
    return found[0]


def _skill(line: ModelLine, name: str | None) -> Skill | None:
    if not name:
        return None
    try:
        return line.skills.get(name=name)
    except Skill.DoesNotExist as error:
        known = ", ".join(line.skills.values_list("name", flat=True))
        raise CommandError(f"there is no skill “{name}”; there are {known}") from error
