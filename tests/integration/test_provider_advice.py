"""Exports of the Cost Optimization Hub and the Compute Optimizer: read as AWS writes them, shown beside ours, never counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.savings.portfolio import portfolio
from ml.savings.recommendation import Recommendation
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.provider_advice import provider_advice
from tests.support.savings import saving

HUB = {
    "account_id": "012345678901",
    "action_type": "Rightsize",
    "currency_code": "USD",
    "current_resource_summary": "m5.2xlarge",
    "current_resource_type": "Ec2Instance",
    "estimated_monthly_cost_after_discount": 200.5,
    "estimated_monthly_savings_after_discount": 100.25,
    "implementation_effort": "VeryLow",
    "last_refresh_timestamp": "2026-10-20 03:00:00",
    "recommendation_id": "MDEyMzQ1",
    "recommendation_lookback_period_in_days": 14,
    "recommendation_source": "ComputeOptimizer",
    "recommended_resource_summary": "m5.xlarge",
    "region": "eu-west-1",
    "resource_arn": "arn:aws:ec2:eu-west-1:012345678901:instance/i-1",
}
OPTIMIZER = """accountId,instanceArn,instanceName,finding,currentInstanceType,current_onDemandPrice,lookBackPeriodInDays,\
lastRefreshTimestamp_UTC,recommendationOptions_1_instanceType,recommendationOptions_1_migrationEffort,\
recommendationOptions_1_estimatedMonthlySavings_currency,recommendationOptions_1_estimatedMonthlySavings_value
012345678901,arn:aws:ec2:eu-west-1:012345678901:instance/i-1,web,OVER_PROVISIONED,m5.2xlarge,0.4,14.0,2026-10-21 00:00:00,\
m6g.xlarge,Medium,USD,{}
012345678901,arn:aws:ec2:eu-west-1:012345678901:instance/i-2,job,OPTIMIZED,m5.large,0.1,14.0,2026-10-21 00:00:00,,,,
"""


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database) as connection:
        connection.execute(
            """
            create schema finops;
            create table finops.cost_records (
                resource_id text, team text, cost_center text, project text, environment text, charge_date date
            );
            insert into finops.cost_records values ('i-1', 'Search', 'CC1', 'web', null, '2026-10-20');
            """
        )
        yield connection


def read(connection: psycopg.Connection[Any], folder: Path, *names: str) -> list[Recommendation]:
    config = Config.model_validate(
        {
            "organization": {"name": "Halden", "first_billing_period": "2026-01"},
            "sources": [{"name": "aws", "format": "cur", "location": "aws"}],
            "savings": {"provider_exports": [{"location": name} for name in names]},
        },
        context={"path": folder / "finops-config.yaml"},
    )
    return provider_advice(connection, config)


def test_both_exports_are_shown_beside_ours_and_never_counted(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    pq.write_table(pa.Table.from_pylist([HUB]), tmp_path / "hub.parquet")
    (tmp_path / "optimizer.csv").write_text(OPTIMIZER.format("310.5"))
    hub, optimizer = found = read(connection, tmp_path, "hub.parquet", "optimizer.csv")
    assert (hub.kind, hub.resource_id, hub.owner.team, hub.effort) == ("right_sizing", "i-1", "Search", "low")
    assert (hub.estimate.cost, hub.estimate.saving, hub.estimate.low) == (
        Decimal("200.5"),
        Decimal("100.25"),
        Decimal(0),
    )
    assert hub.window is not None
    assert (hub.window.first, hub.window.last) == (date(2026, 10, 7), date(2026, 10, 20))
    # 0.4 an hour for 730 hours: they claim more than that, and no saving is above the cost.
    assert (optimizer.proposed, optimizer.estimate.saving) == ("m6g.xlarge", Decimal(292))
    assert optimizer.evidence["claimed_saving"] == "310.5"
    ours = saving("resource/AWS/i-1", "40", kind="right_sizing", acts_on=(("i-1", Decimal(100)),))
    result = portfolio([*found, ours], lambda _: ())
    assert result.totals == {"USD": Decimal(40)}
    assert [(one.origin, one.counts) for one in result.recommendations] == [
        ("finops", True),
        ("aws_compute_optimizer", False),
        ("aws_cost_optimization_hub", False),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", r"x\.csv, row 1: is no export of the Cost Optimization Hub"),
        (OPTIMIZER.format("much"), r"x\.csv, row 1, column .*Savings_value: 'much' is no number"),
        (
            OPTIMIZER.format("3").replace("2026-10-21 00:00:00", "today"),
            r"column lastRefreshTimestamp_UTC: 'today' is no time",
        ),
        ("recommendation_id,action_type\n1,Dance\n", r"column action_type: 'Dance' is not known"),
    ],
)
def test_what_is_wrong_is_named(connection: psycopg.Connection[Any], tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(FinopsError, match=said):
        read(connection, tmp_path, "x.csv")
