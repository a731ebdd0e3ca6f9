"""Take in the files of a source of utilisation: those that are new or changed, each as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa

from orchestration.lib.config import Config
from orchestration.lib.config_utilisation import UtilisationSource
from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import Bucket, Folder, Storage, s3_client
from orchestration.lib.utilisation.cloudwatch import client_of, measurements
from orchestration.lib.utilisation.digest import Digest
from orchestration.lib.utilisation.files import ENDINGS, read_measurements
from orchestration.lib.utilisation.hours import HourDigest, copy_hours
from orchestration.lib.utilisation.tables import copy_digests, ensure_utilisation

_SETTLING_DAYS = 2
"""Days in which CloudWatch may still complete what it says of a day."""


@dataclass(frozen=True)
class Taken:
    """What became of the files of a source. `rejected`: the error of each file that was refused; what it said before stays."""

    loaded: tuple[str, ...]
    unchanged: int
    removed: int
    points: int
    rejected: tuple[str, ...]


def storage_of(source: UtilisationSource, config_path: Path, spool: Path) -> Storage:
    """The folder or bucket of a source; a relative folder is relative to the configuration."""
    assert source.location is not None
    if not source.location.startswith("s3://"):
        return Folder((config_path.parent / Path(source.location).expanduser()).resolve())
    bucket, _, prefix = source.location.removeprefix("s3://").partition("/")
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return Bucket(s3_client(source.endpoint_url, source.region), bucket, prefix, spool)


def take_in_files(
    connection: psycopg.Connection[Any], name: str, storage: Storage, note: Callable[[str], None] = lambda _: None
) -> Taken:
    """Load what is new or changed, forget what is gone. The same files again change nothing."""
    ensure_utilisation(connection)
    try:
        files = [file for file in storage.files() if file.key.endswith(ENDINGS)]
    except FinopsError as error:
        # What cannot be listed is not gone: what it said stays, and other sources go on.
        return Taken((), 0, 0, 0, (f"{name}: {error}",))
    query = "select file_key, version from raw.utilisation_files where source_name = %s"
    known = dict(connection.execute(query, [name]).fetchall())
    gone = sorted(known.keys() - {file.key for file in files})
    with connection.transaction():
        connection.execute(
            "delete from raw.utilisation_files where source_name = %s and file_key = any(%s)", [name, gone]
        )
    loaded, rejected, points = [], [], 0
    for file in files:
        version = f"{file.size}/{file.version}"
        if known.get(file.key) == version:
            continue
        note(f"{name}: {file.key}")
        try:
            with storage.local(file.key) as path:
                points += _replace(connection, name, file.key, version, read_measurements(path, file.key))
            loaded.append(file.key)
        except FinopsError as error:
            rejected.append(str(error))
    unchanged = len(files) - len(loaded) - len(rejected)
    return Taken(tuple(loaded), unchanged, len(gone), points, tuple(rejected))


def take_in_days(
    connection: psycopg.Connection[Any],
    source: UtilisationSource,
    today: date,
    note: Callable[[str], None] = lambda _: None,
) -> Taken:
    """Ask CloudWatch for the days of the lookback that are not known yet, and again for those that may still change."""
    ensure_utilisation(connection)
    query = "select file_key, version from raw.utilisation_files where source_name = %s"
    known = dict(connection.execute(query, [source.name]).fetchall())
    loaded, rejected, points, unchanged = [], [], 0, 0
    client = client_of(source)
    for back in range(source.lookback_days, -1, -1):
        day = today - timedelta(days=back)
        version = "settled" if back > _SETTLING_DAYS else "open"
        if known.get(day.isoformat()) == "settled":
            unchanged += 1
            continue
        note(f"{source.name}: {day.isoformat()}")
        try:
            points += _replace(connection, source.name, day.isoformat(), version, measurements(source, client, day))
            loaded.append(day.isoformat())
        except FinopsError as error:
            # The next day would fail the same way, after the same wait.
            rejected.append(str(error))
            break
    return Taken(tuple(loaded), unchanged, 0, points, tuple(rejected))


def _replace(
    connection: psycopg.Connection[Any], name: str, key: str, version: str, batches: Iterable[pa.RecordBatch]
) -> int:
    """Put what a file says in place of what it said before, in one transaction; returns the number of measurements."""
    digest, hours = Digest(key), HourDigest()
    with connection.transaction():
        connection.execute("delete from raw.utilisation_files where source_name = %s and file_key = %s", [name, key])
        row = connection.execute(
            "insert into raw.utilisation_files (source_name, file_key, version, point_count) values (%s, %s, %s, 0) "
            "returning file_id",
            [name, key, version],
        ).fetchone()
        assert row is not None
        for batch in batches:
            # One stretch at a time: COPY keeps the connection, and what is held stays small.
            if parts := list(digest.add(batch)):
                copy_digests(connection, row[0], parts)
            hours.add(batch)
        copy_digests(connection, row[0], digest.rest())
        copy_hours(connection, row[0], hours)
        connection.execute(
            "update raw.utilisation_files set point_count = %s, first_day = %s, last_day = %s where file_id = %s",
            [digest.points, min(digest.days, default=None), max(digest.days, default=None), row[0]],
        )
    return digest.points


def take_in(
    connection: psycopg.Connection[Any], config: Config, spool: Path, note: Callable[[str], None] = lambda _: None
) -> list[Taken]:
    """Take in every source of the configuration. Sources that left the configuration are forgotten."""
    ensure_utilisation(connection)
    names = [source.name for source in config.utilisation]
    connection.execute("delete from raw.utilisation_files where source_name <> all(%s)", [names])
    today = datetime.now(UTC).date()
    return [
        take_in_files(connection, source.name, storage_of(source, config.path, spool), note)
        if source.location
        else take_in_days(connection, source, today, note)
        for source in config.utilisation
    ]
