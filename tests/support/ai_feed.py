"""A source that is fetched from a fake API, and the warehouse that takes it in, driven in the way a run does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.lib import paths
from orchestration.lib.ai.fetch import fetch
from orchestration.lib.config_models import Config, Organization
from orchestration.lib.config_sources import Source
from orchestration.lib.ingest import Outcome, Rejected, find_deliveries, open_storage, take_in
from tests.support.ai_server import ANTHROPIC_KEY, OPENAI_KEY, AiServer, ai_server

MONTH = date(2025, 10, 1)


@contextmanager
def server_with_keys(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[AiServer]:
    """A fake of both APIs, its keys in the environment, and a state directory without anything fetched."""
    monkeypatch.setenv("FINOPS_HOME", str(home))
    monkeypatch.setenv("FINOPS_PSEUDONYM_KEY", "a key of this test")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", OPENAI_KEY)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", ANTHROPIC_KEY)
    with ai_server() as server:
        yield server


class AiFeed:
    """A source of one API. `now`: when it is fetched; its month has days 1 to 3 then."""

    def __init__(self, database_url: str, format_name: Any, name: str, endpoint_url: str, **settings: Any) -> None:
        self.url = database_url
        self.source = Source(name=name, format=format_name, endpoint_url=endpoint_url, **settings)
        self.config = Config(
            organization=Organization(name="Halden", first_billing_period="2025-10"), sources=(self.source,)
        )
        self.now = datetime(2025, 10, 3, 12, 30, tzinfo=UTC)
        self.waits: list[float] = []

    @property
    def landing(self) -> Path:
        return paths.landing_dir(self.source.name)

    def fetch(self, *, only_open: bool = False) -> list[str]:
        """Fetch what is due; returns the errors."""
        errors = fetch(self.source, MONTH, {MONTH}, only_open=only_open, sleep=self.waits.append, now=self.now)
        return [str(error) for error in errors]

    def load(self) -> list[Outcome]:
        storage = open_storage(self.source, Path("finops-config.yaml"), paths.spool_dir())
        return take_in(self.url, self.config, self.source, find_deliveries(self.source, storage), storage)

    def run(self) -> list[Outcome]:
        """Fetch and load, where nothing may go wrong."""
        assert self.fetch() == []
        outcomes = self.load()
        assert not [one for one in outcomes if isinstance(one, Rejected)], outcomes
        return outcomes

    def refused(self) -> str:
        """Fetch and load, where the pages are refused; returns the error."""
        assert self.fetch() == []
        (error,) = [one.error for one in self.load() if isinstance(one, Rejected)]
        return error

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.landing).as_posix(): path.read_bytes()
            for path in sorted(self.landing.rglob("*.jsonl.gz"))
        }

    def usage(self, *columns: str) -> list[tuple[Any, ...]]:
        """Columns (SQL over records `l` and attributes `a`) of the usage that is loaded."""
        return self._lines("ai_usage_records", "ai_usage_attributes", "/usage", columns)

    def charges(self, *columns: str) -> list[tuple[Any, ...]]:
        """Columns (SQL over charges `l` and attributes `a`) of the charges that are loaded."""
        return self._lines("focus_charges", "focus_charge_attributes", "", columns)

    def ledger(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "select source_name, status, error, ignored_columns from raw.deliveries where split_part(source_name, '/', 1) = %s"
            " order by delivery_id",
            self.source.name,
        )

    def _lines(self, lines: str, attributes: str, part: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
        return self.rows(
            f"select {', '.join(columns)} from raw.{lines} as l join raw.{attributes} as a using (scope_id, attributes_id)"
            " join raw.scopes as s using (scope_id) where s.source_name = %s order by 1, 2",
            self.source.name + part,
        )

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, options="-c TimeZone=UTC") as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()


def map_of(column: str) -> str:
    """SQL for the map of a column."""
    return f"(select m.map from raw.maps as m where m.map_id = a.{column}_id)"
