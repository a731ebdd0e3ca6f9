"""What a commitment rests on, and how it is put in words."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any

from ml.savings.commitments.decision import Decision
from ml.savings.commitments.programmes import Plan, Programme
from ml.savings.commitments.usage import Commitment, CommitmentSettings, Pool
from ml.savings.recommendation import Level, Window
from ml.savings.traffic import text

_PART = Decimal("0.0001")
_UNIT = Decimal("0.0000000001")


def evidence(plan: Plan, programme: Programme, settings: CommitmentSettings) -> dict[str, Any]:
    decision, pool = programme.chosen, plan.pool
    offer = decision.offer
    hourly = sorted(one.slot.on_demand for one in decision.open)
    quantile = {f"p{share}": text(amount(hourly[(len(hourly) - 1) * share // 100])) for share in (0, 20, 50, 80, 100)}
    return {
        "rates": offer.origin,
        "committed_per_hour": text(amount(decision.committed)),
        "units": decision.units,
        "optimum_of_the_window_per_hour": text(amount(decision.optimum)),
        "on_demand_per_hour": quantile,
        "coverage": {"now": text(_part(decision.coverage_now)), "after": text(_part(decision.coverage_after))},
        "utilisation": text(_part(decision.utilisation)),
        "break_even_month": decision.break_even_month,
        "if_use_falls": [
            {"by": text(one.fall), "monthly_saving": text(amount(one.saving)), "regret": text(amount(one.regret))}
            for one in decision.regrets
        ],
        "worst_case": {
            "risk": text(settings.risk),
            "use": text(decision.outlook.worst),
            "monthly_saving": text(amount(decision.worst_saving)),
        },
        "expected_use": [text(level) for level in decision.outlook.expected],
        "weekly_change_of_use": text(decision.outlook.weekly_change),
        "monthly_cost_by_commitment": [[text(amount(at)), text(amount(cost))] for at, cost in decision.curve],
        "alternatives": [
            {
                "offer": one.offer.title,
                "committed_per_hour": text(amount(one.committed)),
                "monthly_saving": text(amount(one.expected_saving)),
            }
            for one in programme.others
        ],
        "not_bought": [
            {"offer": one.title, "why": why} for one, why in plan.refused if one.programme == offer.programme
        ],
        "commitments_now": [facts(one) for one in pool.commitments if one.type == offer.type],
        "eligible_without_a_known_rate": {name: text(amount(cost)) for name, cost in pool.unpriced.items()},
        "rests_on": rests_on(pool),
    }


def facts(commitment: Commitment) -> dict[str, Any]:
    return {
        "commitment": commitment.commitment_id,
        "type": commitment.type,
        "hourly_cost": text(amount(commitment.hourly_cost)),
        "utilisation": text(_part(commitment.utilisation)) if commitment.utilisation is not None else None,
        "ends_on": commitment.period_end.isoformat() if commitment.period_end else None,
    }


def confidence(pool: Pool, decision: Decision, window: Window) -> Level:
    if decision.offer.term_months is None or window.days < 28:
        return "low"
    return "high" if pool.is_hourly and window.days >= 56 else "medium"


def why_confident(pool: Pool, decision: Decision, window: Window) -> str:
    parts = [f"Rates: {decision.offer.origin}; {window.days} days of use."]
    if not pool.is_hourly:
        parts.append(
            "The bill has no hours: use is spread evenly over each day, so that peaks and troughs in a day are not seen."
        )
    if decision.offer.term_months is None:
        parts.append("The provider does not say the term of these rates; the risk is that of the longest one.")
    return " ".join(parts)


def rests_on(pool: Pool) -> str:
    return "use by hour" if pool.is_hourly else "use by day, spread evenly over its hours"


def risk_level(decision: Decision) -> Level:
    """By how far use may fall before it costs more than nothing."""
    losses = [one.fall for one in decision.regrets if one.saving < 0]
    if not losses:
        return "low"
    return "medium" if min(losses) > decision.regrets[0].fall else "high"


def size(decision: Decision, currency: str) -> str:
    return size_of(decision.committed, decision, currency)


def size_of(committed: Decimal, decision: Decision, currency: str) -> str:
    price = decision.offer.unit_price
    if price is None:
        return f"{committed:.3f} {currency} an hour"
    units = int((committed / price).to_integral_value())
    return f"{units} unit{'s' if units > 1 else ''}"


def amount(value: Decimal) -> Decimal:
    return value.quantize(_UNIT, ROUND_DOWN)


def _part(value: Decimal) -> Decimal:
    return value.quantize(_PART)


def percent(share: Decimal) -> str:
    return f"{share * 100:.0f} %"


def saves(value: Decimal) -> str:
    return f"saves {money(value)}" if value >= 0 else f"costs {money(-value)} more than nothing"


def money(value: Decimal) -> str:
    return f"{value:.2f}"
