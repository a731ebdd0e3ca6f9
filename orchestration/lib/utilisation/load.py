"""Take in the files of a source of utilisation: those that are new or changed, each as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from orchestration.lib.config_utilisation import UtilisationSource
from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import Bucket, Folder, Storage, StoredFile, s3_client
from orchestration.lib.utilisation.digest import Digest
from orchestration.lib.utilisation.files import ENDINGS, read_measurements
from orchestration.lib.utilisation.tables import copy_digests, ensure_utilisation


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
    files = [file for file in storage.files() if file.key.endswith(ENDINGS)]
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
            points += _replace(connection, name, storage, file, version)
            loaded.append(file.key)
        except FinopsError as error:
            rejected.append(str(error))
    unchanged = len(files) - len(loaded) - len(rejected)
    return Taken(tuple(loaded), unchanged, len(gone), points, tuple(rejected))


def _replace(connection: psycopg.Connection[Any], name: str, storage: Storage, file: StoredFile, version: str) -> int:
    """Put what a file says in place of what it said before, in one transaction; returns the number of measurements."""
    digest = Digest(file.key)
    with connection.transaction(), storage.local(file.key) as path:
        connection.execute(
            "delete from raw.utilisation_files where source_name = %s and file_key = %s", [name, file.key]
        )
        row = connection.execute(
            "insert into raw.utilisation_files (source_name, file_key, version, point_count) values (%s, %s, %s, 0) returning file_id",
            [name, file.key, version],
        ).fetchone()
        assert row is not None
        for batch in read_measurements(path, file.key):
            # One stretch at a time: COPY keeps the connection, and what is held stays small.
            if parts := list(digest.add(batch)):
                copy_digests(connection, row[0], parts)
        copy_digests(connection, row[0], digest.rest())
        connection.execute(
            "update raw.utilisation_files set point_count = %s, first_day = %s, last_day = %s where file_id = %s",
            [digest.points, min(digest.days, default=None), max(digest.days, default=None), row[0]],
        )
    return digest.points
