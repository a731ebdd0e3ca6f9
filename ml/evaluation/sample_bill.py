"""What is paid for resources by the AWS bills of a generated organisation, read from its files without a warehouse."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml.savings.paid import Paid
from ml.savings.recommendation import Owner, Window

_ENVIRONMENTS = ("environment", "env", "stage")


@dataclass(frozen=True)
class Line:
    """A line of usage, or of a discount that belongs to no resource."""

    day: date
    resource_id: str | None
    account: str
    region: str | None
    service: str
    meter: str
    instance_type: str | None
    quantity: Decimal
    unit: str | None
    list_cost: Decimal
    cost: Decimal
    is_committed: bool
    committed_until: date | None
    environment: str | None


def paid_in(folder: Path, window: Window) -> list[Paid]:
    """What each resource and meter cost in the window, after discounts that belong to a service of an account."""
    lines = [line for line in (*_cur(folder), *_focus(folder)) if window.first <= line.day <= window.last]
    discounts: dict[tuple[str, str, date], Decimal] = defaultdict(Decimal)
    discounted: dict[tuple[str, str, date], Decimal] = defaultdict(Decimal)
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        if line.resource_id is None:
            discounts[line.account, line.service, line.day] += line.cost
            continue
        groups[line.resource_id, line.meter].append(line)
        if not line.is_committed:
            discounted[line.account, line.service, line.day] += line.cost
    return [_paid(found, window, discounts, discounted) for found in groups.values()]


def _paid(
    lines: list[Line],
    window: Window,
    discounts: dict[tuple[str, str, date], Decimal],
    discounted: dict[tuple[str, str, date], Decimal],
) -> Paid:
    one = lines[-1]
    daily: dict[date, Decimal] = defaultdict(Decimal)
    committed: dict[date, Decimal] = defaultdict(Decimal)
    for line in lines:
        key = line.account, line.service, line.day
        if line.is_committed:
            committed[line.day] += line.cost
            daily[line.day] += line.cost
        else:
            off = discounts[key] / discounted[key] if discounted[key] else Decimal(0)
            daily[line.day] += line.cost * (1 + off)
    return Paid(
        resource_id=one.resource_id or "",
        resource_name=None,
        resource_type=None,
        provider="AWS",
        sub_account_id=one.account,
        service_name=one.service,
        service_category=None,
        region_id=one.region,
        sku_id=one.meter,
        sku_meter=one.meter,
        instance_type=one.instance_type,
        pricing_category="Committed" if one.is_committed else "Standard",
        currency="USD",
        owner=Owner(environment=one.environment),
        window=window,
        consumed_quantity=sum((line.quantity for line in lines), Decimal(0)),
        consumed_unit=one.unit,
        list_cost=sum((line.list_cost for line in lines), Decimal(0)),
        daily=dict(daily),
        daily_committed=dict(committed),
        committed_until=max((line.committed_until for line in lines if line.committed_until), default=None),
    )


_CUR_COLUMNS = {
    "line_item_line_item_type": "kind",
    "line_item_usage_start_date": "start",
    "line_item_resource_id": "resource_id",
    "line_item_usage_account_id": "account",
    "product_region_code": "region",
    "line_item_product_code": "service",
    "line_item_usage_type": "meter",
    "product_instance_type": "instance_type",
    "line_item_usage_amount": "quantity",
    "pricing_unit": "unit",
    "pricing_public_on_demand_cost": "list_cost",
    "line_item_unblended_cost": "cost",
    "savings_plan_savings_plan_effective_cost": "plan_cost",
    "savings_plan_end_time": "plan_end",
    "reservation_effective_cost": "reservation_cost",
    "reservation_end_time": "reservation_end",
    "resource_tags": "tags",
}


def _cur(folder: Path) -> Iterator[Line]:
    import pyarrow.parquet as pq

    for path in sorted((folder / "deliveries" / "aws_main").rglob("*.parquet")):
        table = pq.read_table(path, columns=list(_CUR_COLUMNS), partitioning=None)
        for row in table.rename_columns(list(_CUR_COLUMNS.values())).to_pylist():
            costs = {"Usage": "cost", "SavingsPlanCoveredUsage": "plan_cost", "DiscountedUsage": "reservation_cost"}
            if row["kind"] not in costs and row["kind"] != "EdpDiscount":
                continue
            if row["kind"] == "Usage" and row["resource_id"] is None:
                continue
            end = row["plan_end"] or row["reservation_end"]
            tags = {name.removeprefix("user_").lower(): value for name, value in row["tags"] or ()}
            yield Line(
                day=row["start"].date(),
                resource_id=row["resource_id"] if row["kind"] in costs else None,
                **{name: row[name] for name in ("account", "region", "service", "meter", "instance_type", "unit")},
                quantity=_exact(row["quantity"]),
                list_cost=_exact(row["list_cost"]),
                cost=_exact(row[costs.get(row["kind"], "cost")]),
                is_committed=row["kind"] in ("SavingsPlanCoveredUsage", "DiscountedUsage"),
                committed_until=date.fromisoformat(end[:10]) if end else None,
                environment=_environment(tags),
            )


def _focus(folder: Path) -> Iterator[Line]:
    for path in sorted((folder / "deliveries" / "aws_subsidiary").rglob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if (
                    row["ChargeCategory"] != "Usage"
                    or not row["ResourceId"]
                    or row["CommitmentDiscountStatus"] == "Unused"
                ):
                    continue
                tags = json.loads(row["Tags"] or "{}")
                details = json.loads(row["SkuPriceDetails"] or "{}")
                yield Line(
                    day=date.fromisoformat(row["ChargePeriodStart"][:10]),
                    resource_id=row["ResourceId"],
                    account=row["SubAccountId"],
                    region=row["RegionId"],
                    service=row["ServiceName"],
                    meter=row["SkuMeter"],
                    instance_type=details.get("InstanceType"),
                    quantity=Decimal(row["ConsumedQuantity"] or 0),
                    unit=row["ConsumedUnit"],
                    list_cost=Decimal(row["ListCost"]),
                    cost=Decimal(row["EffectiveCost"]),
                    is_committed=row["CommitmentDiscountStatus"] == "Used",
                    committed_until=None,
                    environment=_environment({name.removeprefix("user:").lower(): tags[name] for name in tags}),
                )


def _environment(tags: dict[str, Any]) -> str | None:
    return next((str(tags[name]) for name in _ENVIRONMENTS if name in tags), None)


def _exact(value: float | None) -> Decimal:
    return Decimal(repr(value)) if value is not None else Decimal(0)


def last_window(end: date, days: int = 30) -> Window:
    """The last whole days: the newest may still be filling."""
    return Window(end - timedelta(days=days), end - timedelta(days=1))
