"""The commitments of the sample organisation and the resources that are reserved."""

from collections.abc import Iterator
from datetime import date

import numpy as np

from .catalogue import AWS, AZURE
from .charges import RESERVED, Charge, Plan
from .organization import Source
from .tagging import owner_of, tags_for
from .units import SCALE


def month_before(end: date, months: int) -> date:
    """Return the first day of the month that lies `months` before the one of `end`."""
    count = end.year * 12 + end.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def savings_plan_terms(end: date) -> tuple[date, date]:
    """When the two savings plans of a source begin: one before any window of the sample, one inside the usual one."""
    return month_before(end, 30), month_before(end, 6)


def savings_plan(source: Source, number: int, start: date, covered_daily: float) -> Plan:
    """Return a plan for instances of `covered_daily` list cost on a mean day.

    It is bought for the busier days, so it has an unused part.
    """
    discount = (0.28, 0.34)[number]
    hourly = round(covered_daily * (1 - discount) / 24 * 1.09, 3)
    buyer = source.accounts[0]
    payer = source.payer_id
    if source.name == "azure":
        resource_id = (
            f"/providers/Microsoft.BillingBenefits/savingsPlanOrders/5d3e0f7a-9f0c-4b3e-8e55-20f4c1d7a9{number:02d}"
        )
    else:
        resource_id = f"arn:aws:savingsplans::{payer}:savingsplan/8f2b6c1e-4d7a-4c39-a0be-5e9d13f7c2{number:02d}"
    upfront = 0.4 if number and source.format == "cur" else 0.0
    return Plan(
        f"plan-{number}",
        resource_id,
        "SavingsPlan",
        buyer,
        start,
        round(hourly * 1000) * SCALE // 1000,
        discount,
        upfront,
        1 if number else 3,
    )


# (account, SKU size, instances, how busy they are, discount, paid upfront, years, months since it began)
_FLEETS = {
    "aws_main": (
        ("halden-payments", "db.r6g.2xlarge", 5, 0.93, 0.44, 0.5, 3, 20),
        ("halden-data", "db.r6g.4xlarge", 4, 0.88, 0.35, 1.0, 1, 9),
    ),
    "aws_subsidiary": (("brightparcel-logistics", "db.r6g.xlarge", 4, 0.90, 0.40, 0.0, 3, 20),),
    "azure": (("analytics-eu", "E32s v5", 2, 0.91, 0.55, 0.0, 3, 20),),
}


def reserved_fleets(
    source: Source, rng: np.random.Generator, end: date
) -> Iterator[tuple[Plan, list[tuple[Charge, float]]]]:
    """Reservations with the instances (charge, list cost a day) that use them."""
    service = AZURE["vm"] if source.name == "azure" else AWS["rds"]
    for number, (account_name, size, count, busy, discount, upfront, years, age) in enumerate(_FLEETS[source.name]):
        account = next(account for account in source.accounts if account.name == account_name)
        sku = next(sku for sku in service.skus if sku.instance_type == size)
        region = source.regions[0]
        rate = round(sku.price * (1 - discount) * 10_000) * SCALE // 10_000
        if source.name == "azure":
            resource_id = (
                f"/providers/Microsoft.Capacity/reservationOrders/91b7c0de-6a35-4c1f-8d92-7be0f2a4c5{number:02d}"
            )
        else:
            resource_id = f"arn:aws:rds:{region}:{account.account_id}:ri:{size.replace('.', '-')}-{number}"
        plan = Plan(
            f"reservation-{number}",
            resource_id,
            "Reservation",
            account,
            month_before(end, age),
            rate * count,
            discount,
            upfront,
            years,
            count,
            sku,
        )
        fleet = []
        for index in range(count):
            team = owner_of(rng, account)
            name = f"{team.projects[0]}-primary-{index}"
            where = sku.resource.format(
                id=f"{index:017x}",
                name=name,
                region=region,
                account=account.account_id.rsplit("/", 1)[-1],
                group=team.projects[0],
            )
            charge = Charge(RESERVED, account, sku, region, where, name, tags_for(rng, account, team), plan)
            fleet.append((charge, sku.price * 24 * busy))
        yield plan, fleet
