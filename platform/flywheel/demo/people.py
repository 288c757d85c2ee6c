"""Who takes part: contributors, graders, reviewers, a maintainer, a release manager, an app."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from flywheel.demo.client import DemoFailed, Person
from flywheel.supervisor import Site

CONTRIBUTORS = 24
REVIEWERS = 4
GRADERS = 2

EVERYONE = ["contribute", "feedback", "chat"]
SCOPES = {
    "reviewer": ["contribute", "review"],
    "maintainer": ["contribute", "review", "release"],
    "release_manager": ["contribute", "release"],
}


@dataclass(frozen=True)
class People:
    """Everybody, each with an account and a token of their own."""

    contributors: list[Person]
    graders: list[Person]
    reviewers: list[Person]
    maintainers: list[Person]
    release_manager: Person
    app: Person


def gather(site: Site) -> People:
    """Sign everybody up over HTTP; two administrators, whom the operator appoints, grant roles."""
    administrators = [_appointed(site, f"administrator-{number}") for number in (1, 2)]

    def some(called: str, count: int, role: str = "", scopes: Sequence[str] = ()) -> list[Person]:
        names = [f"{called}-{number:02d}" for number in range(1, count + 1)]
        return [join(site.url, name, role, administrators, scopes) for name in names]

    contributors = some("contributor", CONTRIBUTORS)
    return People(
        contributors=contributors,
        # What others asked is shown to reviewers; these do nothing else with their role.
        graders=some("grader", GRADERS, "reviewer", scopes=["feedback"]),
        reviewers=some("reviewer", REVIEWERS, "reviewer"),
        maintainers=some("maintainer", 2, "maintainer"),
        release_manager=some("release-manager", 1, "release_manager")[0],
        app=_service(contributors[0], "help-desk-app"),
    )


def join(
    url: str,
    name: str,
    role: str,
    administrators: Sequence[Person],
    scopes: Sequence[str] = (),
) -> Person:
    """Sign up, get the role if there is one to get, and make a token for it."""
    password = secrets.token_urlsafe(16)
    _call(url, "accounts", {"name": name, "password": password})
    if role:
        # The first one proposes, the second one wants the same: one alone appoints nobody.
        for administrator in administrators:
            administrator.put(f"accounts/{name}/role", {"role": role})
    scopes = [*(scopes or SCOPES.get(role, EVERYONE))]
    asked = {"username": name, "password": password, "name": "demo", "scopes": scopes}
    return Person(url, name, _call(url, "tokens", asked)["token"], password)


def _appointed(site: Site, name: str) -> Person:
    token = site.manage("appoint", name, "admin", "--token").strip().splitlines()[-1]
    return Person(site.url, name, token)


def _service(owner: Person, name: str) -> Person:
    """A service account of `owner` with a token to ask and to send outcomes."""
    wish = {"name": name, "token": {"name": "demo", "scopes": ["chat", "feedback"]}}
    return Person(owner.url, name, owner.post("services", wish)["token"]["token"])


def _call(url: str, path: str, body: Mapping[str, object]) -> dict[str, str]:
    response = httpx.post(f"{url}/api/v1/{path}", json=body, timeout=60)
    if response.is_error:
        raise DemoFailed(f"POST {path} answered {response.status_code}: {response.text[:500]}")
    answer: dict[str, str] = response.json()
    return answer
