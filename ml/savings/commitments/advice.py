"""Plans as recommendations: what to buy, what is wasted now, and what is about to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

from ml.savings.commitments.commands import purchase_command
from ml.savings.commitments.decision import Decision, decide
from ml.savings.commitments.evidence import (
    amount,
    confidence,
    evidence,
    facts,
    money,
    percent,
    rests_on,
    risk_level,
    saves,
    size,
    size_of,
    why_confident,
)
from ml.savings.commitments.ladder import forgone, ladder
from ml.savings.commitments.programmes import Plan, Programme, Unused
from ml.savings.commitments.usage import Commitment, CommitmentSettings, Pool
from ml.savings.recommendation import Estimate, Owner, Recommendation, Window, estimate
from ml.savings.traffic import text

_CENT = Decimal("0.01")


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
    saved = amount(min(seen.saving, decision.expected_saving))
    held = replace(seen, saving=saved, low=amount(min(seen.low, saved, max(decision.worst_saving, Decimal(0)))))
    steps = ladder(decision, window.last + timedelta(days=1), settings)
    first, apart = size_of(steps[0].committed, decision, pool.currency), settings.days_between_purchases
    parts = f" In {len(steps)} parts, {apart} days apart, the first of {first}." if len(steps) > 1 else ""
    after, used = percent(decision.coverage_after), percent(decision.utilisation)
    paid = f" It has paid all of its cost after month {decision.break_even_month}." if decision.break_even_month else ""
    return Recommendation(
        kind="commitment",
        **_subject(pool, "commitment"),
        resource_id=None,
        current=f"{percent(decision.coverage_now)} of the eligible use is covered by commitments",
        proposed=offer.title,
        change=f"Buy {size(decision, pool.currency)}: {offer.title}.{parts}",
        reason=f"{after} of the eligible use would be covered, {used} of the commitment used.{paid}",
        estimate=held,
        effort="low",
        risk=risk_level(decision),
        risk_reason=(
            "It is paid to the end of its term. "
            + "; ".join(f"if use falls by {percent(one.fall)} it {saves(one.saving)} a month" for one in decision.regrets)
            + f". At the stated risk of {percent(settings.risk)} it costs no more than buying nothing."
        ),
        confidence=confidence(pool, decision, window),
        confidence_reason=why_confident(pool, decision, window),
        evidence=evidence(plan, programme, settings)
        | {
            "ladder": [
                {
                    "buy_on": one.day.isoformat(),
                    "committed_per_hour": text(amount(one.committed)),
                    "ends_on": one.ends.isoformat() if one.ends else None,
                    "monthly_saving": text(amount(one.monthly_saving)),
                }
                for one in steps
            ],
            "saving_forgone_by_the_ladder": text(amount(forgone(steps, settings))),
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
    # A day's use may lie in other hours than what is unused on that day: only hours show what could be covered now.
    now = pool.is_hourly and window.monthly(sum(recoverable.values(), Decimal(0)), window.days) >= _CENT
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
        current=f"{percent(commitment.utilisation or Decimal(0))} of it is used",
        proposed="the whole commitment used",
        change=change,
        reason=f"{money(waste)} {pool.currency} a month are paid for what nobody uses.",
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
            **facts(commitment),
            "unused_per_month": text(waste),
            "could_cover_on_demand_per_month": text(window.monthly(sum(recoverable.values(), Decimal(0)), window.days)),
            "rests_on": rests_on(pool),
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
                f"Renew {size(renewal, pool.currency)} from {end.isoformat()} on: {renewal.offer.title}."
                if renewal
                else "Let it end: a renewal does not save at the stated risk."
            ),
            reason=f"Without it the bill rises by about {money(window.monthly(rise, window.days))} {pool.currency} a month.",
            estimate=Estimate(Decimal(0), Decimal(0), Decimal(0), Decimal(0), ()),
            effort="low",
            risk="low",
            risk_reason="None: this is a date to keep in mind.",
            confidence="high",
            confidence_reason="The end is on the bill.",
            evidence={
                **facts(commitment),
                "rise_per_month": text(window.monthly(rise, window.days)),
                "renew_per_hour": text(amount(renewal.committed)) if renewal else None,
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


def _subject(pool: Pool, resource_type: str) -> dict[str, Any]:
    return {
        "provider": pool.provider,
        "resource_type": resource_type,
        "sub_account_id": pool.billing_account_id,
        "owner": Owner(),
    }


def _group(pool: Pool, *parts: str) -> str:
    return ":".join(("commitment", pool.source, pool.billing_account_id or "", pool.currency, *parts))


def _daily(pool: Pool, hourly: Sequence[Decimal]) -> dict[date, Decimal]:
    days: dict[date, Decimal] = {}
    for hours, cost in zip(pool.hours, hourly, strict=True):
        days[hours.day] = days.get(hours.day, Decimal(0)) + hours.count * cost
    return days
