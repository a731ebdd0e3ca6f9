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
from typing import Any, NamedTuple

from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import Storage, StoredFile

_DATA = (".csv", ".csv.gz", ".gz", ".parquet")
# Numbers in the random parts of a name are no months.
_RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,}", re.IGNORECASE)
_PERIODS = (
    re.compile(r"billing_?period=(\d{4})-?(\d{2})", re.IGNORECASE),
    re.compile(r"(?<!\d)(\d{4})(\d{2})\d{2}-\d{8}(?!\d)"),
    re.compile(r"(?<!\d)(\d{4})[-_]?(0[1-9]|1[0-2])(?!\d)"),
)


# A manifest that cannot be read is taken for the newest of its month, so that it is told and not passed over.
_NEWEST = "\uffff"


@dataclass(frozen=True)
class Delivery:
    """What was delivered for one billing month of a source: its files, or why they cannot be taken.

    `billing_period` is None only for a file that cannot be read to tell it.
    `fingerprint` changes when a file is added, removed or replaced.
    `part`: which of the things that its source delivers it is (see formats.registry.Reading).
    """

    billing_period: date | None
    files: tuple[StoredFile, ...]
    fingerprint: str
    problem: str | None = None
    part: str = ""


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
    told_by_rows: dict[date, set[PurePosixPath]] = defaultdict(set)
    unknown: dict[PurePosixPath, Delivery] = {}
    for file in files:
        if not file.key.lower().endswith(_DATA):
            continue
        period, folder = period_of_path(file.key), PurePosixPath(file.key).parent
        if period is None:
            try:
                period = period_of_rows(file)
            except FinopsError as error:
                unknown[PurePosixPath(file.key)] = _delivery(None, [file], str(error))
                continue
            told_by_rows[period].add(folder)
        months[period].append(file)

    def problem(month: date) -> str | None:
        # Without the file that cannot be read, a month that its rows tell may be half a bill.
        for key in unknown:
            if key.parent in told_by_rows[month]:
                return (
                    f"{month:%Y-%m}: waits for {key}, a file beside it that may belong to it and cannot be read. "
                    "Deliver that file again, or remove it."
                )
        return None

    return [*unknown.values(), *(_delivery(month, members, problem(month)) for month, members in months.items())]


def period_of_path(key: str) -> date | None:
    """The first day of the billing month that a path names, the deepest part first.

    >>> period_of_path("exports/BILLING_PERIOD=2026-10/part-0.parquet")
    datetime.date(2026, 10, 1)
    """
    for pattern in _PERIODS:
        for part in reversed(PurePosixPath(key).parts):
            match = pattern.search(_RANDOM.sub("", part))
            if match and 1 <= int(match[2]) <= 12 and 2000 <= int(match[1]) <= 2100:
                return date(int(match[1]), int(match[2]), 1)
    return None


class _Manifest(NamedTuple):
    """What a manifest lists, or why it cannot be read. The one of highest rank counts."""

    rank: tuple[int, str, str]
    file: StoredFile
    listed: list[str]
    problem: str | None


def _from_manifests(storage: Storage, manifests: Sequence[StoredFile], files: Sequence[StoredFile]) -> list[Delivery]:
    newest: dict[tuple[str, date], _Manifest] = {}
    unknown: list[Delivery] = []
    for file in manifests:
        period = period_of_path(file.key)
        try:
            content = json.loads(storage.read(file.key))
            period = _manifest_period(file.key, content)
            created, listed, problem = str(content.get("createdAt", "")), _listed_files(content), None
        except (FinopsError, ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"{file.key}: not a manifest that can be read ({error}). Deliver it again."
            if period is None:
                unknown.append(_delivery(None, [file], problem))
                continue
            created, listed = _NEWEST, []
        # A legacy report keeps copies beside each assembly's files: the one nearest the root is current. Exports that keep
        # every execution are told apart by when they were made.
        rank = (-len(PurePosixPath(file.key).parts), created, file.key)
        export = _export_of(file.key)
        if (export, period) not in newest or newest[export, period].rank < rank:
            newest[export, period] = _Manifest(rank, file, listed, problem)
    months: dict[date, list[StoredFile]] = defaultdict(list)
    problems: dict[date, str] = {}
    by_key = {file.key: file for file in files}
    for (_, period), manifest in newest.items():
        months[period].append(manifest.file)
        if manifest.problem:
            problems[period] = manifest.problem
        for name in manifest.listed:
            match = _resolve(name, by_key)
            if match is None:
                problems[period] = (
                    f"{manifest.file.key}: lists the file {name!r}, which was not delivered. "
                    "It may still be on its way; if not, deliver the export again."
                )
            else:
                months[period].append(match)
    return unknown + [_delivery(month, members, problems.get(month)) for month, members in months.items()]


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
    return [entry if isinstance(entry, str) else str(entry.get("key") or entry["path"]) for entry in listed]


def _resolve(listed: str, by_key: Mapping[str, StoredFile]) -> StoredFile | None:
    """The delivered file that a manifest means. It names the provider's bucket; the copy may lie below any part of that path."""
    parts = PurePosixPath(re.sub(r"^s3://[^/]+/", "", listed).lstrip("/")).parts
    for start in range(len(parts)):
        match = by_key.get("/".join(parts[start:]))
        if match is not None:
            return match
    tail = "/" + "/".join(parts)
    return next((file for key, file in by_key.items() if ("/" + key).endswith(tail)), None)


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
        advice = (
            "Set `organization.first_billing_period` in the configuration to take older months."
            if period < first_billing_period
            else "It has not begun yet: check the name of the file or folder."
        )
        raise FinopsError(
            f"{delivery.files[0].key}: billing period {period:%Y-%m} is outside {first_billing_period:%Y-%m} to "
            f"{last_billing_period:%Y-%m}. {advice}"
        )
