"""What several lists say of one bucket, put together: ages from one, reads from another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from ml.savings.holdings import Entry, bare

SPREAD = "reads_are_spread"
_READS = ("retrieved_bytes", "get_requests")


def by_bucket(entries: Iterable[Entry]) -> list[list[Entry]]:
    """The rows of each bucket, whose name is the same to every account.

    Where one list has the ages of a class and part, what others say of it is the same objects again, and left out: that which tells reads
    by age counts first, then the newest. Reads without ages are kept, and spread over all bytes alike where no list tells them by age.
    """
    buckets: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        buckets[bare(entry["resource_id"])].append(entry)
    return [list(_merged(rows)) for rows in buckets.values()]


def _merged(rows: Sequence[Entry]) -> Iterator[Entry]:
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for row in rows:
        groups[row["storage_class"], row["part"]].append(row)
    for group in groups.values():
        aged = [row for row in group if row.get("age_from_days") is not None]
        whole = [row for row in group if row.get("age_from_days") is None]
        if not aged:
            # Two lists of the whole are the same objects twice: the newest counts.
            yield max(whole, key=lambda row: row["observed_on"])
            continue
        reads = next((row for row in whole if row.get("retrieved_bytes") is not None), None)
        own = [row for row in aged if row.get("retrieved_bytes") is not None] or aged
        newest = max(row["observed_on"] for row in own)
        own = [row for row in own if row["observed_on"] == newest]
        yield from own if reads is None else _with_reads(own, reads)


def _with_reads(aged: Sequence[Entry], reads: Entry) -> Iterator[Entry]:
    """Rows with reads of their own keep them."""
    size = sum(row["stored_bytes"] for row in aged)
    for row in aged:
        if row.get("retrieved_bytes") is not None or not size:
            yield row
            continue
        share = Decimal(row["stored_bytes"]) / size
        told: dict[str, Any] = {name: Decimal(reads.get(name) or 0) * share for name in _READS}
        yield {**row, **told, "period_days": reads.get("period_days"), SPREAD: True}
