"""All programmes of one payer, one after the other, so that no usage is covered twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

from ml.savings.commitments.curve import Layer, Slot
from ml.savings.commitments.decision import Decision, decide, left_over
from ml.savings.commitments.usage import Commitment, CommitmentSettings, Hours, Offer, Pool


@dataclass(frozen=True)
class Unused:
    """A commitment that is not used in full. `recoverable`: for each hour what it could have covered of what was on demand.

    Both are amounts of one hour, in the order of the pool's hours.
    """

    commitment: Commitment
    wasted: tuple[Decimal, ...]
    recoverable: tuple[Decimal, ...]
    on_demand: tuple[Decimal, ...]
    """What the products that it covers cost on demand."""


@dataclass(frozen=True)
class Programme:
    """What is to be bought of a programme, and what the other offers of it would have saved."""

    chosen: Decision
    others: tuple[Decision, ...]
    before: tuple[Hours, ...]


@dataclass(frozen=True)
class Plan:
    """What to do in a pool. `refused`: programmes of which nothing is bought, and why."""

    pool: Pool
    unused: tuple[Unused, ...]
    programmes: tuple[Programme, ...]
    refused: tuple[tuple[Offer, str], ...]


def plan(pool: Pool, settings: CommitmentSettings) -> Plan:
    """What is unused now comes first, then the programme with the largest discount, and so on with what is left.

    Of two with the same discount the one that is bound to a product comes first, as providers apply it first.
    """
    hours, unused = _recover(pool)
    programmes: list[Programme] = []
    refused: list[tuple[Offer, str]] = []
    if sum(one.count for one in hours) < settings.minimum_history_days * 24:
        why = f"there are less than {settings.minimum_history_days} days of usage"
        return Plan(pool, unused, (), tuple((offer, why) for offer in pool.offers))
    offers: dict[tuple[str, object], list[Offer]] = defaultdict(list)
    for offer in pool.offers:
        if offer.term_months not in (None, *settings.terms_months) or offer.payment not in (None, *settings.payments):
            refused.append((offer, "the settings leave out its term or its payment"))
        else:
            offers[offer.programme].append(offer)
    for number, of_one in enumerate(sorted(offers.values(), key=lambda group: min(map(_order, group)))):
        decisions = [(offer, decide(hours, offer, settings)) for offer in sorted(of_one, key=_order)]
        found = [decision for _, decision in decisions if decision]
        refused += [(offer, "no commitment saves at the stated risk") for offer, decision in decisions if not decision]
        if not found:
            continue
        # The one that saves most; of two alike the shorter one.
        chosen = max(found, key=lambda one: (one.expected_saving, -(one.offer.term_months or 0)))
        programmes.append(Programme(chosen, tuple(one for one in found if one is not chosen), hours))
        hours = tuple(left_over(one, chosen.offer, chosen.committed, f"new {number}") for one in hours)
    return Plan(pool, unused, tuple(programmes), tuple(refused))


def _order(offer: Offer) -> tuple[Decimal, bool, str, str, int, str]:
    mean = sum(offer.ratios.values(), Decimal(0)) / len(offer.ratios)
    product = offer.product.title if offer.product else ""
    return mean, offer.is_spend, offer.type, product, offer.term_months or 0, offer.payment or ""


def _recover(pool: Pool) -> tuple[tuple[Hours, ...], tuple[Unused, ...]]:
    """What unused commitments could cover is taken off first: nobody buys for what is paid for already."""
    hours = list(pool.hours)
    found = []
    for commitment in sorted(pool.commitments, key=lambda one: one.commitment_id):
        wasted = [one.unused.get(commitment.commitment_id, Decimal(0)) for one in hours]
        if not any(wasted):
            continue
        on_demand = [_slot(one, commitment).on_demand for one in hours]
        as_offer = Offer(commitment.type, commitment.is_spend, commitment.ratios, "")
        recoverable = []
        for number, (one, idle) in enumerate(zip(hours, wasted, strict=True)):
            recoverable.append(_slot(one, commitment).covered(max(idle, Decimal(0))))
            hours[number] = left_over(one, as_offer, max(idle, Decimal(0)), commitment.commitment_id)
        found.append(Unused(commitment, tuple(wasted), tuple(recoverable), tuple(on_demand)))
    return tuple(replace(one, unused={}) for one in hours), tuple(found)


def _slot(hours: Hours, commitment: Commitment) -> Slot:
    ratios = commitment.ratios
    return Slot(hours.count, tuple(Layer(ratios[sku], cost) for sku, cost in hours.uncovered.items() if sku in ratios))
