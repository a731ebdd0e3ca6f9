"""Pages of usage and cost APIs as they lie in the landing folder: what all of them have in common.

A file `<kind>/<YYYY-MM>/<YYYY-MM-DD>.jsonl.gz` has one page a line, and only buckets of its day.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Any, NoReturn

from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Format
from orchestration.lib.readers import Batch, batch_of

_KEY = re.compile(r"(?:.*/)?([a-z_]+)/\d{4}-\d\d/(\d{4}-\d\d-\d\d)\.jsonl\.gz")
_ROWS = 10_000
# Python rounds decimals to 28 digits unless told otherwise.
EXACT = Context(prec=200, traps=[Inexact])
_AGAIN = "Fetch or deliver the day again."


def keys_of(kinds: tuple[str, ...]) -> str:
    """A regular expression that the keys of these kinds match.

    >>> bool(re.search(keys_of(("costs",)), "costs/2026-10/2026-10-05.jsonl.gz"))
    True
    """
    return rf"(^|/)({'|'.join(kinds)})/\d{{4}}-\d\d/\d{{4}}-\d\d-\d\d\.jsonl\.gz$"


@dataclass(frozen=True)
class Bounds:
    """The bucket that a result is of."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> Decimal:
        return Decimal(int((self.end - self.start).total_seconds())) / 3600

    @property
    def month(self) -> datetime:
        """The start of the billing period."""
        return self.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    @property
    def next_month(self) -> datetime:
        return (self.month + timedelta(days=31)).replace(day=1)


@dataclass(frozen=True)
class Result:
    """One result of a bucket: its fields as JSON, decimals exact, and where it is."""

    kind: str
    bounds: Bounds
    fields: dict[str, Any]
    where: str
    prefix: str = ""

    def error(self, name: str, value: object, why: str) -> FinopsError:
        shown = str(value)
        shown = shown if len(shown) <= 80 else f"{shown[:80]}… ({len(shown)} characters)"
        return FinopsError(f"{self.where}, {self.prefix}{name}: {shown!r} {why}")

    def text(self, name: str) -> str | None:
        """A text; null, empty or left out is None."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, value, f"is no text. {_AGAIN}")
        return (value or "").strip() or None

    def count(self, name: str) -> int | None:
        """A count that is 0 or more; null or left out is None."""
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(name, value, f"is no whole number. {_AGAIN}")
        if value < 0:
            raise self.error(name, value, f"is negative; a count of usage cannot be. {_AGAIN}")
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A number, given as one or as its text, with every digit."""
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", value.strip()):
            return Decimal(value.strip())
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.error(name, value, f"is no number. {_AGAIN}")
        return Decimal(value)

    def within(self, name: str) -> Result:
        """The object in a field as a result of its own; null or left out is an empty one."""
        value = self.fields.get(name) or {}
        if not isinstance(value, dict):
            raise self.error(name, value, f"is no object. {_AGAIN}")
        return replace(self, fields=value, prefix=f"{self.prefix}{name}.")

    def each(self, name: str) -> Iterator[Result]:
        """The objects in a list; null or left out is an empty one."""
        for index, value in enumerate(self.fields.get(name) or []):
            if not isinstance(value, dict):
                raise self.error(name, value, f"is no object. {_AGAIN}")
            yield replace(self, fields=value, prefix=f"{self.prefix}{name}[{index}].")

    def unknown(self, known: frozenset[str]) -> tuple[dict[str, str], list[str]]:
        """What is reported beyond the fields of `known`: counts by name, and the names of all of it."""
        names = [name for name, value in self.fields.items() if name not in known and value not in (None, {}, [])]
        counts: dict[str, str] = {}
        for name in names:
            value = self.fields[name]
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                counts[name] = str(value)
            elif isinstance(value, dict):
                counts |= {f"{name}.{key}": count for key, count in self.within(name).unknown(frozenset())[0].items()}
        return counts, names


Row = dict[str, Any]
RowsOf = Callable[[Result], tuple[list[Row], list[str]]]
"""The rows of a result, and the names of its fields that the format does not know."""
BoundsOf = Callable[[dict[str, Any]], Bounds]


def read_rows(path: Path, file: str, format_: Format, bounds_of: BoundsOf, rows_of: RowsOf) -> Iterator[Batch]:
    """The batches of a file. Raises FinopsError naming file, page, bucket, result, field and value."""
    rows: list[Row] = []
    ignored: set[str] = set()
    first = 1
    for result in _results(path, file, bounds_of):
        found, unknown = rows_of(result)
        rows += found
        ignored.update(f"{result.kind}.{name}" for name in unknown)
        if len(rows) >= _ROWS:
            yield replace(batch_of(format_, rows, file=file, first_row=first), ignored=tuple(sorted(ignored)))
            first += len(rows)
            rows = []
    if rows:
        yield replace(batch_of(format_, rows, file=file, first_row=first), ignored=tuple(sorted(ignored)))


def _results(path: Path, file: str, bounds_of: BoundsOf) -> Iterator[Result]:
    match = _KEY.fullmatch(file)
    if match is None:
        raise FinopsError(f"{file}: is not named <kind>/<YYYY-MM>/<YYYY-MM-DD>.jsonl.gz, which tells what it holds.")
    kind, day = match[1], date.fromisoformat(match[2])
    seen: set[str] = set()
    for number, page in _pages(path, file):
        for bucket in page["data"]:
            at = f"{file}: page {number}"
            if not isinstance(bucket, dict):
                raise FinopsError(f"{at}: {bucket!r} is no bucket. {_AGAIN}")
            try:
                bounds = bounds_of(bucket)
            except (KeyError, ValueError, TypeError, OverflowError) as error:
                raise FinopsError(
                    f"{at}: a bucket without a start and end that can be read ({error}). {_AGAIN}"
                ) from None
            at = f"{at}, bucket {bounds.start:%Y-%m-%dT%H:%M:%SZ}"
            if bounds.start.date() != day or bounds.end <= bounds.start:
                raise FinopsError(
                    f"{at} to {bounds.end:%Y-%m-%dT%H:%M:%SZ}: not of the day that the file is named after. It would be "
                    f"counted in two files. {_AGAIN}"
                )
            results = bucket.get("results", [bucket])
            if not isinstance(results, list):
                raise FinopsError(f"{at}: results is no list. {_AGAIN}")
            for index, fields in enumerate(results, start=1):
                where = f"{at}, result {index}"
                if not isinstance(fields, dict):
                    raise FinopsError(f"{where}: {fields!r} is no object. {_AGAIN}")
                identity = f"{bounds.start}{json.dumps(fields, sort_keys=True, default=str)}"
                if identity in seen:
                    raise FinopsError(f"{where}: is there twice, and would be counted twice. {_AGAIN}")
                seen.add(identity)
                yield Result(kind, bounds, fields, where)


def _pages(path: Path, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                page = parse(line)
                if not isinstance(page, dict) or not isinstance(page.get("data"), list):
                    raise FinopsError(f"{file}: page {number} has no list `data`. {_AGAIN}")
                yield number, page
    except (EOFError, OSError, zlib.error) as error:
        raise FinopsError(f"{file}: the gzip stream is cut off or damaged ({error}). {_AGAIN}") from error
    except UnicodeDecodeError as error:
        raise FinopsError(f"{file}: is not UTF-8 ({error.reason}). {_AGAIN}") from error
    except ValueError as error:
        raise FinopsError(f"{file}: a page is not whole JSON ({error}). {_AGAIN}") from error


def parse(text: str) -> Any:
    """JSON with decimals exact. Raises ValueError, also for NaN and Infinity."""
    return _DECODER.decode(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)


def rfc3339(text: str) -> datetime:
    """A time in UTC, whatever its zone. Raises ValueError where it has none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def charge_columns(*, provider: str, service: str, account: str, currency: str, amount: Decimal, bounds: Bounds) -> Row:
    """What every charge of an AI provider has in FOCUS. No discount or commitment is told, so all four costs are the amount."""
    return {
        "charge_period_start": bounds.start,
        "charge_period_end": bounds.end,
        "billing_period_start": bounds.month,
        "billing_period_end": bounds.next_month,
        **dict.fromkeys(("billed_cost", "effective_cost", "contracted_cost", "list_cost"), amount),
        "billing_account_id": account,
        "billing_currency": currency,
        "charge_category": "Usage",
        "charge_frequency": "Usage-Based",
        **dict.fromkeys(("service_provider_name", "host_provider_name", "invoice_issuer_name"), provider),
        "service_category": "AI and Machine Learning",
        "service_subcategory": "Generative AI",
        "service_name": service,
    }


def currency_of(result: Result, allowed: tuple[str, ...] | None, source_name: str) -> str:
    """The currency of a cost line, in upper case. Raises FinopsError for one that is not among the settings."""
    currency = (result.text("currency") or "").upper()
    if currency not in (allowed or ("USD",)):
        why = (
            f"is a currency that is not configured. Add it to `currencies` of the source {source_name}, if it is meant."
        )
        raise result.error("currency", currency, why)
    return currency
