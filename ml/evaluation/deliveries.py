"""Daily costs of the sample organisation, straight from the files that its providers deliver: no warehouse is needed to judge a detector.

The rules are those of the models, on the columns that matter here: effective costs, and usage apart from what has a schedule (purchases,
tax, fees) or none (credits, refunds, corrections).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("date", "source", "account", "service", "currency", "resource", "curve", "scheduled", "irregular")
_FOCUS = {
    "ChargePeriodStart": "date",
    "SubAccountId": "account",
    "ServiceName": "service",
    "BillingCurrency": "currency",
    "ResourceId": "resource",
    "EffectiveCost": "cost",
    "ChargeCategory": "category",
    "ChargeClass": "class",
    "ChargeFrequency": "frequency",
    "CommitmentDiscountStatus": "status",
}
_CUR = {
    "line_item_usage_start_date": "date",
    "line_item_usage_account_id": "account",
    "line_item_currency_code": "currency",
    "line_item_resource_id": "resource",
    "line_item_line_item_type": "type",
    "line_item_unblended_cost": "billed",
    "savings_plan_savings_plan_effective_cost": "covered",
    "reservation_effective_cost": "reserved",
    "savings_plan_total_commitment_to_date": "committed",
    "savings_plan_used_commitment": "used",
    "reservation_unused_amortized_upfront_fee_for_billing_period": "unused_upfront",
    "reservation_unused_recurring_fee": "unused_recurring",
    "product": "product",
    "line_item_product_code": "code",
}
_SCHEDULED, _IRREGULAR = ("Tax", "Fee"), ("Credit", "Refund")


def daily_costs(folder: Path) -> pd.DataFrame:
    """One row per source, account, service, resource, currency and day, with the columns `COLUMNS`, of the bills below a sample's folder."""
    import pandas as pd

    deliveries = folder / "deliveries"
    parts = []
    for file in sorted(deliveries.rglob("*")):
        source = file.relative_to(deliveries).parts[0]
        if file.name.endswith(".snappy.parquet"):
            parts.append(_cur(pd.read_parquet(file, columns=list(_CUR)).rename(columns=_CUR)).assign(source=source))
        elif file.suffix == ".parquet" and source != "bedrock":
            parts.append(_focus(pd.read_parquet(file, columns=list(_FOCUS))).assign(source=source))
        elif file.name.endswith(".csv.gz"):
            found = pd.read_csv(file, usecols=list(_FOCUS), dtype=str, keep_default_na=False, na_values=["", "NULL"])
            parts.append(_focus(found).assign(source=source))
    if not parts:
        raise FileNotFoundError(
            f"{deliveries}: no bills. Make a folder with: python -m orchestration.sample --out FOLDER"
        )
    rows = pd.concat(parts, ignore_index=True)
    rows["resource"] = rows["resource"].fillna("")
    sums = rows.groupby(["date", "source", "account", "service", "currency", "resource", "part"], observed=True)[
        "cost"
    ].sum()
    wide = sums.unstack("part", fill_value=0.0).reset_index()
    return wide.reindex(columns=list(COLUMNS), fill_value=0.0)


def _focus(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.rename(columns=_FOCUS)
    part = rows["category"].map({"Usage": "curve", "Purchase": "scheduled", "Tax": "scheduled"}).fillna("irregular")
    planned = rows["status"].isna() & rows["frequency"].isin(["Recurring", "One-Time"]) & (part == "curve")
    rows["part"] = part.mask(planned, "scheduled").mask(rows["class"] == "Correction", "irregular")
    rows["cost"] = rows["cost"].astype(float)
    return _dated(rows)


def _cur(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    costs = {
        name: pd.to_numeric(rows[name]).fillna(0.0) for name in ("billed", "covered", "reserved", "committed", "used")
    }
    unused = pd.to_numeric(rows["unused_upfront"]).fillna(0.0) + pd.to_numeric(rows["unused_recurring"]).fillna(0.0)
    kind = rows["type"]
    cost = costs["billed"].mask(kind == "SavingsPlanCoveredUsage", costs["covered"])
    cost = cost.mask(kind == "DiscountedUsage", costs["reserved"]).mask(kind == "SavingsPlanNegation", 0.0)
    cost = cost.mask(kind == "SavingsPlanRecurringFee", costs["committed"] - costs["used"]).mask(
        kind == "RIFee", unused
    )
    upfront = kind == "SavingsPlanUpfrontFee"
    named = rows["product"].map(lambda pairs: dict(pairs).get("product_name"))
    rows = rows.assign(service=named.fillna(rows["code"]), cost=cost.mask(upfront, 0.0))
    rows["part"] = "curve"
    rows["part"] = (
        rows["part"].mask(kind.isin(_SCHEDULED) | upfront, "scheduled").mask(kind.isin(_IRREGULAR), "irregular")
    )
    # The one-time fee of a reservation pays for usage that is counted at its effective cost.
    rows.loc[(kind == "Fee") & rows["resource"].str.contains(":ri:", na=False), "cost"] = 0.0
    return _dated(rows)


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows["date"] = pd.to_datetime(rows["date"], utc=True).dt.tz_localize(None).dt.normalize()
    return rows[["date", "account", "service", "currency", "resource", "cost", "part"]]
