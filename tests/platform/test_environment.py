"""Settings fail at start, with a sentence for everything that must be mended."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from flywheel.environment import Environment

ROOT = Path(__file__).resolve().parents[2]

GOOD = {
    "OPENFLYWHEEL_ENV": "production",
    "SECRET_KEY": "k" * 20 + "9" * 20 + "z" * 20,
    "ALLOWED_HOSTS": "flywheel.example",
    "SITE_URL": "https://flywheel.example",
    "DATABASE_URL": "postgresql://site:secret@db.example:5432/openflywheel",
    "REDIS_URL": "redis://:secret@broker.example:6379/0",
    "UPSTREAM_URL": "http://models.example:8000",
}

BAD = [
    ({"SECRET_KEY": ""}, "SECRET_KEY is missing or shorter than 50 characters; make one with"),
    ({"SECRET_KEY": "short"}, "SECRET_KEY is missing or shorter than 50 characters; make one"),
    ({"SECRET_KEY": "a" * 60}, "SECRET_KEY repeats few characters; make one with"),
    ({"SECRET_KEY": "django-insecure-" + "x1y2z3" * 9}, "SECRET_KEY begins with django-insecure-"),
    ({"DEBUG": "1"}, "DEBUG is on, .* set DEBUG=0"),
    ({"DEBUG": "maybe"}, "DEBUG is 'maybe'; set it to 1 or 0"),
    ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty; set it to"),
    ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS has a wildcard; name the hosts"),
    ({"ALLOWED_HOSTS": "flywheel.example,*.example"}, "ALLOWED_HOSTS has a wildcard"),
    ({"SITE_URL": ""}, "SITE_URL does not begin with https://; set it"),
    ({"SITE_URL": "http://flywheel.example"}, "SITE_URL does not begin with https://"),
    ({"DATABASE_URL": ""}, "DATABASE_URL is not set, .* set it to postgresql://"),
    ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "only PostgreSQL .* write postgresql://"),
    ({"DATABASE_URL": "postgresql://site@db.example/of"}, "DATABASE_URL has no password; give"),
    ({"DATABASE_URL": "postgresql://site:postgres@db.example/of"}, "DATABASE_URL has a password"),
    ({"DATABASE_URL": "postgresql://a:secret@db.example"}, "DATABASE_URL names no database: write"),
    (
        {"DATABASE_URL": "postgresql://a:b@db.example:x/of"},
        "DATABASE_URL names port 'x'; a port is",
    ),
    ({"REDIS_URL": ""}, "REDIS_URL is not set, .* set it to"),
    ({"REDIS_URL": "redis://broker.example"}, "REDIS_URL has no password; set requirepass"),
    ({"REDIS_URL": "amqp://broker.example"}, "REDIS_URL begins with amqp://; write redis://"),
    ({"REDIS_URL": "redis://:p@broker.example/queue"}, "names database 'queue'; write a number"),
    ({"UPSTREAM_URL": ""}, "UPSTREAM_URL is not set; set it to where"),
    ({"UPSTREAM_URL": "models.example:8000"}, "UPSTREAM_URL is 'models.example:8000'; write http"),
    ({"SESSION_COOKIE_SECURE": "0"}, "SESSION_COOKIE_SECURE is off; leave it unset"),
    ({"SSL_REDIRECT": "0"}, "SSL_REDIRECT is off and TRUSTED_PROXIES is 0; set"),
    ({"HSTS_SECONDS": "0"}, "HSTS_SECONDS is 0; set it to 31536000"),
    ({"CSRF_TRUSTED_ORIGINS": "http://other.example"}, "CSRF_TRUSTED_ORIGINS .* https://"),
    ({"LEASE_SECONDS": "6"}, "a lease must outlive two heartbeats; raise LEASE_SECONDS"),
    ({"LEASE_SECONDS": "soon"}, "LEASE_SECONDS is 'soon'; set it to a whole number such as 20"),
    ({"CANARY_PERCENT": "90"}, "CANARY_PERCENT is 90; set it to 50 or less"),
    ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is 'LOUD'; set it to one of DEBUG, INFO"),
    ({"OPENFLYWHEEL_ENV": "prod"}, "OPENFLYWHEEL_ENV is 'prod'; set it to one of development"),
]


def start_with(change: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process of their own, with nothing but these values set."""
    environment = {"PATH": os.environ["PATH"], **GOOD, **change}
    return subprocess.run(
        [sys.executable, "-c", "import flywheel.settings"],
        env={**environment, "PYTHONPATH": str(ROOT / "platform")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_with_good_settings():
    started = start_with({})

    assert (started.returncode, started.stderr) == (0, "")


@pytest.mark.parametrize(("change", "sentence"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_setting_is_refused_with_its_mend(change, sentence):
    refused = start_with(change)

    assert refused.returncode != 0
    assert re.search(sentence, refused.stderr), refused.stderr


def test_all_that_must_be_mended_is_said_at_once():
    refused = start_with(dict.fromkeys(GOOD, "") | {"OPENFLYWHEEL_ENV": "production"})

    named = set(re.findall(r"^  - (\w+)", refused.stderr, re.MULTILINE))
    assert named == set(GOOD) - {"OPENFLYWHEEL_ENV"}


def test_values_are_read_by_their_type():
    environment = Environment({"A": "7", "B": "off", "C": " x, y ,", "D": "/srv/of", "E": "  "})

    assert environment.number("A", 1) == 7
    assert environment.flag("B", True) is False
    assert environment.words("C") == ["x", "y"]
    assert environment.path("D", Path()) == Path("/srv/of")
    assert environment.text("E", "default") == "default"
    environment.refuse_if_unfit()


def test_a_number_out_of_bounds_keeps_its_default_until_the_refusal():
    environment = Environment({"A": "-1"})

    assert environment.number("A", 5, at_least=0) == 5
    with pytest.raises(ImproperlyConfigured, match="A is -1; set it to 0 or more"):
        environment.refuse_if_unfit()
