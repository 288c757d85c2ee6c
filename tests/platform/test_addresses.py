"""Addresses of database and broker: read once, written in each library's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flywheel.addresses import (
    AddressRefused,
    BrokerAddress,
    DatabaseAddress,
    parse_database_url,
    parse_redis_url,
)

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
ports = st.none() | st.integers(1, 65535)


@given(name=words, user=words, password=words, folder=words, port=ports)
def test_a_database_url_is_read_back_as_it_was_written(name, user, password, folder, port):
    # A leading slash belongs to the URL and not to the name.
    name = name.lstrip("/") or "db"
    address = DatabaseAddress(name, user, password, "/" + folder, port)

    assert parse_database_url(address.url) == address


@given(password=words, path=words, database=st.integers(0, 15))
def test_a_socket_url_is_read_back_as_it_was_written(password, path, database):
    address = BrokerAddress(path=f"/{path.lstrip('/')}x", password=password, database=database)

    assert parse_redis_url(address.url) == address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://u:p@h:5433/n", DatabaseAddress("n", "u", "p", "h", 5433)),
        ("postgresql://u:p%40%2F@%2Ftmp%2FUp/n", DatabaseAddress("n", "u", "p@/", "/tmp/Up")),
        ("postgresql://u:p@[::1]:5433/n", DatabaseAddress("n", "u", "p", "::1", 5433)),
        ("postgresql:///n?host=/run&port=7", DatabaseAddress("n", host="/run", port=7)),
        (
            "postgresql://u:p@h/n?sslmode=require",
            DatabaseAddress("n", "u", "p", "h", options=(("sslmode", "require"),)),
        ),
    ],
)
def test_database_urls_of_every_shape(url, address):
    assert parse_database_url(url) == address


@pytest.mark.parametrize(
    ("url", "for_celery"),
    [
        ("redis://:p@h/3", "redis://:p@h:6379/3"),
        ("rediss://u:p@h:7/0", "rediss://u:p@h:7/0"),
        ("redis://[::1]:7", "redis://[::1]:7/0"),
        ("unix://:p@/run/v.sock?db=2", "redis+socket://:p@/run/v.sock?virtual_host=2"),
    ],
)
def test_broker_urls_in_the_words_of_celery(url, for_celery):
    assert parse_redis_url(url).for_celery == for_celery


@pytest.mark.parametrize(
    "url", ["", "mysql://h/n", "postgres://h/n", "postgresql://h", "postgresql://h:99999/n"]
)
def test_a_database_url_that_cannot_be_used_is_refused_with_the_mend(url):
    with pytest.raises(AddressRefused, match=r"DATABASE_URL .*(write|a port is)"):
        parse_database_url(url)


@pytest.mark.parametrize("url", ["", "http://h", "redis:///0", "unix://", "redis://h/x"])
def test_a_broker_url_that_cannot_be_used_is_refused_with_the_mend(url):
    with pytest.raises(AddressRefused, match=r"REDIS_URL .*write"):
        parse_redis_url(url)
