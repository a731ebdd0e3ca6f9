"""Find what a provider has delivered: which files make up each billing month of a source."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import Storage, StoredFile

_DATA = (".csv", ".csv.gz", ".gz", ".parquet")
_PERIODS = (
    re.compile(r"billing_?period=(\d{4})-?(\d{2})", re.IGNORECASE),
    re.compile(r"(?<!\d)(\d{4})(\d{2})\d{2}-\d{8}(?!\d)"),
    re.compile(r"(?<!\d)(\d{4})[-_]?(0[1-9]|1[0-2])(?!\d)"),
)


@dataclass(frozen=True)
class Delivery:
    """What was delivered for one billing month of a source: its files, or why they cannot be taken.

    `billing_period` is None only for a file that cannot be read to tell it.
    `fingerprint` changes when a file is added, removed or replaced.
    """

    billing_period: date | None
    files: tuple[StoredFile, ...]
    fingerprint: str
    problem: str | None = None


def discover(storage: Storage, period_of_rows: Callable[[StoredFile], date]) -> list[Delivery]:
    """The deliveries below a root, by month.

    With manifests (AWS Data Exports, legacy CUR) these say which files count, and each export's newest one for a month wins.
    Without, every data file below a folder or with a name that holds a month (`BILLING_PERIOD=2026-10`, `20261001-20261101`,
    `2026-10`) belongs to that month; where no part of a path does, `period_of_rows` tells it.
    """
    files = storage.files()
    manifests = [file for file in files if file.key.lower().endswith("manifest.json")]
    found = _from_manifests(storage, manifests, files) if manifests else _from_paths(files, period_of_rows)
    return sorted(found, key=lambda delivery: delivery.billing_period or date.min)


def _from_paths(files: Sequence[StoredFile], period_of_rows: Callable[[StoredFile], date]) -> list[Delivery]:
    months: dict[date, list[StoredFile]] = defaultdict(list)
    problems: list[Delivery] = []
    for file in files:
        if not file.key.lower().endswith(_DATA):
            continue
        try:
            months[period_of_path(file.key) or period_of_rows(file)].append(file)
        except FinopsError as error:
            problems.append(_delivery(None, [file], str(error)))
    return problems + [_delivery(month, members) for month, members in months.items()]


def period_of_path(key: str) -> date | None:
    """The first day of the billing month that a path names, the deepest part first.

    >>> period_of_path("exports/BILLING_PERIOD=2026-10/part-0.parquet")
    datetime.date(2026, 10, 1)
    """
    for pattern in _PERIODS:
        for part in reversed(PurePosixPath(key).parts):
            match = pattern.search(part)
            if match and 1 <= int(match[2]) <= 12 and 2000 <= int(match[1]) <= 2100:
                return date(int(match[1]), int(match[2]), 1)
    return None


def _from_manifests(storage: Storage, manifests: Sequence[StoredFile], files: Sequence[StoredFile]) -> list[Delivery]:
    newest: dict[tuple[str, date], tuple[tuple[Any, ...], StoredFile, Mapping[str, Any]]] = {}
    problems: list[Delivery] = []
    for file in manifests:
        try:
            manifest = json.loads(storage.read(file.key))
            period = _manifest_period(file.key, manifest)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(
                _delivery(period_of_path(file.key), [file], f"{file.key}: not a manifest that can be read ({error}). Deliver it again.")
            )
            continue
        # A legacy report keeps copies beside each assembly's files: the one nearest the root is current. Exports that keep
        # every execution are told apart by when they were made.
        rank = (-len(PurePosixPath(file.key).parts), str(manifest.get("createdAt", "")), file.key)
        export = _export_of(file.key)
        if (export, period) not in newest or newest[export, period][0] < rank:
            newest[export, period] = (rank, file, manifest)
    months: dict[date, list[StoredFile]] = defaultdict(list)
    missing: dict[date, str] = {}
    for (_, period), (_, manifest_file, manifest) in newest.items():
        months[period].append(manifest_file)
        for listed in _listed_files(manifest):
            match = _resolve(listed, files)
            if match is None:
                missing[period] = (
                    f"{manifest_file.key}: lists the file {listed!r}, which was not delivered. "
                    "It may still be on its way; if not, deliver the export again."
                )
            else:
                months[period].append(match)
    return problems + [_delivery(month, members, missing.get(month)) for month, members in months.items()]


def _manifest_period(key: str, manifest: Mapping[str, Any]) -> date:
    legacy = manifest.get("billingPeriod")
    if isinstance(legacy, Mapping):
        text = re.sub(r"\D", "", str(legacy["start"]))
        return date(int(text[:4]), int(text[4:6]), 1)
    period = period_of_path(key)
    if period is None:
        raise KeyError("it names no billing period, nor does its path")
    return period


def _export_of(key: str) -> str:
    """What stays the same for one export over months and executions: the path before the period, and the manifest's name."""
    parts = PurePosixPath(key).parts
    before = []
    for part in parts[:-1]:
        if part == "metadata" or any(pattern.search(part) for pattern in _PERIODS):
            break
        before.append(part)
    return "/".join([*before, parts[-1]])


def _listed_files(manifest: Mapping[str, Any]) -> list[str]:
    listed = manifest.get("dataFiles") or manifest.get("reportKeys") or []
    return [entry if isinstance(entry, str) else str(entry.get("key") or entry.get("path")) for entry in listed]


def _resolve(listed: str, files: Sequence[StoredFile]) -> StoredFile | None:
    """The delivered file that a manifest means. It names the provider's bucket; the copy may lie below any part of that path."""
    by_key = {file.key: file for file in files}
    parts = PurePosixPath(re.sub(r"^s3://[^/]+/", "", listed).lstrip("/")).parts
    for start in range(len(parts)):
        match = by_key.get("/".join(parts[start:]))
        if match is not None:
            return match
    tail = "/" + "/".join(parts)
    return next((file for file in files if ("/" + file.key).endswith(tail)), None)


def _delivery(period: date | None, files: Sequence[StoredFile], problem: str | None = None) -> Delivery:
    ordered = sorted(set(files), key=lambda file: file.key)
    text = "\n".join(f"{file.key}\t{file.size}\t{file.version}" for file in ordered)
    data = tuple(file for file in ordered if not file.key.lower().endswith("manifest.json"))
    if problem is None and not data:
        problem = f"{ordered[0].key}: lists no data files. Deliver the export again."
    return Delivery(period, data, sha256(text.encode()).hexdigest(), problem)


def check_delivery(delivery: Delivery, first_billing_period: date, last_billing_period: date) -> None:
    """Raise FinopsError for a delivery that cannot be taken: incomplete, or of a month outside the configured range."""
    if delivery.problem:
        raise FinopsError(delivery.problem)
    period = delivery.billing_period
    if period is not None and not first_billing_period <= period <= last_billing_period:
        raise FinopsError(
            f"{delivery.files[0].key}: billing period {period:%Y-%m} is outside {first_billing_period:%Y-%m} to "
            f"{last_billing_period:%Y-%m}. Set `organization.first_billing_period` in the configuration to take older months."
        )
