"""`login` and `status`: who you are to the site, and where a PR stands."""

from __future__ import annotations

import sys

import click

from openflywheel import logins
from openflywheel.answers import ContributionPage, Life
from openflywheel.client import Client
from openflywheel.commands.showing import at_a_site, print_json, say, table
from openflywheel.errors import Conflict


@click.command()
@click.option("--name", default="", help="Your name at the site; a pseudonym is fine.")
@click.option("--sign-up", is_flag=True, help="Make the account.")
@click.option("--with-token", is_flag=True, help="Read a token from standard input instead.")
@at_a_site
def login(name: str, sign_up: bool, with_token: bool, url: str, as_json: bool) -> None:
    """Keep a token for a site, so that the other commands need none."""
    url = url or logins.known_url() or click.prompt("Site", default="http://127.0.0.1:8000")
    with Client(url, token="") as site:
        token = _pasted() if with_token else _made(site, name, sign_up=sign_up)
        site.token = token
        account = site.me()
    file = logins.keep(site.url, token)
    if as_json:
        print_json({"url": site.url, "name": account.name, "role": account.role, "file": str(file)})
    else:
        say(f"You are {account.name} ({account.role}) at {site.url}; the token lies in {file}")


@click.command()
@click.argument("number", metavar="PR", type=click.IntRange(min=1))
@at_a_site
def status(number: int, url: str, as_json: bool) -> None:
    """Where a PR stands, who must act next, and what it has led to."""
    with Client(url) as site:
        page, life = site.contribution(number), site.life(number)
    if as_json:
        print_json({"contribution": page, "life": life.hops})
    else:
        _show(page, life)


def _pasted() -> str:
    token = sys.stdin.readline().strip()
    if not token:
        raise click.UsageError("no token came on standard input")
    return token


def _made(site: Client, name: str, *, sign_up: bool) -> str:
    name = name or click.prompt("Name")
    password = click.prompt("Password", hide_input=True, confirmation_prompt=sign_up)
    if not sign_up:
        return site.sign_in(name, password).token
    try:
        account = site.sign_up(name, password)
    except Conflict as taken:
        raise click.UsageError(f"{taken}; leave out --sign-up if it is yours") from taken
    return account.token.token if account.token else ""


def _show(page: ContributionPage, life: Life) -> None:
    turn = page.acts_next
    table(
        ("PR", f"{page.number} · {page.title}"),
        ("what", f"{page.kind}, {page.row_count:,} rows, revision {page.revision}"),
        ("skill", page.skill or "not named"),
        ("author", page.author),
        ("stage", page.stage.replace("_", " ")),
        ("acts next", f"{turn.who}: {turn.what}" if turn else ""),
        ("page", page.page),
    )
    for found in page.findings:
        if not found.dismissed:
            said = f"{found.message}; {found.mend}" if found.message else ""
            say(f"{found.severity}: {found.screen} {said}".rstrip(), style="yellow")
    for hop in life.hops:
        at = f"{hop.at:%Y-%m-%d %H:%M}" if hop.at else " " * 16
        say(f"{at}  {hop.title}{f' ({hop.because})' if hop.because else ''}")
