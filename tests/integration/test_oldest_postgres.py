"""The oldest PostgreSQL that is supported, as an external server with a user of few rights: the whole way from bills to reports."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from orchestration.lib import postgres
from orchestration.sample.generator import generate
from tests.integration.test_run import run

PROGRAMS = Path(f"/usr/lib/postgresql/{postgres.MINIMUM_VERSION}/bin")


@pytest.fixture
def oldest_server() -> Iterator[str]:
    """URL of an empty warehouse on such a server, owned by a user who may create databases and nothing else."""
    if not PROGRAMS.is_dir():
        pytest.skip(
            f"no PostgreSQL {postgres.MINIMUM_VERSION} in {PROGRAMS}: install the package of your system to run this test"
        )
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="finops-test-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def call(program: str, *arguments: str) -> None:
        command = [str(PROGRAMS / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    call("initdb", "--auth=trust", "--username=admin", "--encoding=UTF8", "--locale=C")
    options = f"-h 127.0.0.1 -p {port} -c unix_socket_directories= -c fsync=off"
    call("pg_ctl", "start", "--wait", "--options", options, "--log", str(folder / "log"))
    try:
        with psycopg.connect(f"postgresql://admin@127.0.0.1:{port}/postgres", autocommit=True) as connection:
            connection.execute("create role analyst login createdb password 'a b$c'")
            connection.execute("create database warehouse owner analyst")
        yield f"postgresql://analyst:a%20b%24c@127.0.0.1:{port}/warehouse"
    finally:
        call("pg_ctl", "stop", "--mode", "immediate")
        shutil.rmtree(folder)


def test_bills_become_reports(oldest_server: str, finops_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.URL_VARIABLE, oldest_server)
    truth = generate(finops_home / "bills", factor=0.02, months=2)
    done = run(finops_home / "bills" / "finops-config.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(oldest_server) as connection:
        row = connection.execute("select sum(line_count) from finops.cost_records").fetchone()
    assert row == (truth.lines + sum(total.lines for total in truth.ai_totals),)
    assert (finops_home / "reports" / "chargeback-2026-10.html").exists()
