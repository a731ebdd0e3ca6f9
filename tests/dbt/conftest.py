"""Fixtures of the tests of the dbt project."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from orchestration.lib import dbt, postgres
from tests.dbt.ai import SECTIONS, deliver_ai
from tests.dbt.bills import deliver_all
from tests.dbt.project import Project


@pytest.fixture
def project(database: str, tmp_path: Path) -> Project:
    return Project(database, tmp_path)


_KEPT = "_kept"


@contextmanager
def new_database(warehouse_url: str, *, like: str = "template1") -> Iterator[str]:
    """URL of a copy of a database, which is gone afterwards. Nothing may be connected to the original.

    A copy of a kept database has the name under which that was built, where it is free.
    """
    name = like.partition(_KEPT)[0]
    with postgres.connect(warehouse_url, autocommit=True) as connection:
        if name == like or connection.execute("select from pg_database where datname = %s", [name]).fetchone():
            name = f"test_{uuid.uuid4().hex[:12]}"
        connection.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(like)))
    try:
        yield urlsplit(warehouse_url)._replace(path=f"/{name}").geturl()
    finally:
        _drop(warehouse_url, name)


@contextmanager
def kept_database(warehouse_url: str, url: str) -> Iterator[str]:
    """Put a database aside, and give its new name: that it was built under is in the SQL of its views.

    A copy of another name would make them all again in its first build, which no build of users does.
    """
    name = urlsplit(url).path.removeprefix("/")
    kept = f"{name}{_KEPT}_{uuid.uuid4().hex[:12]}"  # a copy of one that is kept may be kept as well
    with postgres.connect(warehouse_url, autocommit=True) as connection:
        rename = sql.SQL("alter database {} rename to {}")
        connection.execute(rename.format(sql.Identifier(name), sql.Identifier(kept)))
    try:
        yield kept
    finally:
        _drop(warehouse_url, kept)


def _drop(warehouse_url: str, name: str) -> None:
    with postgres.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def built_database(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database in which every delivery was taken in and built."""
    with new_database(warehouse_url) as url:
        project = Project(url, tmp_path_factory.mktemp("built"))
        deliver_all(project)
        project.build()
        with kept_database(warehouse_url, url) as name:
            yield name


@pytest.fixture
def built(warehouse_url: str, built_database: str, tmp_path: Path) -> Iterator[Project]:
    """A warehouse of its own in which every delivery was taken in and built."""
    with new_database(warehouse_url, like=built_database) as url:
        yield Project(url, tmp_path)


@pytest.fixture(scope="session")
def ai_database(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database with usage and bills of AI providers, built."""
    with new_database(warehouse_url) as url:
        project = Project(url, tmp_path_factory.mktemp("ai"))
        deliver_ai(project)
        project.build()
        with kept_database(warehouse_url, url) as name:
            yield name


@pytest.fixture
def ai_project(warehouse_url: str, ai_database: str, tmp_path: Path) -> Iterator[Project]:
    """A warehouse of its own with usage and bills of AI providers, built."""
    with new_database(warehouse_url, like=ai_database) as url:
        project = Project(url, tmp_path)
        project.configure(**SECTIONS)
        yield project


@pytest.fixture(scope="session")
def manifest(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What dbt reads in the project; a warning fails the test."""
    folder = tmp_path_factory.mktemp("dbt")
    own = {"DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs")}
    done = subprocess.run(
        [str(dbt.executable()), "parse", "--warn-error", "--no-partial-parse", "--project-dir", str(dbt.project_dir())],
        env={**os.environ, **dbt.environment(warehouse_url), **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: Mapping[str, Any] = json.loads((folder / "target" / "manifest.json").read_text())
    return found
