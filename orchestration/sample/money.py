"""What the sample organisation reports in, and what its teams may spend."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from .calendar import Month, day_number
from .organization import TEAM

REPORTING_CURRENCY = "EUR"
RATES_FILE = "exchange-rates.csv"

# In euros, by calendar year. The platform's costs are shared by the others, so it has no budget of its own.
_YEARLY = {
    "Payments": 740_000,
    "Checkout": 700_000,
    "Search": 720_000,
    "Mobile": 460_000,
    "Data Platform": 1_150_000,
    "Machine Learning": 900_000,
    "Logistics": 480_000,
}
# Shops are busy before Christmas.
_PROFILE = {"Checkout": [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 10, 10]}


def exchange_rates(months: list[Month]) -> str:
    """A rate from dollars to euros for each week, as CSV. It goes up and down by some cents over half a year."""
    day = months[0].first - timedelta(days=months[0].first.weekday())
    lines = ["date,from_currency,to_currency,rate"]
    while day <= months[-1].last:
        week = day_number(day) // 7
        rate = Decimal("0.86") + Decimal(abs(week % 26 - 13)) / 200 + Decimal(week * 7 % 11) / 1000
        lines.append(f"{day},USD,{REPORTING_CURRENCY},{rate:.4f}")
        day += timedelta(days=7)
    return "\n".join(lines) + "\n"


def budgets() -> list[dict[str, Any]]:
    """A budget for each team that pays, for a project and for the dearest service."""
    teams = [
        {"team": team, "yearly": yearly, "owner": TEAM[team].owner}
        | ({"profile": _PROFILE[team]} if team in _PROFILE else {})
        for team, yearly in _YEARLY.items()
    ]
    others: list[dict[str, Any]] = [
        {"project": "lakehouse", "monthly": 22_000, "owner": TEAM["Data Platform"].owner},
        {
            "service_name": "Amazon Elastic Compute Cloud",
            "monthly": 195_000,
            "owner": TEAM["Platform Engineering"].owner,
        },
    ]
    return [{**budget, "currency": REPORTING_CURRENCY} for budget in teams + others]
