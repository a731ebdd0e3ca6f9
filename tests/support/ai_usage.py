"""Usage of AI models in its normal form, taken in by the loader, and prices for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from orchestration.lib.deliveries import Delivery, discover
from orchestration.lib.formats.ai_usage import AI_USAGE
from orchestration.lib.loader import Loaded, load_delivery
from orchestration.lib.readers import Batch, batch_of
from orchestration.lib.storage import Folder

Record = dict[str, Any]
_TIMES = ("usage_start", "usage_end", "billing_period_start")


def record(time: str = "2025-03-04T05:00:00", **columns: Any) -> Record:
    """An hour of usage of gpt-4o, with some columns changed or added."""
    start = datetime.fromisoformat(time).replace(tzinfo=UTC)
    return {
        "usage_start": start.isoformat(),
        "usage_end": start.isoformat(),
        "billing_period_start": start.replace(day=1, hour=0, minute=0).isoformat(),
        "provider": "openai",
        "operation": "completions",
        "model": "gpt-4o",
        "project_id": "proj_1",
        **columns,
    }


def deliver_usage(url: str, folder: Path, source: str, records: Sequence[Record], month: str = "2025-03") -> Loaded:
    """Replace a month of the usage of a source, by the loader that real deliveries go through."""
    root = folder / f"{source}-usage"
    (root / month).mkdir(parents=True, exist_ok=True)
    (root / month / "usage.csv").write_text("\n".join(json.dumps(row) for row in records))

    def never(_file: object) -> date:
        raise AssertionError("the folder names the month")

    delivery: Delivery = next(
        one for one in discover(Folder(root), never) if one.billing_period == date.fromisoformat(f"{month}-01")
    )
    return load_delivery(url, Folder(root), delivery, AI_USAGE, source_name=f"{source}/usage", constants={}, read=_read)


def _read(path: Path, file: str) -> Iterator[Batch]:
    rows = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    for row in rows:
        row.update({name: datetime.fromisoformat(row[name]) for name in _TIMES})
    yield batch_of(AI_USAGE, rows, file=file, first_row=1)


def set_prices(
    url: str,
    model: str,
    prices: dict[str, str],
    *,
    provider: str = "openai",
    tier: str = "standard",
    version: str = "v1",
    discount: str = "0",
    valid_from: str = "0001-01-01",
    valid_to: str = "9999-12-31",
) -> None:
    """Add prices of one unit by class. `discount`: the share that is taken off them."""
    with psycopg.connect(url) as connection:
        for name, price in prices.items():
            row = (
                *(provider, model, tier, name),
                *(Decimal(price) * (1 - Decimal(discount)), Decimal(price), Decimal(discount)),
                *(version, "catalogue", valid_from, valid_to),
            )
            connection.execute(
                "insert into config.ai_prices (provider, model, service_tier, price_class, unit_price, list_unit_price,"
                " discount, price_version, origin, valid_from, valid_to)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                row,
            )
