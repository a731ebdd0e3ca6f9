"""The embedded server against killed processes, stale files, taken ports and interrupted starts."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql

from orchestration.lib import postgres, postgres_place, postgres_server
from orchestration.lib.errors import FinopsError
from orchestration.lib.postgres_server import Server
from orchestration.lib.postgres_tuning import machine_settings


@pytest.fixture(scope="module", autouse=True)
def unsynced() -> Iterator[None]:
    """Without waiting for the disk: what is committed survives the death of processes all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres_server, "machine_settings", lambda parent: {**machine_settings(parent), "fsync": "off"})
        yield


@contextmanager
def in_force(home: Path) -> Iterator[None]:
    """Work with the embedded server of this state directory."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FINOPS_HOME", str(home))
        environment.delenv(postgres.URL_VARIABLE, raising=False)
        yield


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty state directory in force, whose server is gone after the test."""
    directory = Path(tempfile.mkdtemp(prefix="finops-test-"))
    directory.chmod(0o755)
    with in_force(directory):
        yield directory
        postgres.remove()
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def kept_home() -> Iterator[Path]:
    """A state directory with a server whose warehouse has the table `kept` of one committed row."""
    directory = Path(tempfile.mkdtemp(prefix="finops-test-"))
    directory.chmod(0o755)
    with in_force(directory), psycopg.connect(postgres.ensure_running()) as connection:
        connection.execute("create table kept as select 1 as one")
    yield directory
    with in_force(directory):
        postgres.remove()
    shutil.rmtree(directory)


@pytest.fixture
def started(kept_home: Path) -> Iterator[Server]:
    """The running server of `kept_home`, which tests share as making one takes long."""
    with in_force(kept_home):
        postgres.ensure_running()
        yield Server(kept_home / "postgres")


def kept_rows() -> int:
    with psycopg.connect(postgres.ensure_running()) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


def running_pid(server: Server) -> int:
    running = server.running()
    assert running is not None
    return running[0]


def is_gone(pid: int) -> bool:
    """Whether the process ended; in a container nobody may collect it."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def kill_and_wait(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_server_listens_on_loopback_with_a_password_in_a_private_file(started: Server) -> None:
    url = postgres.database_url()
    assert urlsplit(url).hostname == "127.0.0.1"
    assert stat.S_IMODE(started.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(started.data.stat().st_mode) == 0o700
    with psycopg.connect(url) as connection:
        shown = {
            name: connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone()
            for name in ("listen_addresses", "password_encryption", "timezone", "jit", "synchronous_commit")
        }
    assert shown == {
        "listen_addresses": ("127.0.0.1",),
        "password_encryption": ("scram-sha-256",),
        "timezone": ("UTC",),
        "jit": ("off",),
        "synchronous_commit": ("on",),
    }
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace(started.password(), "wrong"), connect_timeout=5)


def test_stop_ends_the_server_and_the_next_start_keeps_port_and_data(started: Server) -> None:
    port = started.port()
    assert postgres.stop()
    assert not postgres.stop()
    assert not postgres.status().running
    assert kept_rows() == 1
    assert started.port() == port


def test_a_server_outlives_its_starter_and_holds_none_of_its_pipes(home: Path) -> None:
    secret = secrets.token_hex(8)
    starter = subprocess.run(
        [sys.executable, "-c", "from orchestration.lib import postgres; postgres.ensure_running()"],
        env={**os.environ, "A_SECRET": secret},
        capture_output=True,  # would wait for as long as anybody holds the other end
        timeout=60,
        check=True,
        start_new_session=True,
    )
    assert starter.stdout == b""
    pid = running_pid(Server(home / "postgres"))
    assert os.getsid(pid) != os.getsid(0)
    if Path("/proc").is_dir():
        assert secret.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_killed_postmaster_is_replaced_and_nothing_committed_is_lost(started: Server) -> None:
    kill_and_wait(running_pid(started))
    assert not postgres.status().running
    assert kept_rows() == 1


def test_a_backend_that_goes_on_without_its_postmaster_does_not_block_a_start(
    started: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "ORPHAN_SECONDS", 0.2)
    connection = psycopg.connect(postgres.database_url())
    backend = connection.info.backend_pid
    query = "select count(*) from generate_series(1, 1000000000)"
    busy = threading.Thread(target=_ignore_errors, args=(connection, query))
    busy.start()
    time.sleep(0.3)
    kill_and_wait(running_pid(started))
    assert not is_gone(backend)
    assert kept_rows() == 1
    busy.join(timeout=10)
    assert is_gone(backend)


def _ignore_errors(connection: psycopg.Connection[tuple[object, ...]], query: str) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute(query)


def test_a_stale_pid_file_does_not_block_a_start_though_another_process_has_the_pid(started: Server) -> None:
    pid_file = started.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    owner = pid_file.stat()
    postgres.stop()
    # A process of the very user that the server runs as: PostgreSQL itself would take it for a running server.
    with subprocess.Popen(["/bin/sleep", "60"], user=owner.st_uid) as other:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        assert not postgres.status().running
        assert kept_rows() == 1
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("content", ["", "not a pid\n", "1\n"])
def test_a_torn_pid_file_does_not_block_a_start(started: Server, content: str) -> None:
    postgres.stop()
    (started.data / "postmaster.pid").write_text(content)
    assert kept_rows() == 1


def test_a_half_made_data_directory_is_made_anew(home: Path) -> None:
    directory = home / "postgres"
    (directory / "data.new" / "base").mkdir(parents=True)
    (directory / "data" / "base").mkdir(parents=True)
    (directory / "data" / "PG_VERSION").write_text("18\n")
    (directory / "password.tmp").write_text("half of a pass")
    assert psycopg.connect(postgres.ensure_running()).info.status == psycopg.pq.ConnStatus.OK
    assert not (directory / "data.new").exists()
    assert [kept.name for kept in directory.glob("data.unusable-*/base")] == ["base"]


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.6])
def test_a_start_killed_at_any_moment_is_made_up_for_by_the_next(home: Path, seconds: float) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", "from orchestration.lib import postgres; postgres.ensure_running()"],
        start_new_session=True,
    )
    time.sleep(seconds)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    with psycopg.connect(postgres.ensure_running()) as connection:
        databases = {row[0] for row in connection.execute("select datname from pg_database").fetchall()}
    assert {"finops", "dagster"} <= databases


def test_a_database_whose_removal_was_broken_off_is_created_again(started: Server) -> None:
    with psycopg.connect(postgres.database_url(), autocommit=True) as connection:
        connection.execute("update pg_database set datconnlimit = -2 where datname = 'dagster'")
    postgres.ensure_running()
    with psycopg.connect(postgres.dagster_url().replace("+psycopg2", "")) as connection:
        assert connection.info.dbname == "dagster"


def test_a_taken_port_is_left_to_its_owner(started: Server) -> None:
    port = started.port()
    postgres.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        assert kept_rows() == 1
        assert started.port() != port
        assert urlsplit(postgres.database_url()).port == started.port()


def test_a_port_taken_between_look_and_start_is_tried_no_longer(
    started: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = started.port()
    postgres.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        monkeypatch.setattr(postgres_server, "_is_free", lambda _: True)
        assert kept_rows() == 1
        assert started.port() != port


def test_starts_at_once_make_one_server(home: Path) -> None:
    script = "from orchestration.lib import postgres; print(postgres.ensure_running(), postgres.status().pid)"
    starters = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outcomes = [starter.communicate(timeout=60) for starter in starters]
    assert [errors for _, errors in outcomes] == ["", "", ""]
    assert len({answer for answer, _ in outcomes}) == 1


def test_a_server_that_does_not_start_says_why(started: Server) -> None:
    postgres.stop()
    settings = started.data / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(f"{good}no_such_setting = 1\n")
    with pytest.raises(FinopsError, match=r"(?s)does not start: .*postgresql\.conf.*Its log is"):
        postgres.ensure_running()
    settings.write_text(good)


def test_a_database_of_another_release_is_not_touched(started: Server) -> None:
    postgres.stop()
    (started.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(FinopsError, match="is of PostgreSQL 17"):
        postgres.ensure_running()
    (started.data / "PG_VERSION").write_text("18\n")


def test_nothing_is_started_or_invented_where_no_server_was_made(home: Path) -> None:
    with pytest.raises(FinopsError, match="finops db start"):
        postgres.database_url()
    assert not postgres.status().running
    assert not (home / "postgres" / "data").exists()


def test_remove_leaves_nothing(home: Path) -> None:
    postgres.ensure_running()
    pid = running_pid(Server(home / "postgres"))
    postgres.remove()
    assert not (home / "postgres").exists()
    assert is_gone(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_root_with_a_closed_home_has_its_data_where_the_servers_user_can_work(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Path(tempfile.mkdtemp(prefix="finops-test-"))
    shared.chmod(0o755)
    monkeypatch.setattr(postgres_place, "SHARED_HOME", shared / "finops-platform")
    monkeypatch.setattr(postgres_place, "_can_run", lambda _user, _wheel: False)
    home.chmod(0o700)
    try:
        with psycopg.connect(postgres.ensure_running()) as connection:
            connection.execute("create table kept as select 1 as one")
        server = Server(home / "postgres")
        assert server.data.is_relative_to(shared)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        # Where the data is does not change any more, though the reason is gone.
        home.chmod(0o755)
        postgres.stop()
        assert kept_rows() == 1
        assert pwd.getpwuid(server.data.stat().st_uid).pw_name in postgres_place.SYSTEM_USERS
        postgres.remove()
        assert list((shared / "finops-platform").iterdir()) == []
    finally:
        shutil.rmtree(shared)


class TestExternalServer:
    """`FINOPS_DATABASE_URL`, with the session's server standing for somebody else's."""

    def test_dagster_gets_a_database_beside_the_warehouse(self, database: str, finops_home: Path) -> None:
        assert postgres.ensure_running() == database == postgres.database_url()
        assert postgres.ensure_running() == database
        name = urlsplit(database).path
        assert urlsplit(postgres.dagster_url()).path == f"{name}_dagster"
        with psycopg.connect(postgres.dagster_url().replace("+psycopg2", "")) as connection:
            assert f"/{connection.info.dbname}" == f"{name}_dagster"
        assert postgres.status().external
        assert not postgres.stop()
        assert not (finops_home / "postgres").exists()

    def test_a_wrong_password_is_one_error_without_the_password(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parts = urlsplit(database)
        wrong = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":not-the-password@"))
        monkeypatch.setenv(postgres.URL_VARIABLE, wrong.geturl())
        with pytest.raises(FinopsError) as caught:
            postgres.ensure_running()
        assert "authentication failed" in str(caught.value)
        assert "FINOPS_DATABASE_URL" in str(caught.value)
        assert "not-the-password" not in str(caught.value)

    def test_an_absent_server_is_one_error_that_names_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(postgres.URL_VARIABLE, "postgresql://me:hidden@127.0.0.1:1/bills")
        with pytest.raises(FinopsError, match=r"127\.0\.0\.1:1/bills.*Check the URL") as caught:
            postgres.ensure_running()
        assert "hidden" not in str(caught.value)

    def test_a_user_without_rights_is_told_what_an_administrator_can_do(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        role, password = f"test_{secrets.token_hex(4)}", secrets.token_hex(8)
        name = urlsplit(database).path.lstrip("/")
        as_role = sql.Identifier(role)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(sql.SQL("create role {} login password {}").format(as_role, sql.Literal(password)))
            address = urlsplit(database).netloc.split("@")[1]
            as_url = urlsplit(database)._replace(netloc=f"{role}:{password}@{address}").geturl()
            monkeypatch.setenv(postgres.URL_VARIABLE, as_url)
            try:
                with pytest.raises(FinopsError, match=f'grant create on database "{name}" to "{role}"'):
                    postgres.ensure_running()
                grant = sql.SQL("grant create on database {} to {}").format(sql.Identifier(name), as_role)
                connection.execute(grant)
                with pytest.raises(FinopsError, match=f'create database "{name}_dagster" owner "{role}"'):
                    postgres.ensure_running()
            finally:
                connection.execute(sql.SQL("drop owned by {}").format(as_role))
                connection.execute(sql.SQL("drop role {}").format(as_role))

    @pytest.mark.parametrize(
        ("url", "complaint"),
        [
            ("mysql://me:pass@host/bills", "scheme is 'mysql'"),
            ("postgresql://me:pass@host", "is missing"),
            ("postgresql:///bills", "is missing"),
            ("postgresql://me:pass/word@host/bills", "%-encoded"),
            ("postgresql://me:pass@host:port/bills", "port"),
            ("host=127.0.0.1 dbname=bills password=pass", "must look like"),
        ],
    )
    def test_an_unusable_url_says_what_is_wanted(
        self, url: str, complaint: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(postgres.URL_VARIABLE, url)
        with pytest.raises(FinopsError, match="postgresql://user:password@host") as caught:
            postgres.database_url()
        assert complaint in str(caught.value)
        assert "me:pass" not in str(caught.value)

    def test_a_driver_in_the_scheme_is_taken_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(postgres.URL_VARIABLE, "postgresql+psycopg://me:p%40ss@host/bills?sslmode=require")
        assert postgres.database_url() == "postgresql://me:p%40ss@host/bills?sslmode=require"
        assert postgres.dagster_url() == "postgresql+psycopg2://me:p%40ss@host/bills_dagster?sslmode=require"
        assert postgres.split_password(postgres.database_url()) == (
            "postgresql://me@host/bills?sslmode=require",
            "p@ss",
        )
