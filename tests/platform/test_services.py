"""The embedded PostgreSQL and Valkey: they start, they stop, and no crash keeps them from it."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from flywheel import services
from flywheel.addresses import parse_database_url
from flywheel.services.place import Place

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """A folder of its own, with nothing left of it afterwards."""
    yield tmp_path / "var"
    services.remove(tmp_path / "var")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose services run, for tests that only look."""
    var = tmp_path_factory.mktemp("running") / "var"
    start(var)
    yield var
    services.remove(var)


def start(var: Path) -> services.Addresses:
    return services.start(var, hurried=True)


def pids(var: Path) -> list[int | None]:
    return [standing.pid for standing in services.status(var)]


def kept(addresses: services.Addresses) -> tuple[int, bytes | None]:
    """What a client reads back: rows in PostgreSQL, a key in Valkey."""
    with psycopg.connect(addresses.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO kept DEFAULT VALUES")
        rows = connection.execute("SELECT count(*) FROM kept").fetchone()[0]
    with redis.Redis.from_url(addresses.redis_url) as client:
        client.set("kept", "yes")
        return rows, client.get("kept")


def test_services_start_answer_and_stop(var):
    addresses = start(var)
    first = kept(addresses)
    running = pids(var)
    ended = services.stop(var)

    assert first == (1, b"yes")
    assert None not in running
    assert ended == ["Valkey", "PostgreSQL"]
    assert pids(var) == [None, None]
    assert not any(psutil.pid_exists(pid) for pid in running)
    assert services.stop(var) == []


def test_a_second_start_changes_nothing(running):
    before = pids(running)

    assert start(running) == services.recorded(running)
    assert pids(running) == before


def test_killed_servers_start_again_with_everything_they_held(var):
    addresses = services.start(var)
    kept(addresses)
    before = pids(var)
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    after_the_crash = services.start(var)

    assert after_the_crash == addresses
    assert set(pids(var)).isdisjoint(before)
    assert kept(addresses) == (2, b"yes")


def test_a_pid_file_that_names_a_stranger_is_not_believed(var):
    """After a reboot the pid of a dead server may belong to anybody."""
    addresses = services.start(var)
    kept(addresses)
    home = Place.under(var).home
    for pid in pids(var):
        os.kill(pid, signal.SIGKILL)
    for name in ("postgres/postmaster.pid", "valkey/valkey.pid"):
        path = home / name
        _, _, rest = path.read_text().partition("\n")
        path.write_text(f"{os.getpid()}\n{rest}")

    assert services.stop(var) == []
    services.start(var)

    assert kept(addresses)[0] == 2


def test_a_half_made_data_folder_is_made_again(var):
    half = Place.under(var).home / "postgres.making"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    assert kept(start(var)) == (1, b"yes")


def test_a_broken_journal_of_valkey_is_set_aside(var):
    addresses = services.start(var)
    kept(addresses)
    services.stop(var)
    journal = Place.under(var).home / "valkey" / "appendonlydir"
    (journal / "appendonly.aof.manifest").write_text("no manifest at all\n")

    services.start(var)

    assert kept(addresses)[1] == b"yes"
    assert list(journal.parent.glob("appendonlydir.damaged-*"))


def test_of_two_starts_at_once_one_starts_and_the_other_waits(var):
    answers: list[services.Addresses] = []
    threads = [threading.Thread(target=lambda: answers.append(start(var))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert kept(answers[0]) == (1, b"yes")


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path):
    var = tmp_path / ("deep-" * 20) / "var"
    try:
        assert kept(start(var)) == (1, b"yes")
        assert len(str(Place.under(var).sockets)) < 94
    finally:
        services.remove(var)


def test_a_path_with_blanks_and_quotes_is_no_hindrance(tmp_path):
    var = tmp_path / 'o\'brien "and" sons' / "var"
    try:
        assert kept(start(var)) == (1, b"yes")
    finally:
        services.remove(var)


def test_nobody_comes_in_without_the_password(running):
    addresses = services.recorded(running)
    password = parse_database_url(addresses.database_url).password

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(addresses.database_url.replace(password, "wrong"))
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(addresses.redis_url.replace(password, "wrong")).ping()


def test_the_servers_listen_on_no_port(running):
    for pid in pids(running):
        assert psutil.Process(pid).net_connections(kind="inet") == []


@only_root
def test_as_root_the_servers_run_as_somebody_who_may_do_nothing(running):
    assert {psutil.Process(pid).uids().real for pid in pids(running)} == {NOBODY}


@only_root
def test_as_root_below_a_closed_folder_the_data_goes_where_its_owner_may_enter(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    var = closed / "var"
    try:
        assert kept(start(var)) == (1, b"yes")
        assert not Place.under(var).home.is_relative_to(closed)
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        home = Place.under(var).home
        services.remove(var)
        assert not home.exists()


@only_root
def test_an_ordinary_user_starts_and_stops_them_too():
    with tempfile.TemporaryDirectory(prefix="ordinary-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        environment = {**os.environ, "VAR_DIR": f"{folder}/var", "HOME": folder}

        def manage(word: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), "services", word],
                env={**environment, "DJANGO_SETTINGS_MODULE": "flywheel.settings"},
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                capture_output=True,
                text=True,
                check=False,
            )

        try:
            manage("status")
        except PermissionError:
            pytest.skip("the Python of these tests lies where no ordinary user may enter")
        started, stopped, after = manage("start"), manage("stop"), manage("status")

    assert (started.returncode, started.stderr) == (0, "")
    assert stopped.stdout == "Stopped Valkey and PostgreSQL.\n"
    assert after.returncode == 3
