"""What commitments can be bought, and what they cost: rates from the bill itself, or from files of reference rates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from ml.savings.commitments.curve import ratio
from ml.savings.commitments.usage import Commitment, Offer, Sku
from orchestration.lib.commitment_rates import Rate

OnDemand = Mapping[Sku, Sequence[Decimal]]
"""Contracted cost and quantity of each product that was used on demand."""


def billed_offers(commitments: Sequence[Commitment], on_demand: OnDemand) -> list[Offer]:
    """What could be bought again at the rates of what there is. Commitments of one type, term and payment are one offer."""
    spend: dict[tuple[str, int | None, str | None], dict[Sku, Decimal]] = defaultdict(dict)
    single: dict[tuple[str, int | None, str | None, Sku], Decimal] = {}
    like: dict[tuple[str, int | None, str | None], str] = {}
    for one in commitments:
        for sku, share in one.ratios.items():
            like.setdefault((one.type, one.term_months, one.payment), one.commitment_id)
            if one.is_spend:
                known = spend[one.type, one.term_months, one.payment]
                known[sku] = max(known.get(sku, Decimal(0)), share)
            else:
                at = (one.type, one.term_months, one.payment, sku)
                single[at] = max(single.get(at, Decimal(0)), share)
    origin = "the rates of your commitments on the bill"
    return [
        *(
            Offer(kind, True, ratios, origin, months, paid, like=like[kind, months, paid])
            for (kind, months, paid), ratios in spend.items()
        ),
        *(
            Offer(kind, False, {sku: share}, origin, months, paid, price * share, like[kind, months, paid])
            for (kind, months, paid, sku), share in single.items()
            if (price := _price(on_demand, sku))
        ),
    ]


def reference_offers(rates: Sequence[Rate], on_demand: OnDemand, currency: str) -> list[Offer]:
    """What could be bought at reference rates, against the price that is really paid on demand."""
    spend: dict[tuple[str, int, str, str], dict[Sku, Decimal]] = defaultdict(dict)
    single: list[Offer] = []
    for rate in rates:
        sku = Sku(rate.sku_id, rate.region_id)
        price = _price(on_demand, sku)
        if price is None or rate.currency != currency:
            continue
        share = ratio(rate.unit_price, price)
        if rate.is_spend:
            spend[rate.commitment_type, rate.term_months, rate.payment_option, rate.file][sku] = share
        else:
            of_one = {sku: share}
            single.append(
                Offer(
                    rate.commitment_type, False, of_one, rate.file, rate.term_months, rate.payment_option, price * share
                )
            )
    return [
        *(Offer(kind, True, ratios, file, months, paid) for (kind, months, paid, file), ratios in spend.items()),
        *single,
    ]


def _price(on_demand: OnDemand, sku: Sku) -> Decimal | None:
    """What a unit of a product costs on demand, as it was paid."""
    contracted, quantity = on_demand.get(sku, (Decimal(0), Decimal(0)))
    return contracted / quantity if contracted > 0 and quantity > 0 else None


def allowed(offer: Offer, eligible: Mapping[str, Mapping[Sku, Decimal]], named: set[Sku]) -> Offer:
    """The offer for the products that are eligible, where the provider says which are."""
    own = eligible.get(offer.type, {})
    ratios = {sku: share for sku, share in offer.ratios.items() if sku in own or sku not in named}
    return replace(offer, ratios=ratios)
