"""Give an account a role from the operator's command line; the first administrator comes so."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import actions, rules
from apps.accounts.errors import AccountRefused
from apps.accounts.models import Role
from apps.accounts.queries import named
from apps.history import appointments


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the account; it is made if there is none")
        parser.add_argument("role", choices=Role.values)
        parser.add_argument("--token", action="store_true", help="print a new token, this once")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            account = named(options["name"]).first()
            if account is None:
                account = actions.sign_up(options["name"], password=secrets.token_urlsafe(24))
            appointments.appoint(account, options["role"], by=appointments.OPERATOR)
            if options["token"]:
                scopes = rules.scopes_of(account)
                _, text = actions.make_token(account, name="command line", scopes=scopes)
                self.stdout.write(text)
        except AccountRefused as refusal:
            raise CommandError(str(refusal)) from refusal
