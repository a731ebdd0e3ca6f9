"""Load one delivery: check it, copy it in parallel streams into new tables, and swap these in for the former delivery.

Until the swap, one transaction at the end, readers see the former delivery; a crash at any point leaves it as it was.
"""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.lib import ledger
from orchestration.lib.checks import check_batch
from orchestration.lib.deliveries import Delivery
from orchestration.lib.encoding import Day, Days, encode, line_column_names, total
from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Format
from orchestration.lib.interning import Interner
from orchestration.lib.readers import Batch, read_batches
from orchestration.lib.storage import Storage, StoredFile, sha256_of

STREAMS = 2
# Classes of errors of a database that cannot be reached or was shut down; an error without a code is of the connection.
_GONE = ("08", "57P")
Progress = Callable[[int], None]
ReadFile = Callable[[Path, str], Iterator[Batch]]


def quiet(_lines: int) -> None:
    """Progress that nobody watches."""


@dataclass
class Loaded:
    """What a load took in. `changed` is False where the delivery was the one already there."""

    source_name: str
    billing_period: date
    changed: bool
    line_count: int = 0
    ignored_columns: tuple[str, ...] = ()
    days: Days = field(default_factory=lambda: defaultdict(Day))


def load_delivery(
    database_url: str,
    storage: Storage,
    delivery: Delivery,
    format_: Format,
    *,
    source_name: str,
    constants: Mapping[str, str | None],
    settings: str = "",
    run_id: str | None = None,
    progress: Progress = quiet,
    read: ReadFile | None = None,
) -> Loaded:
    """Replace the scope of a delivery by its content, or leave everything as it was.

    `settings` is a text of whatever else decides how the files are loaded: the same files and settings again are a no-op.
    `progress` is called with the number of lines copied since it was last called, from several threads.
    `read`: gives the batches of a file from its path and its key; files are tables with a header where it is None.
    Raises FinopsError naming what is wrong with the delivery or the database; the ledger then holds the same text.
    """
    assert delivery.billing_period is not None, "a delivery without a billing period is rejected before it is loaded"
    loaded = Loaded(source_name, delivery.billing_period, changed=True)
    read = read or (lambda path, file: read_batches(path, format_, constants, file=file))
    with ledger.connect(database_url) as control:
        scope_id = ledger.scope_of(control, source_name, delivery.billing_period, format_.name)
        with ledger.scope_lock(control, scope_id):
            ledger.clear_leftovers(control, scope_id, format_)
            if ledger.is_current(control, scope_id, delivery.fingerprint):
                loaded.changed = False
                return loaded
            delivery_id = ledger.begin(control, scope_id, source_name, delivery, run_id)
            try:
                hashes = [_sha256(storage, file) for file in delivery.files]
                content_hash = sha256("\n".join([settings, *sorted(hashes)]).encode()).hexdigest()
                if ledger.same_content(control, scope_id, delivery_id, delivery.fingerprint, content_hash):
                    loaded.changed = False
                    return loaded
                _create_tables(control, format_, scope_id, delivery_id)
                lines = _load(database_url, control, storage, delivery, format_, delivery_id, read, loaded, progress)
                _refuse_repeats(delivery.files, hashes, lines)
                _finish_tables(control, format_, delivery_id)
                _verify(control, format_, delivery_id, loaded)
                files = [
                    {"key": file.key, "size": file.size, "sha256": sha256, "lines": count}
                    for file, sha256, count in zip(delivery.files, hashes, lines, strict=True)
                ]
                ledger.swap(
                    control, format_, scope_id, delivery_id, content_hash, files, loaded.days, loaded.ignored_columns
                )
            except psycopg.Error as error:
                raise _told(error, database_url, source_name, delivery, delivery_id, format_) from error
            except FinopsError as error:
                ledger.reject(database_url, format_, delivery_id, str(error))
                raise
    return loaded


def _told(
    error: psycopg.Error, database_url: str, source_name: str, delivery: Delivery, delivery_id: int, format_: Format
) -> FinopsError:
    """A database error in the words of a person who has to do something about it."""
    what = f"{source_name} {delivery.billing_period:%Y-%m}"
    if isinstance(error, psycopg.errors.DiskFull):
        text = f"{what}: the disk of the database is full. Free space and run again; the former delivery is as it was."
    elif isinstance(error, psycopg.errors.LockNotAvailable):
        text = (
            f"{what}: somebody has been reading this month for so long that it could not be replaced "
            f"({str(error).splitlines()[0]}). Run again; the former delivery is as it was."
        )
    elif isinstance(error, psycopg.OperationalError) and (error.sqlstate or _GONE[0]).startswith(_GONE):
        text = (
            f"{what}: the database went away during the load ({str(error).splitlines()[0]}). "
            "Start it (`finops db start`) and run again; the former delivery is as it was."
        )
    else:
        text = f"{what}: the database refused the load: {str(error).splitlines()[0]}. The former delivery is as it was."
    ledger.reject(database_url, format_, delivery_id, text)
    return FinopsError(text)


def _sha256(storage: Storage, file: StoredFile) -> str:
    with storage.local(file.key) as path:
        return sha256_of(path)


def _refuse_repeats(files: Sequence[StoredFile], hashes: Sequence[str], lines: Sequence[int]) -> None:
    """Two files of the same content would count its lines twice; parts without lines are alike and do no harm."""
    seen: dict[str, str] = {}
    for file, digest, count in zip(files, hashes, lines, strict=True):
        if count and digest in seen:
            raise FinopsError(
                f"{seen[digest]} and {file.key} have the same content, and the bill would count it twice. "
                "Remove one of them and deliver again."
            )
        seen[digest] = file.key


def _create_tables(control: psycopg.Connection, format_: Format, scope_id: int, delivery_id: int) -> None:
    for table in (format_.line_table, format_.attribute_table):
        new = ledger.delivery_table(table, delivery_id)
        control.execute(
            sql.SQL(
                "create table raw.{new} (like raw.{parent}, constraint {check} check (scope_id = {scope}))"
                " with (autovacuum_enabled = false)"
            ).format(
                new=sql.Identifier(new),
                parent=sql.Identifier(table),
                check=sql.Identifier(f"{new}_scope"),
                scope=sql.Literal(scope_id),
            )
        )
        control.execute(
            sql.SQL("alter table raw.{} alter column scope_id set default {}").format(
                sql.Identifier(new), sql.Literal(scope_id)
            )
        )


def _load(
    database_url: str,
    control: psycopg.Connection,
    storage: Storage,
    delivery: Delivery,
    format_: Format,
    delivery_id: int,
    read: ReadFile,
    loaded: Loaded,
    progress: Progress,
) -> list[int]:
    """Copy every file in; returns the number of lines of each."""
    lines = []
    ignored: set[str] = set()
    with _Streams(database_url, control, format_, delivery_id, loaded.days, progress) as streams:
        for file in delivery.files:
            count = 0
            with storage.local(file.key) as path:
                for batch in read(path, file.key):
                    streams.put(batch)
                    count += batch.rows
                    ignored.update(batch.ignored)
                streams.drain()
            lines.append(count)
    loaded.line_count = sum(lines)
    loaded.ignored_columns = tuple(sorted(ignored))
    if not loaded.line_count:
        raise FinopsError(
            f"{delivery.files[0].key}: the delivery has no rows. If it is meant, remove its files; else deliver it again."
        )
    return lines


class _Streams:
    """Threads that check, intern, encode and COPY batches, each over a connection and in a transaction of its own."""

    def __init__(
        self,
        database_url: str,
        control: psycopg.Connection,
        format_: Format,
        delivery_id: int,
        days: Days,
        progress: Progress,
    ) -> None:
        self._database_url, self._control, self._format, self._delivery_id = database_url, control, format_, delivery_id
        self._days, self._progress = days, progress
        self._batches: queue.Queue[Batch | None] = queue.Queue(maxsize=STREAMS)
        self._interner = Interner(format_)
        self._lock = threading.Lock()
        self._failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._work, name=f"copy-{n}") for n in range(STREAMS)]

    def __enter__(self) -> _Streams:
        for thread in self._threads:
            thread.start()
        return self

    def put(self, batch: Batch) -> None:
        self._batches.put(batch)
        self._raise_failure()

    def drain(self) -> None:
        """Wait until every batch that was put is copied."""
        self._batches.join()
        self._raise_failure()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._failures.append(FinopsError("stopped"))
        self._batches.put(None)
        for thread in self._threads:
            thread.join()
        if kind is None:
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failures:
            raise self._failures[0]

    def _work(self) -> None:
        try:
            with psycopg.connect(self._database_url, options=ledger.UTC) as connection, connection.cursor() as cursor:
                with cursor.copy(self._copy_statement()) as copy:
                    for batch in self._next_batches():
                        self._copy_batch(copy, batch)
                if self._failures:
                    connection.rollback()
        except Exception as error:  # noqa: BLE001 carried to the thread that reads, which raises it
            self._failures.append(error)
            for _ in self._next_batches():
                pass

    def _next_batches(self) -> Iterator[Batch]:
        """Batches until the end; after a failure anywhere they are taken and dropped, so that nobody waits for ever."""
        while True:
            batch = self._batches.get()
            try:
                if batch is None:
                    # The end is put back: for the other streams, and for this one, whose COPY may fail only now.
                    self._batches.put(None)
                    return
                if not self._failures:
                    yield batch
            finally:
                self._batches.task_done()

    def _copy_batch(self, copy: psycopg.Copy, batch: Batch) -> None:
        check_batch(batch, self._format)
        ids, fresh = self._interner.intern(batch)
        encoded, days = encode(batch, self._format, ids)
        copy.write(encoded)
        with self._lock:
            ledger.add_interned(self._control, self._format, self._delivery_id, fresh)
            for day, totals in days.items():
                self._days[day].add(totals)
        self._progress(batch.rows)

    def _copy_statement(self) -> sql.Composed:
        return sql.SQL("copy raw.{} ({}) from stdin (format csv)").format(
            sql.Identifier(ledger.delivery_table(self._format.line_table, self._delivery_id)),
            sql.SQL(", ").join(map(sql.Identifier, line_column_names(self._format))),
        )


def _finish_tables(control: psycopg.Connection, format_: Format, delivery_id: int) -> None:
    lines = sql.Identifier(ledger.delivery_table(format_.line_table, delivery_id))
    attributes = sql.Identifier(ledger.delivery_table(format_.attribute_table, delivery_id))
    # Only a delivery with more distinct attributes than are remembered repeats some; the same id is then the same content.
    control.execute(
        sql.SQL(
            "delete from raw.{t} a using raw.{t} b where a.attributes_id = b.attributes_id and a.ctid > b.ctid"
        ).format(t=attributes)
    )
    control.execute(sql.SQL("alter table raw.{} add primary key (scope_id, attributes_id)").format(attributes))
    control.execute(
        sql.SQL("create index on raw.{} using brin (charge_date) with (pages_per_range = 16)").format(lines)
    )
    for table in (lines, attributes):
        control.execute(sql.SQL("alter table raw.{} reset (autovacuum_enabled)").format(table))
        control.execute(sql.SQL("analyze raw.{}").format(table))


def _verify(control: psycopg.Connection, format_: Format, delivery_id: int, loaded: Loaded) -> None:
    """The tables must say what the files say, to the last digit."""
    billed, effective = (
        sql.SQL("sum({})").format(sql.Identifier(column)) if column else sql.SQL("0")
        for column in (format_.billed, format_.effective)
    )
    row = control.execute(
        sql.SQL("select count(*), {}, {} from raw.{}").format(
            billed,
            effective,
            sql.Identifier(ledger.delivery_table(format_.line_table, delivery_id)),
        )
    ).fetchone()
    said = total(loaded.days)
    expected = (loaded.line_count, said.billed, said.effective)
    if row != expected:
        raise FinopsError(
            f"the tables hold {row} where the files say {expected} (lines, billed, effective); nothing was replaced."
        )
