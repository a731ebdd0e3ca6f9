"""Fixtures of tests that load small deliveries."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from orchestration.lib import postgres
from tests.support.feed import Feed


@pytest.fixture(scope="module")
def module_database(warehouse_url: str) -> Iterator[str]:
    """URL of a database that the tests of a module share; each of them uses a source of its own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with postgres.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield urlsplit(warehouse_url)._replace(path=f"/{name}").geturl()
    with postgres.connect(warehouse_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def source_name(request: pytest.FixtureRequest) -> str:
    """A name for a source that no other test of the module uses."""
    return re.sub(r"[^a-z]", "", request.function.__name__)[5:16] + uuid.uuid4().hex[:8]


@pytest.fixture
def feed(module_database: str, source_name: str, tmp_path: Path) -> Feed:
    """A FOCUS source of this test alone."""
    return Feed(module_database, tmp_path / "bill", name=source_name)


@pytest.fixture
def cur_feed(module_database: str, source_name: str, tmp_path: Path) -> Feed:
    """A CUR source of this test alone."""
    return Feed(module_database, tmp_path / "cur", "cur", name=f"{source_name}_cur")
