"""Lists of resources in files: JSON lines, CSV or Parquet, named after their list; and exports of S3 on its buckets."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.errors import FinopsError
from orchestration.lib.inventory.entries import Entry, checked
from orchestration.lib.inventory.lists import KEYS, LISTS
from orchestration.lib.inventory.s3_exports import export_of
from orchestration.lib.inventory.s3_objects import object_lists
from orchestration.lib.storage import Bucket, Folder, Storage, s3_client

_ENDINGS = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet")
Rows = Iterator[tuple[str, Mapping[str, Any]]]


def storage_of(source: InventorySource, config_path: Path, spool: Path) -> Storage:
    """The folder or bucket of a source; a relative folder is relative to the configuration."""
    assert source.location is not None
    if not source.location.startswith("s3://"):
        return Folder((config_path.parent / Path(source.location).expanduser()).resolve())
    bucket, _, prefix = source.location.removeprefix("s3://").partition("/")
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return Bucket(s3_client(source.endpoint_url, source.region), bucket, prefix, spool)


def read_lists(source_name: str, storage: Storage) -> dict[str, list[Entry]]:
    """Every list that the files of a source tell of. A file is of the list that it or its folder is named after.

    Raises FinopsError for a file that is of no list, and for whatever is wrong in one: then nothing of the source is taken.
    """
    files = list(storage.files())
    objects, folders = object_lists(source_name, storage, files)
    rows: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for file in files:
        if not file.key.endswith(_ENDINGS) or _is_object_list(file.key, folders):
            continue
        where = f"{source_name}: {file.key}"
        with storage.local(file.key) as path:
            found = list(rows_of_file(where, path))
        export = export_of(found[0][1].keys()) if found else None
        name = "buckets" if export else _list_of(where, file.key)
        if export:
            found = [(where, row) for row in export(PurePosixPath(file.key).parent.name, [row for _, row in found])]
        rows[name] = [*rows.get(name, []), *found]
    if objects:
        # What exports say of the same part of a bucket is more: they tell reads, or what is left of uploads.
        said = {_key(row) for _, row in rows.get("buckets", ())}
        rows["buckets"] = [*rows.get("buckets", ()), *(one for one in objects if _key(one[1]) not in said)]
    if not rows:
        raise FinopsError(
            f"{source_name}: no lists were found. Put files such as instances.jsonl there ({', '.join(LISTS)}; "
            f"{', '.join(_ENDINGS)}), or remove the entry from `inventory`."
        )
    return {name: checked(name, found) for name, found in rows.items()}


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What a row of buckets is told apart by, whether its file has numbers or texts."""
    values = (row.get(column) for column in KEYS["buckets"])
    return tuple("" if value is None else str(value) for value in values)


def _is_object_list(key: str, folders: Collection[str]) -> bool:
    """Whether a file lies with lists of objects, and is not named as another list."""
    path = PurePosixPath(key)
    return str(path.parent) in folders and path.name.split(".")[0] not in LISTS


def _list_of(where: str, key: str) -> str:
    path = PurePosixPath(key)
    name = next((part for part in (path.name.split(".")[0], *reversed(path.parent.parts)) if part in LISTS), None)
    if name is None:
        raise FinopsError(f"{where}: is of no list. Name the file or its folder after one: {', '.join(LISTS)}.")
    return name


def rows_of_file(where: str, path: Path) -> Rows:
    """Each row with where it is, counted from 1."""
    try:
        if path.name.endswith(".parquet"):
            rows: Iterator[Mapping[str, Any]] = iter(_parquet(path))
        else:
            rows = _text_rows(path)
        for number, row in enumerate(rows, start=1):
            yield f"{where}, row {number}", row
    except (OSError, EOFError) as error:
        raise FinopsError(f"{where}: cannot be read: {error}.") from error
    except (ValueError, csv.Error) as error:
        raise FinopsError(f"{where}: is not what its name says ({error}). Write it again.") from error


def _text_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with _open(path) as stream:
        if ".jsonl" not in path.name:
            yield from csv.DictReader(stream, strict=True)
            return
        for line in stream:
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("a line is no JSON object")
                yield row


def _open(path: Path) -> IO[str]:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(path, partitioning=None).to_pylist()
    return rows
