"""Plans as recommendations: what to buy, what is wasted now, and what is about to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

from ml.savings.commitments.commands import purchase_command
from ml.savings.commitments.decision import Decision, decide
from ml.savings.commitments.ladder import forgone, ladder
from ml.savings.commitments.programmes import Plan, Programme, Unused
from ml.savings.commitments.usage import Commitment, CommitmentSettings, Pool
from ml.savings.recommendation import Estimate, Level, Owner, Recommendation, Window, estimate
from ml.savings.traffic import text

_CENT = Decimal("0.01")
_PART = Decimal("0.0001")
_UNIT = Decimal("0.0000000001")


def advice(found: Plan, window: Window, settings: CommitmentSettings) -> tuple[Recommendation, ...]:
    """Everything to say about the commitments of a payer."""
    with localcontext(prec=60):
        return (
            *(_purchase(found, one, window, settings) for one in found.programmes),
            *(_unused(found, one, window) for one in found.unused),
            *_expiries(found, window, settings),
        )


def _purchase(plan: Plan, programme: Programme, window: Window, settings: CommitmentSettings) -> Recommendation:
    pool, decision = plan.pool, programme.chosen
    offer = decision.offer
    cost, saving = _by_day(pool, decision)
    seen = estimate(window, cost, saving)
    # What is promised is what is expected of the term, never more than the window would have saved.
    saved = _amount(min(seen.saving, decision.expected_saving))
    held = replace(seen, saving=saved, low=_amount(min(seen.low, saved, max(decision.worst_saving, Decimal(0)))))
    steps = ladder(decision, window.last + timedelta(days=1), settings)
    first, apart = _size_of(steps[0].committed, decision, pool.currency), settings.days_between_purchases
    parts = f" In {len(steps)} parts, {apart} days apart, the first of {first}." if len(steps) > 1 else ""
    after, used = _percent(decision.coverage_after), _percent(decision.utilisation)
    paid = f" It has paid all of its cost after month {decision.break_even_month}." if decision.break_even_month else ""
    return Recommendation(
        kind="commitment",
        **_subject(pool, "commitment"),
        resource_id=None,
        current=f"{_percent(decision.coverage_now)} of the eligible use is covered by commitments",
        proposed=offer.title,
        change=f"Buy {_size(decision, pool.currency)}: {offer.title}.{parts}",
        reason=f"{after} of the eligible use would be covered, {used} of the commitment used.{paid}",
        estimate=held,
        effort="low",
        risk=_risk(decision),
        risk_reason=(
            "It is paid to the end of its term. "
            + "; ".join(f"if use falls by {_percent(one.fall)} it {_saves(one.saving)} a month" for one in decision.regrets)
            + f". At the stated risk of {_percent(settings.risk)} it costs no more than buying nothing."
        ),
        confidence=_confidence(pool, decision, window),
        confidence_reason=_why(pool, decision, window),
        evidence=_evidence(plan, programme, settings)
        | {
            "ladder": [
                {
                    "buy_on": one.day.isoformat(),
                    "committed_per_hour": text(_amount(one.committed)),
                    "ends_on": one.ends.isoformat() if one.ends else None,
                    "monthly_saving": text(_amount(one.monthly_saving)),
                }
                for one in steps
            ],
            "saving_forgone_by_the_ladder": text(_amount(forgone(steps, settings))),
        },
        exclusive_group=_group(pool, offer.type, offer.product.title if offer.product else ""),
        region_id=offer.product.region_id or None if offer.product else None,
        command=purchase_command(pool.provider, offer, steps[0].committed, pool.currency),
        currency=pool.currency,
        window=window,
    )  # fmt: skip


def _by_day(pool: Pool, decision: Decision) -> tuple[dict[date, Decimal], dict[date, Decimal]]:
    """What the use costs on demand on each day, and what the commitment would have saved of it."""
    cost: dict[date, Decimal] = {}
    saving: dict[date, Decimal] = {}
    for hours, one in zip(pool.hours, decision.open, strict=True):
        day, slot = hours.day, one.slot
        cost[day] = cost.get(day, Decimal(0)) + slot.hours * slot.on_demand
        saved = slot.hours * (slot.covered(decision.committed) - decision.committed)
        saving[day] = saving.get(day, Decimal(0)) + saved
    return cost, saving


def _unused(plan: Plan, unused: Unused, window: Window) -> Recommendation:
    pool, commitment = plan.pool, unused.commitment
    wasted = _daily(pool, unused.wasted)
    recoverable = _daily(pool, unused.recoverable)
    now = window.monthly(sum(recoverable.values(), Decimal(0)), window.days) >= _CENT
    waste = window.monthly(sum(wasted.values(), Decimal(0)), window.days)
    if now:
        held = estimate(window, _daily(pool, unused.on_demand), recoverable, least=Decimal("0.5"))
        change = "Let it cover what it could: share it with the accounts and regions of the use on demand, or exchange it for such use."
    elif commitment.period_end is not None:
        held = estimate(window, wasted, wasted)
        change = (
            f"Renew only what is used when it ends on {commitment.period_end.isoformat()}; sell or exchange the rest where the "
            "provider allows it."
        )
    else:
        # Until an end that is not known nothing is saved: said, without an amount.
        held = Estimate(Decimal(0), Decimal(0), Decimal(0), Decimal(0), ())
        change = "Sell or exchange what is not used where the provider allows it, and renew only what is used."
    return Recommendation(
        kind="commitment_unused",
        **_subject(pool, "commitment"),
        resource_id=commitment.commitment_id,
        current=f"{_percent(commitment.utilisation or Decimal(0))} of it is used",
        proposed="the whole commitment used",
        change=change,
        reason=f"{_money(waste)} {pool.currency} a month are paid for what nobody uses.",
        estimate=held,
        effort="medium",
        risk="low",
        risk_reason="What is paid does not change before the commitment ends.",
        confidence="low" if now else "medium",
        confidence_reason=(
            "The use on demand is of products that it covers; why it does not cover them the bill does not say."
            if now
            else "What is unused is on the bill; whether it stays so until the end is not known."
        ),
        evidence={
            **_facts(commitment),
            "unused_per_month": text(waste),
            "could_cover_on_demand_per_month": text(window.monthly(sum(recoverable.values(), Decimal(0)), window.days)),
            "rests_on": _rests_on(pool),
        },
        exclusive_group=_group(pool, "unused", commitment.commitment_id),
        effective_from=None if now else commitment.period_end,
        currency=pool.currency,
        window=window,
    )


def _expiries(plan: Plan, window: Window, settings: CommitmentSettings) -> Iterator[Recommendation]:
    """Commitments that end soon. Without an amount: the bill would rise, and renewing keeps it as it is."""
    pool = plan.pool
    for commitment in pool.commitments:
        end = commitment.period_end
        if end is None or not window.last < end <= window.last + timedelta(days=settings.expiry_notice_days):
            continue
        if not commitment.hourly_used:
            continue
        renewal = _renewal(plan, commitment, settings)
        rise = sum(
            (hours.count * cost for hours in pool.hours for (name, _), cost in hours.covered.items() if name == commitment.commitment_id),
            Decimal(0),
        ) - commitment.hourly_cost * window.days * 24  # fmt: skip
        yield Recommendation(
            kind="commitment_expiry",
            **_subject(pool, "commitment"),
            resource_id=commitment.commitment_id,
            current=f"ends on {end.isoformat()}",
            proposed="a renewal of what is used",
            change=(
                f"Renew {_size(renewal, pool.currency)} from {end.isoformat()} on: {renewal.offer.title}."
                if renewal
                else "Let it end: a renewal does not save at the stated risk."
            ),
            reason=f"Without it the bill rises by about {_money(window.monthly(rise, window.days))} {pool.currency} a month.",
            estimate=Estimate(Decimal(0), Decimal(0), Decimal(0), Decimal(0), ()),
            effort="low",
            risk="low",
            risk_reason="None: this is a date to keep in mind.",
            confidence="high",
            confidence_reason="The end is on the bill.",
            evidence={
                **_facts(commitment),
                "rise_per_month": text(window.monthly(rise, window.days)),
                "renew_per_hour": text(_amount(renewal.committed)) if renewal else None,
            },
            exclusive_group=_group(pool, "expiry", commitment.commitment_id),
            effective_from=end,
            currency=pool.currency,
            window=window,
        )


def _renewal(plan: Plan, commitment: Commitment, settings: CommitmentSettings) -> Decision | None:
    """What would be bought of the same if it had ended: what it covers now is on demand again, beside what others cover."""
    name = commitment.commitment_id
    ended = [
        replace(
            hours,
            uncovered={
                sku: hours.covered.get((name, sku), Decimal(0))
                for sku in sorted({sku for owner, sku in hours.covered if owner == name})
            },
            covered={key: cost for key, cost in hours.covered.items() if key[0] != name},
        )
        for hours in plan.pool.hours
    ]
    offers = [
        offer
        for offer in plan.pool.offers
        if offer.type == commitment.type and any(sku in offer.ratios for sku in commitment.ratios)
        and offer.term_months in (None, *settings.terms_months)
    ]  # fmt: skip
    found = [decision for offer in offers if (decision := decide(ended, offer, settings))]
    return max(found, key=lambda one: one.expected_saving, default=None)


def _evidence(plan: Plan, programme: Programme, settings: CommitmentSettings) -> dict[str, Any]:
    decision, pool = programme.chosen, plan.pool
    offer = decision.offer
    hourly = sorted(one.slot.on_demand for one in decision.open)
    quantile = {f"p{share}": text(_amount(hourly[(len(hourly) - 1) * share // 100])) for share in (0, 20, 50, 80, 100)}
    return {
        "rates": offer.origin,
        "committed_per_hour": text(_amount(decision.committed)),
        "units": decision.units,
        "optimum_of_the_window_per_hour": text(_amount(decision.optimum)),
        "on_demand_per_hour": quantile,
        "coverage": {"now": text(_part(decision.coverage_now)), "after": text(_part(decision.coverage_after))},
        "utilisation": text(_part(decision.utilisation)),
        "break_even_month": decision.break_even_month,
        "if_use_falls": [
            {"by": text(one.fall), "monthly_saving": text(_amount(one.saving)), "regret": text(_amount(one.regret))}
            for one in decision.regrets
        ],
        "worst_case": {
            "risk": text(settings.risk),
            "use": text(decision.outlook.worst),
            "monthly_saving": text(_amount(decision.worst_saving)),
        },
        "expected_use": [text(level) for level in decision.outlook.expected],
        "weekly_change_of_use": text(decision.outlook.weekly_change),
        "monthly_cost_by_commitment": [[text(_amount(at)), text(_amount(cost))] for at, cost in decision.curve],
        "alternatives": [
            {
                "offer": one.offer.title,
                "committed_per_hour": text(_amount(one.committed)),
                "monthly_saving": text(_amount(one.expected_saving)),
            }
            for one in programme.others
        ],
        "not_bought": [
            {"offer": one.title, "why": why} for one, why in plan.refused if one.programme == offer.programme
        ],
        "commitments_now": [_facts(one) for one in pool.commitments if one.type == offer.type],
        "eligible_without_a_known_rate": {name: text(_amount(cost)) for name, cost in pool.unpriced.items()},
        "rests_on": _rests_on(pool),
    }


def _facts(commitment: Commitment) -> dict[str, Any]:
    return {
        "commitment": commitment.commitment_id,
        "type": commitment.type,
        "hourly_cost": text(_amount(commitment.hourly_cost)),
        "utilisation": text(_part(commitment.utilisation)) if commitment.utilisation is not None else None,
        "ends_on": commitment.period_end.isoformat() if commitment.period_end else None,
    }


def _subject(pool: Pool, resource_type: str) -> dict[str, Any]:
    return {
        "provider": pool.provider,
        "resource_type": resource_type,
        "sub_account_id": pool.billing_account_id,
        "owner": Owner(),
    }


def _group(pool: Pool, *parts: str) -> str:
    return ":".join(("commitment", pool.source, pool.billing_account_id or "", pool.currency, *parts))


def _confidence(pool: Pool, decision: Decision, window: Window) -> Level:
    if decision.offer.term_months is None or window.days < 28:
        return "low"
    return "high" if pool.is_hourly and window.days >= 56 else "medium"


def _why(pool: Pool, decision: Decision, window: Window) -> str:
    parts = [f"Rates: {decision.offer.origin}; {window.days} days of use."]
    if not pool.is_hourly:
        parts.append(
            "The bill has no hours: use is spread evenly over each day, so that peaks and troughs in a day are not seen."
        )
    if decision.offer.term_months is None:
        parts.append("The provider does not say the term of these rates; the risk is that of the longest one.")
    return " ".join(parts)


def _rests_on(pool: Pool) -> str:
    return "use by hour" if pool.is_hourly else "use by day, spread evenly over its hours"


def _risk(decision: Decision) -> Level:
    """By how far use may fall before it costs more than nothing."""
    losses = [one.fall for one in decision.regrets if one.saving < 0]
    if not losses:
        return "low"
    return "medium" if min(losses) > decision.regrets[0].fall else "high"


def _daily(pool: Pool, hourly: Sequence[Decimal]) -> dict[date, Decimal]:
    days: dict[date, Decimal] = {}
    for hours, amount in zip(pool.hours, hourly, strict=True):
        days[hours.day] = days.get(hours.day, Decimal(0)) + hours.count * amount
    return days


def _size(decision: Decision, currency: str) -> str:
    return _size_of(decision.committed, decision, currency)


def _size_of(committed: Decimal, decision: Decision, currency: str) -> str:
    price = decision.offer.unit_price
    return (
        f"{committed:.3f} {currency} an hour"
        if price is None
        else f"{int((committed / price).to_integral_value())} units"
    )


def _amount(value: Decimal) -> Decimal:
    return value.quantize(_UNIT, ROUND_DOWN)


def _part(value: Decimal) -> Decimal:
    return value.quantize(_PART)


def _percent(share: Decimal) -> str:
    return f"{share * 100:.0f} %"


def _saves(amount: Decimal) -> str:
    return f"saves {_money(amount)}" if amount >= 0 else f"costs {_money(-amount)} more than nothing"


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
