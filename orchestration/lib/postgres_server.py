"""The embedded PostgreSQL: made, started, found again and stopped.

A run may be killed at any moment, so nothing here trusts what it finds: the data directory is made beside its final
name and renamed, small files are replaced whole, and a pid in `postmaster.pid` counts only when that process is this
server. A lock file lets one process at a time make, start or stop it.
"""

import fcntl
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from orchestration.lib.errors import FinopsError
from orchestration.lib.postgres_place import MAJOR_VERSION, POINTER, Place, find_place
from orchestration.lib.postgres_processes import cluster_name, is_postmaster, orphans, starters
from orchestration.lib.postgres_tuning import machine_settings

HOST = "127.0.0.1"
ROLE = "finops"
# Below the range that outgoing connections draw from, so that a port once chosen is likely to stay free.
PORTS = range(15432, 15532)
# Crash recovery replays up to max_wal_size before the server answers.
START_SECONDS = 600
STOP_SECONDS = 60
ORPHAN_SECONDS = 5
LOG_BYTES = 20_000_000


class Server:
    """The server whose port and password files are in `home`, an existing directory."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.password_file = self.home / "password"
        self.port_file = self.home / "port"
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """Where data, log and programs are; looked up at the first use."""
        if self._place is None:
            self._place = find_place(self.home)
        return self._place

    @property
    def data(self) -> Path:
        """The data directory, found without asking whether the server's user can enter it."""
        pointer = self.home / POINTER
        return (Path(pointer.read_text().strip()) if pointer.exists() else self.home) / "data"

    def password(self) -> str:
        """The password of the role, as kept in the file.

        Raises:
            FinopsError: there is none, or this user may not read it.
        """
        try:
            return self.password_file.read_text().strip()
        except FileNotFoundError:
            raise FinopsError(f"there is no database in {self.home} yet: `finops db start` makes it") from None
        except PermissionError:
            raise FinopsError(
                f"the database in {self.home} belongs to another user: its password file may not be read"
            ) from None

    def port(self) -> int:
        """The port of the running server, else the one that it had last.

        Raises:
            FinopsError: it was never started.
        """
        running = self.running()
        if running is not None:
            return running[1]
        kept = self._kept_port()
        if kept is None:
            raise FinopsError(f"there is no database in {self.home} yet: `finops db start` makes it")
        return kept

    def running(self) -> tuple[int, int] | None:
        """(pid, port) of the running or starting server, None when there is none."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
        except (OSError, ValueError, IndexError):
            return None
        return (pid, port) if is_postmaster(pid, self.data) else None

    def start(self) -> None:
        """Start the server if it does not run; it is ready for connections on return, and outlives this process.

        Raises:
            FinopsError: it could not be made or started; the message has the end of its log.
        """
        with self._locked() as lock:
            if self._wait_until_ready():
                return
            while starters(self.data):
                time.sleep(0.05)
            if self._wait_until_ready():
                return
            self._make(lock)
            self._clear_remains()
            self._start()

    def stop(self) -> bool:
        """Stop the server, breaking off what still runs in it; False when it did not run."""
        with self._locked():
            running = self.running()
            if running is None:
                return False
            for mode in ("fast", "immediate"):
                arguments = ["stop", "-D", str(self.data), "-m", mode, "-w", "-t", str(STOP_SECONDS)]
                if self.place.command("pg_ctl", arguments).returncode == 0 or self.running() is None:
                    return True
            raise FinopsError(f"PostgreSQL (process {running[0]}) does not stop; its log is {self.place.log}")

    def remove(self) -> None:
        """Stop the server and delete it with all its data."""
        self.stop()
        with self._locked():
            self._clear_remains()
            if self.data.parent != self.home:
                shutil.rmtree(self.data.parent)
        shutil.rmtree(self.home)

    def _make(self, lock: int) -> None:
        place = self.place
        if (place.data / "global" / "pg_control").exists():
            found = (place.data / "PG_VERSION").read_text().strip()
            if found != MAJOR_VERSION:
                raise FinopsError(
                    f"the database in {place.data} is of PostgreSQL {found}, this release brings {MAJOR_VERSION}: "
                    f"keep the former release to dump it, or set FINOPS_HOME to a new directory"
                )
            return
        if place.data.exists():
            # Without pg_control no server ever ran on it. It is moved aside all the same: it might be somebody's.
            place.data.rename(place.data.with_name(f"data.unusable-{time.time_ns()}"))

        half_made = place.directory / "data.new"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        place.own(half_made)
        password_copy = place.directory / "password.new"
        _write(password_copy, self._keep_password())
        place.own(password_copy)
        # The builtin locale sorts by code point on every system: the same rows come in the same order everywhere.
        arguments = [
            f"--pgdata={half_made}",
            f"--username={ROLE}",
            f"--pwfile={password_copy}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ]
        try:
            # Should this process be killed, initdb goes on and writes: it keeps the lock as long as it does.
            result = place.command("initdb", arguments, keep_open=[lock])
        finally:
            password_copy.unlink()
        if result.returncode != 0:
            shutil.rmtree(half_made, ignore_errors=True)
            raise FinopsError(f"the database cannot be made in {place.directory}: {_last_line(result.stderr)}")
        with (half_made / "postgresql.conf").open("a") as settings:
            settings.write("\n# Written anew at every start; settings of your own go below this line.\n")
            settings.write("include = 'finops.conf'\n")
        half_made.rename(place.data)

    def _clear_remains(self) -> None:
        """Remove what a killed server left: processes without their parent, and a pid file that would block a start."""
        patience = time.monotonic() + ORPHAN_SECONDS
        while left := orphans(self.data):
            if time.monotonic() > patience:
                for orphan in left:
                    with suppress(psutil.NoSuchProcess):
                        orphan.kill()
            time.sleep(0.05)
        # PostgreSQL keeps out when the pid in the file is alive, whoever has it by now.
        with suppress(FileNotFoundError):
            (self.data / "postmaster.pid").unlink()

    def _start(self) -> None:
        place = self.place
        _write(place.data / "finops.conf", self._settings(), mode=0o644)
        if place.log.exists() and place.log.stat().st_size > LOG_BYTES:
            place.log.replace(place.log.with_name("log.1"))
        place.log.touch(mode=0o600)
        place.own(place.log)
        for port in self._free_ports():
            _write(self.port_file, f"{port}\n", mode=0o644)
            written = place.log.stat().st_size
            options = f"-c port={port}"
            arguments = ["start", "-D", str(place.data), "-l", str(place.log), "-o", options]
            result = place.command("pg_ctl", [*arguments, "-w", "-t", str(START_SECONDS)])
            if result.returncode == 0 or self._wait_until_ready():
                return
            with place.log.open(errors="replace") as log:
                log.seek(written)
                messages = log.read()
            # Another program may have taken the port since it was found free.
            if "could not bind" not in messages:
                detail = _last_line(messages) or _last_line(result.stderr)
                raise FinopsError(f"PostgreSQL does not start: {detail}\nIts log is {place.log}")
        raise FinopsError(f"PostgreSQL does not start: every port it tried was taken. Its log is {place.log}")

    def _settings(self) -> str:
        settings = {
            "listen_addresses": HOST,
            # A socket's path may have 107 bytes at most; a checkout's may be longer.
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            # Shown in the title of every process of the server: this is how orphans are known.
            "cluster_name": cluster_name(self.data),
            **machine_settings(self.place.directory),
        }
        return "".join(f"{name} = '{value}'\n" for name, value in settings.items())

    def _free_ports(self) -> Iterator[int]:
        kept = self._kept_port()
        for port in [*([kept] if kept else []), *PORTS]:
            if _is_free(port):
                yield port
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        yield port

    def _kept_port(self) -> int | None:
        try:
            return int(self.port_file.read_text())
        except (OSError, ValueError):
            return None

    def _keep_password(self) -> str:
        """The kept password, or a new one that is on the disk before any server knows it."""
        if not self.password_file.exists():
            _write(self.password_file, secrets.token_urlsafe(24))
        return self.password()

    def _wait_until_ready(self) -> bool:
        """Wait while the server starts; False when it does not run, or ends before it is ready."""
        deadline = time.monotonic() + START_SECONDS
        while self.running() is not None:
            # The eighth line is the state of the server: starting, ready, stopping.
            with suppress(OSError, IndexError):
                if (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready":
                    return True
            if time.monotonic() > deadline:
                raise FinopsError(f"PostgreSQL is not ready after {START_SECONDS} s. Its log is {self.place.log}")
            time.sleep(0.05)
        return False

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the lock of this server, and yield its open file; the system releases it with the last that holds it."""
        path = self.home / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            raise FinopsError(
                f"the database in {self.home} belongs to another user: {path} may not be opened"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As PostgreSQL does it: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _write(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Replace the file whole, so that a reader, or a crash, meets the former content or the new."""
    half_written = path.with_name(f"{path.name}.tmp")
    half_written.unlink(missing_ok=True)
    descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    half_written.replace(path)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    return (fatal or lines or [""])[-1]
