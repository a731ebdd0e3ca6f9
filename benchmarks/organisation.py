"""A month of an organisation with 40 pools and 500 owners, loaded and built: what its allocation and its close are measured on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.load import PERIOD
from orchestration.lib import dbt, postgres
from orchestration.lib.built_state import current_state, record_state
from orchestration.lib.config_models import Config
from orchestration.lib.config_store import store_config
from orchestration.lib.formats.registry import FORMATS
from orchestration.lib.ingest import find_deliveries, open_storage
from orchestration.lib.loader import load_delivery
from orchestration.lib.warehouse import ensure_warehouse

POOLS, OWNERS, ACCOUNTS, DAYS = 40, 500, 20, 30
SOURCE = "shared"
NEXT = date(2026, 10, 1)
# One line in so many is in a pool.
SHARED = 7
_CHUNK = 500_000
_COSTS = 100_003


def prepare(work: Path, lines: int) -> Config:
    """Write, load and build the month, and a day of the next, so that the month is over; returns its settings."""
    url = postgres.ensure_running()
    config = _config(work)
    with psycopg.connect(url, autocommit=True) as connection:
        ensure_warehouse(connection)
        for month, count in ((PERIOD, lines), (NEXT, POOLS)):
            _write(bill(work, month), month, count)
        (source,) = config.sources
        storage = open_storage(source, config.path, work)
        for delivery in find_deliveries(source, storage):
            load_delivery(url, storage, delivery, FORMATS["focus"], source_name=SOURCE, constants={})
        store_config(connection, config)
        state = current_state(connection)
        run_dbt(url, *dbt.BUILD_ARGUMENTS, "--exclude", dbt.THOROUGH)
        record_state(connection, state)
    return config


def bill(work: Path, month: date = PERIOD) -> Path:
    """The file of a month."""
    return work / SOURCE / f"{month:%Y-%m}" / "bill.parquet"


def run_dbt(url: str, *arguments: str) -> None:
    subprocess.run(
        [str(dbt.executable()), "--quiet", *arguments, "--project-dir", str(dbt.project_dir())],
        env={**os.environ, **dbt.environment(url)},
        check=True,
    )


def _config(work: Path) -> Config:
    rules: list[dict[str, Any]] = [
        {
            "name": f"pool {number}",
            "match": {"service_names": [f"pool {number}"]},
            "method": "proportional",
            "measure": "effective_cost",
        }
        for number in range(POOLS)
    ]
    return Config.model_validate(
        {
            "organization": {"name": "Bench", "first_billing_period": f"{PERIOD:%Y-%m}"},
            "sources": [{"name": SOURCE, "format": "focus", "location": SOURCE}],
            "tag_policy": {"keys": {"team": {}}},
            "teams": [{"name": f"team {number}", "cost_center": f"CC {number}"} for number in range(OWNERS)],
            "cost_allocation": {"rules": rules},
        },
        context={"path": work / "finops-config.yaml"},
    )


def _write(path: Path, month: date, lines: int) -> None:
    """Lines of every owner, service, account and day in turn, one in seven of a pool."""
    path.parent.mkdir(parents=True)
    texts = _texts(month)
    constants = _constants(month)
    schema = pa.schema(
        [(name, values.type) for name, values in texts.items()] + [(name, pa.string()) for name in constants]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, lines, _CHUNK):
            number = np.arange(begin, min(begin + _CHUNK, lines), dtype=np.int64)
            is_shared = number % SHARED == 0
            pool = number // SHARED % POOLS
            owner = number // DAYS % OWNERS
            day = number % (DAYS if month == PERIOD else 1)
            picked = {
                "ServiceName": np.where(is_shared, pool, POOLS + owner % POOLS),
                "SubAccountId": np.where(is_shared, pool, owner) % ACCOUNTS,
                "Tags": np.where(is_shared, OWNERS, owner),
                "ChargePeriodStart": day,
                "ChargePeriodEnd": day + 1,
            }
            cost = number * 7919 % _COSTS
            columns = {name: texts[name].take(pa.array(picked.get(name, cost))) for name in texts}
            columns |= {name: pa.array([value] * len(number)) for name, value in constants.items()}
            writer.write_table(pa.table(columns, schema=schema))


def _texts(month: date) -> Mapping[str, pa.Array]:
    """What a line has one of, by name."""
    moments = [f"{np.datetime64(month) + day}T00:00:00Z" for day in range(DAYS + 1)]
    costs = pa.array([Decimal(units) / 1000 for units in range(_COSTS)], pa.decimal128(18, 3))
    return {
        "ServiceName": pa.array([f"{kind} {number}" for kind in ("pool", "service") for number in range(POOLS)]),
        "SubAccountId": pa.array([f"{number:012}" for number in range(ACCOUNTS)]),
        "Tags": pa.array([f'{{"team": "team {number}"}}' for number in range(OWNERS)] + ["{}"]),
        "ChargePeriodStart": pa.array(moments),
        "ChargePeriodEnd": pa.array(moments),
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"), costs),
    }


def _constants(month: date) -> Mapping[str, str]:
    end = date(month.year, month.month + 1, 1)
    return {
        "BillingAccountId": "1",
        "BillingCurrency": "USD",
        "BillingPeriodStart": f"{month}T00:00:00Z",
        "BillingPeriodEnd": f"{end}T00:00:00Z",
        "ChargeCategory": "Usage",
        "ServiceCategory": "Compute",
        **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), "AWS"),
    }
