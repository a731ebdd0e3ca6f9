"""A source and the warehouse it is loaded into, driven in the way a run does it."""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql

from orchestration.lib.config_models import Config, Organization
from orchestration.lib.config_sources import Source
from orchestration.lib.deliveries import Delivery
from orchestration.lib.formats.registry import FORMATS
from orchestration.lib.ingest import Outcome, Rejected, find_deliveries, open_storage, take_in
from orchestration.lib.loader import Loaded
from orchestration.lib.storage import Storage

_CONNECTIONS: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}


class Feed:
    """A source of one format in the folder `root`, and the database that takes it in."""

    def __init__(
        self,
        database_url: str,
        root: Path,
        format_name: Literal["focus", "cur"] = "focus",
        *,
        name: str = "bill",
        constants: Mapping[str, str | None] | None = None,
        first_billing_period: str = "2018-01",
        location: str | None = None,
        **source: Any,
    ) -> None:
        self.url, self.root, self.format = database_url, root, FORMATS[format_name]
        self.root.mkdir(parents=True, exist_ok=True)
        self.source = Source(
            name=name, format=format_name, location=location or str(root), constants=dict(constants or {}), **source
        )
        self.config = Config(
            organization=Organization(name="Halden", first_billing_period=first_billing_period), sources=(self.source,)
        )

    def deliver(self, key: str, content: bytes) -> Path:
        """Write a file below the root."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def clear(self) -> None:
        """Remove every file, so that what is delivered next is the whole of what lies there."""
        shutil.rmtree(self.root)
        self.root.mkdir()

    def storage(self) -> Storage:
        return open_storage(
            self.source, self.root / "finops-config.yaml", self.root.with_name(f"{self.root.name}.spool")
        )

    def load(self, progress: Callable[[int], None] = lambda lines: None) -> list[Outcome]:
        """Take in all that lies there; returns what came of each delivery, by month."""
        storage = self.storage()
        return self.take(find_deliveries(self.source, storage), storage, progress)

    def take(
        self, deliveries: list[Delivery], storage: Storage, progress: Callable[[int], None] = lambda lines: None
    ) -> list[Outcome]:
        """Take in deliveries that were found before."""
        return take_in(self.url, self.config, self.source, deliveries, storage, progress=progress)

    def load_one(self, progress: Callable[[int], None] = lambda lines: None) -> Loaded:
        """Take in the one good delivery that lies there."""
        (outcome,) = self.load(progress)
        assert isinstance(outcome, Loaded), outcome
        return outcome

    def refuse_one(self, progress: Callable[[int], None] = lambda lines: None) -> str:
        """Take in the one bad delivery that lies there; returns the error."""
        (outcome,) = self.load(progress)
        assert isinstance(outcome, Rejected), outcome
        return outcome.error

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection().execute(query.encode(), parameters or None).fetchall()
        except psycopg.OperationalError:
            # The test has broken off the connections of the database, this one too.
            return self._connection(anew=True).execute(query.encode(), parameters or None).fetchall()

    def _connection(self, *, anew: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """One connection for all queries about a database: making one costs more than they do."""
        if anew or self.url not in _CONNECTIONS:
            _CONNECTIONS[self.url] = psycopg.connect(self.url, autocommit=True)
        return _CONNECTIONS[self.url]

    def value(self, query: str, *parameters: object) -> Any:
        ((value,),) = self.rows(query, *parameters)
        return value

    def lines(self, *columns: str, order_by: str = "1") -> list[tuple[Any, ...]]:
        """Columns (SQL over lines `l`, attributes `a`, scopes `s`) of what is loaded of this source."""
        return self.rows(
            f"select {', '.join(columns)} from raw.{self.format.line_table} as l"
            f" join raw.{self.format.attribute_table} as a using (scope_id, attributes_id)"
            f" join raw.scopes as s using (scope_id) where s.source_name = %s order by {order_by}",
            self.source.name,
        )

    def content(self) -> list[tuple[Any, ...]]:
        """Everything that is loaded of this source, the same for the same bill."""
        return self.lines("(to_jsonb(l) - 'scope_id')::text", "(to_jsonb(a) - 'scope_id')::text", order_by="1, 2")

    def map_of(self, column: str) -> list[Any]:
        """The maps of a column, line by line, those of no line left out."""
        return [
            row[0]
            for row in self.lines(
                f"(select m.map from raw.maps as m where m.map_id = a.{column}_id)",
                order_by="l.billed_cost" if self.format.name == "focus" else "l.line_item_unblended_cost",
            )
        ]

    def days(self) -> dict[str, tuple[Any, ...]]:
        """Day -> (lines, billed, effective, digest)."""
        found = self.rows(
            "select charge_date::text, line_count, billed_cost, effective_cost, digest from raw.delivery_days"
            " join raw.scopes using (scope_id) where source_name = %s",
            self.source.name,
        )
        return {day: tuple(rest) for day, *rest in found}

    def ledger(self) -> list[tuple[str, str | None]]:
        """(status, error) of every attempt, the oldest first."""
        return [
            (status, error)
            for status, error in self.rows(
                "select status, error from raw.deliveries where source_name = %s order by delivery_id", self.source.name
            )
        ]

    def leftovers(self) -> list[str]:
        """Tables of deliveries that are not current."""
        current = {str(row[0]) for row in self.rows("select delivery_id from raw.scopes where delivery_id is not null")}
        tables = [row[0] for row in self.rows("select tablename from pg_tables where schemaname = 'raw'")]
        return [name for name in tables if (match := re.search(r"_d(\d+)$", name)) and match[1] not in current]


def terminate_backends(url: str) -> None:
    """Break off every other connection of a database, as a crash of the server would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        )
