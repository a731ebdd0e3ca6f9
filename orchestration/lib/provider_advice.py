"""Recommendations of AWS itself, from exports of the Cost Optimization Hub and of the Compute Optimizer: shown beside ours.

They never count. Of the Hub savings of one resource are not de-duplicated, and those of the Compute Optimizer are at on-demand prices.
Columns: docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cor-columns.html (Hub) and
docs.aws.amazon.com/compute-optimizer/latest/ug/exported-files.html (Compute Optimizer, `recommendationOptions_<rank>_…`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

import psycopg

from ml.savings.recommendation import Estimate, Level, Owner, Recommendation, Window
from orchestration.lib import paths
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.inventory.files import rows_of_file
from orchestration.lib.storage import file_at

HUB = "aws_cost_optimization_hub"
OPTIMIZER = "aws_compute_optimizer"

_UNIT = Decimal("0.0000000001")
_HOURS_OF_MONTH = Decimal(730)
_LEVELS: dict[str, Level] = {"verylow": "low", "low": "low", "medium": "medium", "high": "high", "veryhigh": "high"}
_KINDS = {
    "Rightsize": "right_sizing",
    "ScaleIn": "right_sizing",
    "Stop": "idle_resource",
    "Delete": "idle_resource",
    "Upgrade": "generation_change",
    "MigrateToGraviton": "generation_change",
    "PurchaseSavingsPlans": "commitment",
    "PurchaseReservedInstances": "commitment",
}
# ARN of the resource, type now, price of a month now, type that is recommended; of the kinds of files of the Compute Optimizer.
_OPTIMIZER_FILES = (
    ("instanceArn", "currentInstanceType", None, "recommendationOptions_1_instanceType"),
    (
        "volumeArn",
        "currentConfiguration_volumeType",
        "current_monthlyPrice",
        "recommendationOptions_1_configuration_volumeType",
    ),
    (
        "autoScalingGroupArn",
        "currentConfiguration_instanceType",
        None,
        "recommendationOptions_1_configuration_instanceType",
    ),
    (
        "functionArn",
        "currentConfiguration_memorySize",
        "current_costTotal",
        "recommendationOptions_1_configuration_memorySize",
    ),
)
_OWNERS = """
select distinct on (resource_id) resource_id, team, cost_center, project, environment
from finops.cost_records
where resource_id = any(%s)
order by resource_id, charge_date desc, team, cost_center, project, environment
"""


@dataclass(frozen=True)
class _Told:
    """What a row of an export tells."""

    origin: str
    kind: str
    their_id: str
    account: str | None
    region: str | None
    arn: str | None
    resource_type: str
    current: str
    proposed: str
    currency: str
    cost: Decimal
    saving: Decimal
    effort: Level
    refreshed: date
    days: int
    reason: str

    @property
    def names(self) -> list[str]:
        """What the bill may call the resource: by the last part of its ARN, or by all of it."""
        return [] if not self.arn else [self.arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1], self.arn]


def provider_advice(connection: psycopg.Connection[Any], config: Config) -> list[Recommendation]:
    """All that the exports recommend which `savings.provider_exports` names. Raises FinopsError for what is wrong in one."""
    told: list[_Told] = []
    for place in config.savings.provider_exports:
        with file_at(place, config.path.parent, paths.spool_dir()) as path:
            told += _read(rows_of_file(place.location, path))
    names = sorted({name for one in told for name in one.names})
    owners = {row[0]: Owner(*row[1:]) for row in connection.execute(_OWNERS, [names]).fetchall()} if names else {}
    return [_recommendation(one, owners) for one in told]


def _read(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[_Told]:
    for where, row in rows:
        if "recommendation_id" in row and "action_type" in row:
            yield _of_hub(where, row)
            continue
        columns = next((columns for columns in _OPTIMIZER_FILES if columns[0] in row), None)
        if columns is None:
            raise FinopsError(
                f"{where}: is no export of the Cost Optimization Hub (recommendation_id, action_type) and none of the Compute Optimizer "
                f"({', '.join(one[0] for one in _OPTIMIZER_FILES)}). Take it out of savings.provider_exports."
            )
        if _text(row, columns[3]) and _number(where, row, "recommendationOptions_1_estimatedMonthlySavings_value") > 0:
            yield _of_optimizer(where, row, columns)


def _of_hub(where: str, row: Mapping[str, Any]) -> _Told:
    action = _text(row, "action_type")
    kind = _KINDS.get(action)
    if kind is None:
        raise FinopsError(f"{where}, column action_type: {action!r} is not known. Known: {', '.join(_KINDS)}.")
    return _Told(
        origin=HUB,
        kind=kind,
        their_id=_text(row, "recommendation_id"),
        account=_text(row, "account_id") or None,
        region=_text(row, "region") or None,
        arn=_text(row, "resource_arn") or None,
        resource_type=_text(row, "current_resource_type") or "unknown",
        current=_text(row, "current_resource_summary") or "as it is",
        proposed=_text(row, "recommended_resource_summary") or action,
        currency=_text(row, "currency_code") or "USD",
        cost=_number(where, row, "estimated_monthly_cost_after_discount"),
        saving=_number(where, row, "estimated_monthly_savings_after_discount"),
        effort=_LEVELS.get(_text(row, "implementation_effort").lower(), "medium"),
        refreshed=_day(where, row, "last_refresh_timestamp"),
        days=int(_number(where, row, "recommendation_lookback_period_in_days")) or 1,
        reason=f"{action}, says the Cost Optimization Hub, after discounts.",
    )


def _of_optimizer(where: str, row: Mapping[str, Any], columns: tuple[str, str, str | None, str]) -> _Told:
    arn, current, price, proposed = columns
    cost = _number(where, row, price) if price else _number(where, row, "current_onDemandPrice") * _HOURS_OF_MONTH
    finding = _text(row, "finding") or "not optimised"
    name = _text(row, arn)
    return _Told(
        origin=OPTIMIZER,
        kind="volume_type" if arn == "volumeArn" else "right_sizing",
        their_id=f"{name} {_text(row, proposed)}",
        account=_text(row, "accountId") or None,
        region=(name.split(":") + [""] * 4)[3] or None,
        arn=name,
        resource_type=arn.removesuffix("Arn"),
        current=_text(row, current),
        proposed=_text(row, proposed),
        currency=_text(row, "recommendationOptions_1_estimatedMonthlySavings_currency") or "USD",
        cost=cost,
        saving=_number(where, row, "recommendationOptions_1_estimatedMonthlySavings_value"),
        effort=_LEVELS.get(_text(row, "recommendationOptions_1_migrationEffort").lower(), "medium"),
        refreshed=_day(where, row, "lastRefreshTimestamp_UTC"),
        days=int(_number(where, row, "lookBackPeriodInDays")) or 14,
        reason=f"{finding}, says the Compute Optimizer, at on-demand prices.",
    )


def _recommendation(told: _Told, owners: Mapping[str, Owner]) -> Recommendation:
    billed = next((name for name in told.names if name in owners), told.names[0] if told.names else None)
    cost = max(told.cost, Decimal(0)).quantize(_UNIT, ROUND_DOWN)
    saved = min(max(told.saving, Decimal(0)), cost).quantize(_UNIT, ROUND_DOWN)
    who = "The Cost Optimization Hub" if told.origin == HUB else "The Compute Optimizer"
    return Recommendation(
        kind=told.kind,
        provider="AWS",
        resource_type=told.resource_type,
        resource_id=billed,
        sub_account_id=told.account,
        owner=owners.get(billed or "", Owner()),
        current=told.current,
        proposed=told.proposed,
        change=f"{told.proposed} in place of {told.current}.",
        reason=told.reason,
        estimate=Estimate(cost, saved, Decimal(0), saved, ()),
        effort=told.effort,
        risk="medium",
        risk_reason="AWS tells none in this export.",
        confidence="low",
        confidence_reason=f"{who} says so; it was not worked out here.",
        evidence={
            "their_id": told.their_id,
            "claimed_saving": str(told.saving),
            "rests_on": f"{told.days} days, by AWS",
        },
        exclusive_group=f"{told.origin}/{told.their_id}",
        region_id=told.region,
        acts_on=((billed, cost),) if billed else (),
        currency=told.currency,
        window=Window(told.refreshed - timedelta(days=told.days - 1), told.refreshed),
        origin=told.origin,
    )


def _text(row: Mapping[str, Any], column: str) -> str:
    return str(row.get(column) if row.get(column) is not None else "").strip()


def _number(where: str, row: Mapping[str, Any], column: str) -> Decimal:
    """A number; nothing is 0. Parquet has doubles: their shortest text is what was meant."""
    text = _text(row, column) or "0"
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        raise FinopsError(f"{where}, column {column}: {text!r} is no number.")
    return value


def _day(where: str, row: Mapping[str, Any], column: str) -> date:
    text = _text(row, column)
    try:
        return datetime.fromisoformat(text.replace(" UTC", "")).date()
    except ValueError as error:
        raise FinopsError(f"{where}, column {column}: {text!r} is no time such as 2026-10-01 00:00:00.") from error
