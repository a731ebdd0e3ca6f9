"""Small bills of two sources over two months, with a case of each thing that is treated in its own way."""

from __future__ import annotations

from collections.abc import Sequence

from tests.dbt.project import Project
from tests.support.lines import Line, cur, focus

MARCH, APRIL = "2025-03", "2025-04"


def focus_lines(*, days: Sequence[int] = (1, 2, 3), cost: str = "1.25") -> list[Line]:
    """Lines of March by day: one that its tag owns, one that nobody owns, one to share; an amount no float holds."""
    return [
        focus(
            ChargePeriodStart=f"2025-03-{day:02}T05:00:00Z",
            ChargePeriodEnd=f"2025-03-{day:02}T06:00:00Z",
            **columns,
        )
        for day in days
        for columns in (
            {"BilledCost": cost, "EffectiveCost": cost, "Tags": '{"Team":"FIND "}'},
            {
                "BilledCost": "0.1",
                "EffectiveCost": "0.10000000001",
                "ContractedCost": None,
                "SubAccountId": "000000000001",
                "Tags": "{}",
            },
            {
                "BilledCost": "-0.7",
                "EffectiveCost": "-0.7",
                "ChargeCategory": "Tax",
                "SubAccountId": None,
                "Tags": None,
            },
        )
    ]


def cur_lines(*, used: str = "0.6") -> list[Line]:
    """Lines of a day of March: usage, covered usage and its negation, a fee with an unused part, tax, split costs."""
    columns = {
        "savings_plan_savings_plan_a_r_n": None,
        "savings_plan_savings_plan_effective_cost": None,
        "savings_plan_total_commitment_to_date": None,
        "savings_plan_used_commitment": None,
        "pricing_public_on_demand_cost": None,
        "split_line_item_parent_resource_id": None,
        "bill_invoice_id": "INV-1",
    }
    plan = {"savings_plan_savings_plan_a_r_n": "arn:sp"}
    return [
        cur(**columns | changes)
        for changes in (
            {"line_item_unblended_cost": "3", "pricing_public_on_demand_cost": "4"},
            plan
            | {"line_item_line_item_type": "SavingsPlanCoveredUsage", "savings_plan_savings_plan_effective_cost": used},
            plan | {"line_item_line_item_type": "SavingsPlanNegation", "line_item_unblended_cost": "-1.25"},
            plan
            | {
                "line_item_line_item_type": "SavingsPlanRecurringFee",
                "line_item_unblended_cost": "1",
                "savings_plan_total_commitment_to_date": "1",
                "savings_plan_used_commitment": used,
            },
            {"line_item_line_item_type": "Tax", "line_item_unblended_cost": "0.33", "resource_tags": None},
            {"line_item_unblended_cost": "9", "split_line_item_parent_resource_id": "i-0a1"},
        )
    ]


def in_april(lines: Sequence[Line]) -> list[Line]:
    return [
        {
            name: value.replace("2025-04", "2025-05").replace("2025-03", "2025-04") if isinstance(value, str) else value
            for name, value in line.items()
        }
        for line in lines
    ]


def deliver_all(project: Project) -> None:
    project.deliver("azure", MARCH, focus_lines())
    project.deliver("azure", APRIL, in_april(focus_lines()))
    project.deliver("aws", MARCH, cur_lines())
