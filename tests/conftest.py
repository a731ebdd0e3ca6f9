"""Fixtures of every test: a state directory, a server and databases of their own, and the folder of real data."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from orchestration.lib import paths, postgres


@pytest.fixture(scope="session", autouse=True)
def session_home() -> Iterator[Path]:
    """State directory of the test session, so that no test meets the user's: `FINOPS_HOME` points to it.

    Not below pytest's own directory: that one is closed to other users, and root's server runs as another user.
    """
    home = Path(tempfile.mkdtemp(prefix="finops-test-"))
    home.chmod(0o755)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FINOPS_HOME", str(home))
        # Empty asks for the sample organisation, though the user may have settings of their own.
        environment.setenv("FINOPS_CONFIG", "")
        environment.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
        yield home
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def warehouse_url(session_home: Path) -> Iterator[str]:
    """URL of a running server's warehouse: this session's embedded server, or `FINOPS_DATABASE_URL` if it is set."""
    # Fixtures of a wider scope than a test may have another state directory in force when this one is first used.
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FINOPS_HOME", str(session_home))
        url = postgres.ensure_running()
        external = postgres.is_external()
    if external:
        yield url
        return
    with postgres.connect(url, autocommit=True) as connection:
        # What tests write need not survive a power cut.
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    yield url
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FINOPS_HOME", str(session_home))
        postgres.remove()


@pytest.fixture
def database(warehouse_url: str) -> Iterator[str]:
    """URL of a new, empty database that is gone after the test, with the one that Dagster may have got beside it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with postgres.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield urlsplit(warehouse_url)._replace(path=f"/{name}").geturl()
    with postgres.connect(warehouse_url, autocommit=True) as connection:
        for dropped in (name, f"{name}_{postgres.DAGSTER}"):
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(dropped)))


@pytest.fixture
def finops_home(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new state directory whose warehouse is `database`: everything run in the test works there and nowhere else."""
    home = Path(tempfile.mkdtemp(prefix="finops-test-"))
    monkeypatch.setenv("FINOPS_HOME", str(home))
    monkeypatch.setenv(postgres.URL_VARIABLE, database)
    yield home
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real and published billing data: `FINOPS_REAL_DATA`, else `shared/data` beside the project."""
    configured = os.environ.get("FINOPS_REAL_DATA")
    folder = Path(configured) if configured else paths.project_root().parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set FINOPS_REAL_DATA to a folder that has it")
    return folder
