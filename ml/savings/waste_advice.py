"""The form that every recommendation on waste has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from shlex import quote
from typing import Any

from ml.savings.holdings import Entry, Holding, bare
from ml.savings.recommendation import Estimate, Level, Recommendation, lower
from ml.savings.traffic import text


@dataclass(frozen=True)
class Words:
    """What is said of a resource."""

    current: str
    proposed: str
    change: str
    reason: str
    risk_reason: str
    confidence_reason: str
    command: str | None = None


def advice(
    holding: Holding,
    kind: str,
    resource_type: str,
    estimate: Estimate,
    words: Words,
    *,
    evidence: Mapping[str, Any],
    confidence: Level = "high",
    risk: Level = "low",
    effort: Level = "low",
    part: str = "",
    one_off_cost: Decimal = Decimal(0),
) -> Recommendation:
    """The recommendation; `part` names what it acts on where that is not all of the resource.

    What a commitment pays goes on until it ends, which is said; where the bill does not tell the end, nothing is saved.
    """
    paid = holding.main
    reason, begins = words.reason, None
    if holding.is_covered:
        begins = paid.committed_until
        until = f"until {begins.isoformat()}: nothing is saved before" if begins else "whose end the bill does not tell"
        reason += f" It is fully covered by a commitment {until}."
    return Recommendation(
        kind=kind,
        provider=paid.provider,
        resource_type=resource_type,
        resource_id=paid.resource_id,
        sub_account_id=paid.sub_account_id,
        owner=holding.owner,
        current=words.current,
        proposed=words.proposed,
        change=words.change,
        reason=reason,
        estimate=estimate,
        effort=effort,
        risk=risk,
        risk_reason=words.risk_reason,
        confidence=lower(confidence, paid.window),
        confidence_reason=words.confidence_reason,
        evidence={"committed_share": text(round(paid.committed_share, 6)), **evidence},
        exclusive_group=f"resource/{paid.provider}/{paid.resource_id}{part}",
        one_off_cost=one_off_cost,
        region_id=paid.region_id,
        command=words.command if is_aws(holding) else None,
        acts_on=((paid.resource_id + part, estimate.cost),),
        effective_from=begins,
        currency=paid.currency,
        window=paid.window,
    )


def is_aws(holding: Holding) -> bool:
    return holding.main.provider.startswith(("AWS", "Amazon"))


def aws(holding: Holding, call: str) -> str:
    """A command of AWS' tool for the resource, as text: `{id}` is its id without the ARN around it, `{arn}` the id as billed."""
    region = f" --region {quote(holding.main.region_id)}" if holding.main.region_id else ""
    # Ids come from the bill, and the text is for a shell.
    return f"aws {call.format(id=quote(bare(holding.resource_id)), arn=quote(holding.resource_id))}{region}"


def days_since(entry: Entry, column: str) -> int | None:
    """How many days before it was listed something was so; None where that is not known."""
    day = entry.get(column)
    return None if day is None else (entry["observed_on"] - day).days
