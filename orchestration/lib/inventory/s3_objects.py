"""S3 Inventory: lists of every object of a bucket, as rows of the list `buckets` by class and age.

Files may hold hundreds of millions of objects: they are read in batches, and only sums are kept.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import Storage, StoredFile

MANIFEST = "manifest.json"
AGES = (0, 15, 30, 45, 60, 75, 90, 120, 150, 180, 365, 730)
"""First ages in days of the rows: those of storage class analysis."""
_NEEDED = ("size", "lastmodifieddate", "storageclass")
_OPTIONAL = ("islatest", "isdeletemarker")
_DAY_MS = 86_400_000
_BATCH_ROWS = 1 << 18


@dataclass(frozen=True)
class _Manifest:
    key: str
    bucket: str
    created: datetime
    columns: tuple[str, ...]
    is_parquet: bool
    files: tuple[str, ...]


def object_lists(source_name: str, storage: Storage, files: Sequence[StoredFile]) -> tuple[list[Any], set[str]]:
    """Rows with where they are from, and the folders that their files are in. Of each bucket the newest list counts."""
    manifests = [
        _manifest(f"{source_name}: {file.key}", file.key, storage.read(file.key))
        for file in files
        if PurePosixPath(file.key).name == MANIFEST
    ]
    newest: dict[str, _Manifest] = {}
    for one in sorted(manifests, key=lambda one: (one.created, one.key)):
        newest[one.bucket] = one
    keys = [file.key for file in files]
    folders = {
        str(PurePosixPath(key).parent) for one in manifests for named in one.files if (key := _stored(named, keys))
    }
    rows = [
        (f"{source_name}: {one.key}", row)
        for _, one in sorted(newest.items())
        for row in _rows(source_name, storage, one, keys)
    ]
    return rows, folders


def _manifest(where: str, key: str, body: bytes) -> _Manifest:
    try:
        told = json.loads(body)
        created = datetime.fromtimestamp(int(told["creationTimestamp"]) / 1000, UTC)
        kind, schema = str(told["fileFormat"]).upper(), str(told["fileSchema"])
        files = tuple(str(one["key"]) for one in told["files"])
        bucket = str(told["sourceBucket"])
    except (ValueError, KeyError, TypeError) as error:
        raise FinopsError(f"{where}: is no manifest of S3 Inventory ({error}). Copy it again, or remove it.") from error
    if kind not in ("CSV", "PARQUET"):
        raise FinopsError(f"{where}: lists in the format {kind} cannot be read. Let S3 Inventory write CSV or Parquet.")
    columns = tuple(_plain(name) for name in schema.split(",")) if kind == "CSV" else ()
    return _Manifest(key, bucket, created, columns, kind == "PARQUET", files)


def _plain(name: str) -> str:
    """CSV has LastModifiedDate where Parquet has last_modified_date."""
    return name.strip().lower().replace("_", "")


def _stored(named: str, keys: Sequence[str]) -> str | None:
    """The file that a manifest names by its whole key, wherever it is beneath the location."""
    return next((key for key in keys if f"/{named}".endswith(f"/{key}") or key.endswith(f"/{named}")), None)


def _rows(source_name: str, storage: Storage, manifest: _Manifest, keys: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    held: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for named in manifest.files:
        key = _stored(named, keys)
        if key is None:
            raise FinopsError(f"{source_name}: {manifest.key} names {named}, which is not there. Copy the whole list.")
        with storage.local(key) as path:
            for batch in _batches(f"{source_name}: {key}", path, manifest):
                _add(batch, manifest.created, held)
    for (storage_class, part, band), (size, count) in sorted(held.items()):
        is_current = part == "current"
        yield {
            "resource_id": manifest.bucket,
            "observed_on": manifest.created.date(),
            "storage_class": storage_class,
            "part": part,
            "age_from_days": AGES[band] if is_current else None,
            "age_to_days": AGES[band + 1] if is_current and band + 1 < len(AGES) else None,
            "stored_bytes": size,
            "object_count": count,
        }


def _batches(where: str, path: Path, manifest: _Manifest) -> Iterator[pa.RecordBatch]:
    """The columns that are needed, under one name each."""
    try:
        if manifest.is_parquet:
            with pq.ParquetFile(path) as source:
                names = {_plain(name): name for name in source.schema_arrow.names}
                chosen = _chosen(where, list(names))
                for batch in source.iter_batches(_BATCH_ROWS, columns=[names[name] for name in chosen]):
                    yield batch.rename_columns([_plain(name) for name in batch.schema.names])
            return
        options = pa_csv.ConvertOptions(
            column_types={"size": pa.int64(), "lastmodifieddate": pa.timestamp("ms", "UTC"), "storageclass": pa.string(),
                          "islatest": pa.bool_(), "isdeletemarker": pa.bool_()},
            include_columns=_chosen(where, manifest.columns),
            strings_can_be_null=True,
        )  # fmt: skip
        reading = pa_csv.ReadOptions(column_names=list(manifest.columns))
        with pa_csv.open_csv(path, read_options=reading, convert_options=options) as reader:
            yield from reader
    except (pa.ArrowException, OSError, EOFError) as error:
        # A bucket, or a part of it, may have no objects.
        if str(error).startswith("Empty CSV file"):
            return
        raise FinopsError(f"{where}: cannot be read: {str(error).splitlines()[0]}. Copy it again.") from error


def _chosen(where: str, columns: Sequence[str]) -> list[str]:
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise FinopsError(
            f"{where}: the field {missing[0]} is missing. Let S3 Inventory list size, last modified date and storage class."
        )
    return [name for name in (*_NEEDED, *_OPTIONAL) if name in columns]


def _add(batch: pa.RecordBatch, created: datetime, held: dict[tuple[str, str, int], list[int]]) -> None:
    """Add a batch to the sums. Markers of deleted objects have no bytes; since when an old version is old is not told."""
    table = pa.Table.from_batches([batch])
    if "isdeletemarker" in table.column_names:
        table = table.filter(pc.invert(pc.fill_null(table["isdeletemarker"], False)))
    modified = table["lastmodifieddate"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
    midnight = int(datetime.combine(_next_day(created), datetime.min.time(), UTC).timestamp() * 1000)
    ages = np.maximum((midnight - modified - 1) // _DAY_MS, 0)
    bands = np.searchsorted(AGES, ages, side="right") - 1
    latest = (
        pc.fill_null(table["islatest"], True) if "islatest" in table.column_names else pa.array([True] * len(table))
    )
    grouped = pa.table({
        "storage_class": pc.fill_null(table["storageclass"], "STANDARD"),
        "part": pc.if_else(latest, "current", "noncurrent_versions"),
        "band": bands,
        "size": pc.fill_null(table["size"], 0),
    }).group_by(["storage_class", "part", "band"]).aggregate([("size", "sum"), ("size", "count")])  # fmt: skip
    for row in grouped.to_pylist():
        # All old versions are one row: their ages are not known.
        band = row["band"] if row["part"] == "current" else 0
        sums = held[row["storage_class"], row["part"], band]
        sums[0] += row["size_sum"]
        sums[1] += row["size_count"]


def _next_day(moment: datetime) -> date:
    return date.fromordinal(moment.date().toordinal() + 1)
