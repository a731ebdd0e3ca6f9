"""All savings of one run: what each kind finds, what of it counts, and what became of what was found before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from ml.savings.portfolio import Portfolio, portfolio
from ml.savings.recommendation import Recommendation, worthwhile
from orchestration.lib import recommendation_sources as sources
from orchestration.lib.config import Config
from orchestration.lib.realised_savings import ensure_realised, measure_realised, resources_of
from orchestration.lib.recommendation_exclusions import EVERYTHING, Excluded, ensure_exclusions, store_exclusions
from orchestration.lib.recommendation_states import (
    Status,
    current_states,
    ensure_states,
    facts_of,
    follow_up,
    record,
)
from orchestration.lib.recommendations import store_recommendations
from orchestration.lib.savings_inputs import resource_window

# The last days on which resources were charged. Only asked of those that advice was about and no longer is.
_LAST_CHARGED = """
select resource_id, max(charge_date) from finops.cost_records
where resource_id = any(%s) and effective_cost > 0 group by 1
"""
_GONE_DAYS = 7


@dataclass(frozen=True)
class Outcome:
    """What a run found. `as_of`: the last day of usage that any of it rests on."""

    portfolio: Portfolio
    excluded: Sequence[Excluded]
    as_of: date | None
    run_id: str


def run_recommendations(connection: psycopg.Connection[Any], config: Config) -> Outcome:
    """Look for savings of every kind, and write what was found. The caller commits: all of it is seen at once, or nothing."""
    ensure_states(connection)
    ensure_exclusions(connection)
    ensure_realised(connection)
    found: list[Recommendation] = []
    excluded: list[Excluded] = []
    for source in sources.SOURCES:
        one = source(connection, config)
        found += one.recommendations
        excluded += one.excluded

    def commitments(chosen: Sequence[Recommendation]) -> list[Recommendation]:
        bought: list[Recommendation] = []
        for source in sources.COMMITMENTS:
            one = source(connection, config, chosen)
            bought += one.recommendations
            excluded.extend(one.excluded)
        return worthwhile(bought, minimum)

    minimum = config.savings.minimum_monthly_saving
    before = current_states(connection)
    as_of = _as_of(found)
    states = {key: status.on(as_of) if as_of else status.state for key, status in before.items()}
    result = portfolio(_worth_saying(found, minimum), commitments, states)
    run_id = store_recommendations(connection, result.recommendations)
    store_exclusions(connection, excluded)
    as_of = _as_of(result.recommendations) or max((status.decided_on for status in before.values()), default=None)
    if as_of is not None:
        now = facts_of(connection)
        gone = {key: status for key, status in before.items() if key not in now}
        record(connection, follow_up(before, now, as_of, _why_gone(connection, gone, now, excluded)), as_of)
    last = resource_window(connection, 1)
    if last is not None:
        record(connection, measure_realised(connection, last.last), last.last)
    return Outcome(result, excluded, as_of, run_id)


def _as_of(found: Iterable[Recommendation]) -> date | None:
    return max((one.window.last for one in found if one.window and one.is_ours), default=None)


def _worth_saying(found: Sequence[Recommendation], minimum: Decimal) -> list[Recommendation]:
    """What saves enough. Savings on AI models have a minimum of their own, which they hold to already."""
    ai = [one for one in found if one.resource_type == "api_key"]
    return [*ai, *worthwhile([one for one in found if one.resource_type != "api_key"], minimum)]


def _why_gone(
    connection: psycopg.Connection[Any],
    gone: Mapping[str, Status],
    now: Mapping[str, Mapping[str, Any]],
    excluded: Sequence[Excluded],
) -> dict[str, str]:
    """Why each is not found any more: its resource is gone, nothing can be said of it, other advice took its place, or it saves no more."""
    resources = {key: resources_of(status.facts) for key, status in gone.items()}
    wanted = sorted({resource for several in resources.values() for resource in several})
    last: dict[str, date] = dict(connection.execute(_LAST_CHARGED, [wanted]).fetchall()) if wanted else {}
    newest = connection.execute("select max(charge_date) from finops.cost_records").fetchone() if wanted else None
    replaced = {
        (resource, facts["kind"]): facts["proposed"] for facts in now.values() for resource in resources_of(facts)
    }
    silent = {(one.kind, one.resource_id): one.reason for one in excluded}
    reasons = {}
    for key, status in gone.items():
        kind, own = status.facts["kind"], resources[key]
        still = [last[resource] for resource in own if resource in last]
        if own and newest and newest[0] and (not still or (newest[0] - max(still)).days >= _GONE_DAYS):
            when = f" since {max(still)}" if still else ""
            reasons[key] = f"its resource is gone: it is not on the bill{when}"
            continue
        unknown = next((silent[kind, one] for one in (*own, EVERYTHING) if (kind, one) in silent), None)
        other = next((replaced[one, kind] for one in own if (one, kind) in replaced), None)
        if unknown:
            reasons[key] = f"nothing can be said of it any more: {unknown}"
        elif other:
            reasons[key] = f"other advice took its place: {other}"
        else:
            reasons[key] = "it would no longer save anything"
    return reasons
