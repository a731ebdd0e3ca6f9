"""What commitments to buy, which are wasted and which end: from the warehouse to recommendations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import psycopg

from ml.savings.commitments.advice import advice
from ml.savings.commitments.programmes import Plan, plan
from ml.savings.commitments.usage import CommitmentSettings
from ml.savings.recommendation import Recommendation, Window
from orchestration.lib.commitment_inputs import commitment_pools, window_for
from orchestration.lib.commitment_queries import UNCOMMITTED
from orchestration.lib.commitment_rates import read_rates
from orchestration.lib.config import Config


@dataclass(frozen=True)
class Advice:
    """What is recommended, and of which programme nothing is, with the reason."""

    recommendations: tuple[Recommendation, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def commitment_advice(
    connection: psycopg.Connection[Any], config: Config, after: Sequence[Recommendation] = ()
) -> Advice:
    """Advice on commitments. `after`: advice that is taken first; the usage that it removes is not committed for."""
    section = config.savings.commitments
    window = window_for(connection, section.lookback_days)
    if window is None:
        return Advice()
    settings = settings_of(config)
    with localcontext(prec=60):
        files = [config.path.parent / Path(file).expanduser() for file in section.reference_rates]
        kept = kept_shares(after, uncommitted_shares(connection, window, after))
        plans = [
            plan(pool, settings) for pool in commitment_pools(connection, window, read_rates(files, window.last), kept)
        ]
        return Advice(
            tuple(
                replace(one, evidence={**one.evidence, "resources_with_less_use_by_other_advice": len(kept)})
                for found in plans
                for one in advice(found, window, settings)
            ),
            tuple(reason for found in plans for reason in refusals(found)),
        )


def commitment_recommendations(
    connection: psycopg.Connection[Any], config: Config, after: Sequence[Recommendation] = ()
) -> list[Recommendation]:
    """The recommendations of `commitment_advice` alone."""
    return list(commitment_advice(connection, config, after).recommendations)


def refusals(found: Plan) -> Iterator[tuple[str, str]]:
    """Each programme of which nothing is bought, and why."""
    pool = found.pool
    where = " ".join(part for part in (pool.source, pool.billing_account_id) if part)
    for offer, why in found.refused:
        yield f"{where}: {offer.title}", why
    for programme, cost in pool.unpriced.items():
        yield (
            f"{where}: {programme}",
            f"usage of {cost:.2f} {pool.currency} is eligible, but no rate is known: neither has the bill such a commitment of these"
            " products, nor does a file of savings.commitments.reference_rates name them",
        )


def kept_shares(after: Sequence[Recommendation], uncommitted: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What is left of the usage of each resource that other advice acts on. Advice that begins later is not counted on.

    Advice saves nothing of what a commitment pays, so that its saving is a share of the rest: `uncommitted`, by resource. As a share of
    the whole cost it would leave usage that is saved already for a commitment to save again.
    """
    kept: dict[str, Decimal] = {}
    for one in after:
        if one.effective_from is not None or not one.estimate.cost:
            continue
        costs = dict(one.acts_on) or ({one.resource_id: one.estimate.cost} if one.resource_id else {})
        open_cost = sum((cost * uncommitted.get(resource, Decimal(1)) for resource, cost in costs.items()), Decimal(0))
        share = 1 - min(one.estimate.saving / open_cost, Decimal(1)) if open_cost > 0 else Decimal(1)
        for resource in costs:
            kept[resource] = kept.get(resource, Decimal(1)) * share
    return kept


def uncommitted_shares(
    connection: psycopg.Connection[Any], window: Window, after: Sequence[Recommendation]
) -> dict[str, Decimal]:
    """Of each resource that advice acts on the share of its cost that no commitment pays."""
    resources = sorted({name for one in after for name in (*dict(one.acts_on), one.resource_id) if name})
    values = {"resources": resources, "first": window.first, "last": window.last}
    return dict(connection.execute(UNCOMMITTED, values).fetchall()) if resources else {}


def settings_of(config: Config) -> CommitmentSettings:
    """The section savings.commitments as the optimum wants it."""
    section = config.savings.commitments
    return CommitmentSettings(
        minimum_history_days=section.minimum_history_days,
        terms_months=section.terms_months,
        payments=section.payment_options,
        risk=section.risk,
        unseen_change_per_year=section.unseen_change_per_year,
        maximum_coverage=section.maximum_coverage,
        purchases=section.ladder.purchases,
        days_between_purchases=section.ladder.days_between,
        expiry_notice_days=section.expiry_notice_days,
    )
