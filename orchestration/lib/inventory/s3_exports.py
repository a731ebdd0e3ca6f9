"""What S3 itself tells of its buckets: exports of storage class analysis and of Storage Lens, as rows of the list `buckets`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

Row = Mapping[str, Any]
Export = Callable[[str, Sequence[Row]], Iterator[Row]]
_MB = 1 << 20
_PERIOD_DAYS = 30
_PARTS = {
    "noncurrent_versions": ("NonCurrentVersionStorageBytes", "NonCurrentVersionObjectCount"),
    "incomplete_uploads": ("IncompleteMultipartUploadStorageBytes", "IncompleteMultipartUploadObjectCount"),
}


def export_of(columns: Collection[str]) -> Export | None:
    """How to read an export with these columns; None where it is none of them."""
    if {"ObjectAge", "Storage_MB", "DataRetrieved_MB"} <= set(columns):
        return _analysis
    if {"metric_name", "metric_value", "bucket_name", "storage_class"} <= set(columns):
        return _lens
    return None


def _analysis(bucket: str, rows: Sequence[Row]) -> Iterator[Row]:
    """Storage class analysis by age: what is stored on the last day, and what was read in the 30 days up to it.

    The file does not name its bucket, so its folder has to.
    """
    days = sorted({date.fromisoformat(row["Date"]) for row in rows})
    first = max(days[0], days[-1] - timedelta(days=_PERIOD_DAYS - 1))
    stored: dict[tuple[str, str], tuple[int, int]] = {}
    read: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        key, day = (row["StorageClass"], row["ObjectAge"]), date.fromisoformat(row["Date"])
        if key[1] == "ALL" or day < first:
            continue
        read[key][0] += int(_number(row["DataRetrieved_MB"]) * _MB)
        read[key][1] += int(_number(row["GetRequestCount"]))
        if day == days[-1]:
            stored[key] = int(_number(row["Storage_MB"]) * _MB), int(_number(row["ObjectCount"]))
    for (storage_class, age), (size, count) in sorted(stored.items()):
        low, _, high = age.rstrip("+").partition("-")
        yield {
            "resource_id": bucket,
            "observed_on": days[-1].isoformat(),
            "storage_class": storage_class,
            "part": "current",
            "age_from_days": int(low),
            "age_to_days": int(high) + 1 if high else None,
            "stored_bytes": size,
            "object_count": count,
            "retrieved_bytes": read[storage_class, age][0],
            "get_requests": read[storage_class, age][1],
            "period_days": (days[-1] - first).days + 1,
        }


def _lens(_: str, rows: Sequence[Row]) -> Iterator[Row]:
    """Storage Lens by bucket and class, on its last day. It tells no ages, but what is left of uploads and of old versions."""
    newest = max(row["report_date"] for row in rows)
    held: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    common: dict[str, Row] = {}
    for row in rows:
        if row["report_date"] == newest and row["record_type"] == "BUCKET" and row["storage_class"]:
            held[row["bucket_name"], row["storage_class"]][row["metric_name"]] = int(_number(row["metric_value"]))
            common[row["bucket_name"]] = {
                "resource_id": row["bucket_name"],
                "sub_account_id": row["aws_account_number"],
                "region_id": row["aws_region"],
                "observed_on": newest,
            }
    for (bucket, storage_class), metrics in sorted(held.items()):
        rest = [metrics.get("StorageBytes", 0), metrics.get("ObjectCount", 0)]
        for part, names in _PARTS.items():
            size, count = (metrics.get(name, 0) for name in names)
            rest = [max(rest[0] - size, 0), max(rest[1] - count, 0)]
            if size:
                yield {**common[bucket], **_part(storage_class, part, size, count)}
        yield {**common[bucket], **_part(storage_class, "current", *rest)}


def _part(storage_class: str, part: str, size: int, count: int) -> dict[str, Any]:
    return {"storage_class": storage_class, "part": part, "stored_bytes": size, "object_count": count}


def _number(value: object) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
