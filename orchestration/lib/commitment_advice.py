"""What commitments to buy, which are wasted and which end: from the warehouse to recommendations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

import psycopg

from ml.savings.commitments.advice import advice
from ml.savings.commitments.usage import CommitmentSettings
from ml.savings.recommendation import Recommendation
from orchestration.lib.commitment_inputs import commitment_pools, window_for
from orchestration.lib.commitment_rates import read_rates
from orchestration.lib.config import Config


def commitment_recommendations(
    connection: psycopg.Connection[Any], config: Config, after: Sequence[Recommendation] = ()
) -> list[Recommendation]:
    """Advice on commitments. `after`: advice that is taken first; the usage that it removes is not committed for."""
    section = config.savings.commitments
    window = window_for(connection, section.lookback_days)
    if window is None:
        return []
    settings = settings_of(config)
    with localcontext(prec=60):
        files = [config.path.parent / file for file in section.reference_rates]
        kept = kept_shares(after)
        pools = commitment_pools(connection, window, read_rates(files, window.last), kept)
        return [
            replace(one, evidence={**one.evidence, "resources_with_less_use_by_other_advice": len(kept)})
            for pool in pools
            for one in advice(pool, window, settings)
        ]


def kept_shares(after: Sequence[Recommendation]) -> dict[str, Decimal]:
    """What is left of each resource that other advice acts on. Advice that begins later is not counted on."""
    kept: dict[str, Decimal] = {}
    for one in after:
        if one.effective_from is not None or not one.estimate.cost:
            continue
        share = 1 - one.estimate.saving / one.estimate.cost
        for resource in {name for name, _ in one.acts_on} or {one.resource_id} - {None}:
            kept[str(resource)] = kept.get(str(resource), Decimal(1)) * share
    return kept


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
