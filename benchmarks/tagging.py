"""The resolution of virtual tags, against one plain pass of every pattern over the same names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.load import PERIOD, load_folder
from benchmarks.measure import Measurement, statement_seconds, timed
from orchestration.lib import dbt, postgres
from orchestration.lib.config_models import Config
from orchestration.lib.config_store import store_config

RULES = 200
# Every pattern on every name takes minutes beyond this; what it takes for more is in proportion.
PLAIN_NAMES = 20_000
MONTH = f"{PERIOD:%Y-%m}"
# Names that the rules know make half of all; the rest matches nothing, which takes as long.
TEAMS = 2 * RULES
MODELS = (
    "int_tag_sets_canonical",
    "int_tag_subjects",
    "int_virtual_tag_matches",
    "int_virtual_tags",
    "int_charge_owners",
)
_PLAIN = """
    create temporary table plain as
    select patterns.pattern, names.value
    from (
        select distinct rules.value -> 'match' -> 0 ->> 'pattern' as pattern
        from config.sections, jsonb_array_elements(content -> 'rules') as rules (value)
        where section = 'virtual_tags' and superseded_at is null
    ) as patterns
    cross join lateral (select resource_id as value from bench_names where resource_id ~ pattern offset 0) as names
"""


def measure(work: Path, resources: int) -> list[Measurement]:
    """Load a month of one line a resource, resolve it with 200 rules, deliver it again with one more and resolve again."""
    folder, url = work / "tagging", postgres.ensure_running()
    with psycopg.connect(url) as connection:
        store_config(connection, _config())
    _deliver(folder, resources)
    _dbt(url, *dbt.BUILD_ARGUMENTS)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "create table bench_names as"
            " select distinct resource_id from intermediate.int_tag_subjects order by resource_id limit %s",
            [PLAIN_NAMES],
        )
        with timed() as plain:
            connection.execute(_PLAIN)
        connection.execute("drop table bench_names")
    with statement_seconds(url) as full:
        _dbt(url, "run", "--full-refresh", "--select", *MODELS)
    _deliver(folder, resources + 1)
    with statement_seconds(url) as again:
        _dbt(url, "run", "--select", *MODELS)
    _half_is_owned(url, resources + 1)
    names = min(PLAIN_NAMES, resources)
    all_plain = plain.seconds * resources / names
    what = f"owners of {resources:,} resources by {RULES} rules"
    return [
        Measurement(
            what,
            f"{full.seconds:.1f} s",
            f"each pattern on each of {names:,} names {plain.seconds:.1f} s, so {all_plain:.0f} s",
            f"{full.seconds / all_plain:.2f}",
            "≤ 2",
        ),
        Measurement(
            f"{what}, one of them new",
            f"{again.seconds:.1f} s",
            f"all new {full.seconds:.1f} s",
            f"{again.seconds / full.seconds:.3f}",
            "to know",
        ),
    ]


def _config() -> Config:
    teams = [{"name": f"team{number}", "cost_center": f"CC{number}"} for number in range(TEAMS)]
    rules: list[dict[str, Any]] = [
        {
            "name": f"rule {number}",
            "match": {
                "resource_id": f"^arn:aws:[a-z]+:[a-z0-9-]+:[0-9]+:[a-z]+/(team{number})-([a-z]+[0-9]+)-(prod|test)$"
            },
            "set": {"team": "\\1", "project": "\\2", "environment": "\\3"},
        }
        for number in range(RULES)
    ]
    return Config.model_validate(
        {
            "organization": {"name": "Bench", "first_billing_period": MONTH},
            "sources": [{"name": "tagged", "format": "focus", "location": "."}],
            "teams": teams,
            "virtual_tags": {"rules": rules},
        }
    )


def _deliver(folder: Path, resources: int) -> None:
    path = folder / MONTH / "bill.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    constants = {
        "BillingAccountId": "1",
        "BillingCurrency": "USD",
        "BillingPeriodStart": f"{MONTH}-01T00:00:00Z",
        "BillingPeriodEnd": "2026-10-01T00:00:00Z",
        "ChargePeriodStart": f"{MONTH}-01T00:00:00Z",
        "ChargePeriodEnd": f"{MONTH}-02T00:00:00Z",
        "ChargeCategory": "Usage",
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"), "1.25"),
        **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), "AWS"),
        "ServiceCategory": "Databases",
        "ServiceName": "RDS",
    }
    names = [f"arn:aws:rds:eu-west-1:000123456789:db/team{i % TEAMS}-svc{i}-prod" for i in range(resources)]
    columns = {name: pa.array([value] * resources) for name, value in constants.items()}
    pq.write_table(pa.table(columns | {"ResourceId": pa.array(names)}), path)
    load_folder(folder, "tagged", "focus")


def _dbt(url: str, *arguments: str) -> None:
    subprocess.run(
        [str(dbt.executable()), "--quiet", *arguments, "--project-dir", str(dbt.project_dir())],
        env={**os.environ, **dbt.environment(url)},
        check=True,
    )


def _half_is_owned(url: str, resources: int) -> None:
    """What is timed is also right."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*) filter (where owner_source like 'virtual_tag:%'), count(*) from intermediate.int_charge_owners"
        ).fetchone()
    expected = (sum(number % TEAMS < RULES for number in range(resources)), resources)
    if row != expected:
        raise RuntimeError(f"{row} resources are owned by a rule and there in all, not {expected}")
