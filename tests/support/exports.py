"""The ways in which AWS lays out the bills that it delivers."""

import json
from collections.abc import Sequence

from tests.support.feed import Feed
from tests.support.lines import MONTH, Line, gzip_bytes

EXPORT = "billing/halden-cur2"
ASSEMBLY = "0f9d1c5e-2f6a-4b53-9e0d-6a2011037b1c"


def overwrite(feed: Feed, parts: Sequence[Sequence[Line]], *, month: str = MONTH, export: str = EXPORT) -> list[str]:
    """CUR 2.0 that keeps the newest files only; returns their keys."""
    return _data_export(feed, parts, month, export, "")


def create_new(feed: Feed, parts: Sequence[Sequence[Line]], execution: str, *, month: str = MONTH) -> list[str]:
    """CUR 2.0 that keeps the files of every execution; returns those of this one."""
    return _data_export(feed, parts, month, EXPORT, f"{execution}/")


def _data_export(feed: Feed, parts: Sequence[Sequence[Line]], month: str, export: str, execution: str) -> list[str]:
    name = export.rpartition("/")[2]
    keys = _write(feed, f"{export}/data/BILLING_PERIOD={month}/{execution}{name}", parts)
    manifest = {"exportName": name, "dataFiles": [f"s3://halden-exports/{key}" for key in keys]}
    feed.deliver(
        f"{export}/metadata/BILLING_PERIOD={month}/{execution}{name}-Manifest.json", json.dumps(manifest).encode()
    )
    return keys


def legacy(
    feed: Feed, parts: Sequence[Sequence[Line]], assembly: str = ASSEMBLY, *, report: str = "bills/cur"
) -> list[str]:
    """A legacy CUR of March 2025, whose manifest lies beside the assemblies and in each of them; returns its keys."""
    name = report.rpartition("/")[2]
    root = f"{report}/20250301-20250401"
    keys = _write(feed, f"{root}/{assembly}/{name}", parts)
    manifest = {
        "assemblyId": assembly,
        "billingPeriod": {"start": "20250301T000000.000Z", "end": "20250401T000000.000Z"},
        "bucket": "halden-exports",
        "reportKeys": keys,
    }
    for folder in (root, f"{root}/{assembly}"):
        feed.deliver(f"{folder}/{name}-Manifest.json", json.dumps(manifest).encode())
    return keys


def _write(feed: Feed, stem: str, parts: Sequence[Sequence[Line]]) -> list[str]:
    keys = [f"{stem}-{number:05d}.csv.gz" for number in range(1, len(parts) + 1)]
    for key, lines in zip(keys, parts, strict=True):
        feed.deliver(key, gzip_bytes(*lines))
    return keys
