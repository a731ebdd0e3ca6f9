"""Traffic that nobody waits for, at the price of a batch: requests of one shape, at night or in bursts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from statistics import median

from ml.savings.inputs import Inputs
from ml.savings.recommendation import Recommendation, estimate, lower
from ml.savings.traffic import Traffic, Usage, by_day, text

_BURST = 5
"""An hour with so many times the requests of the median hour is a burst."""
_SAME_SHAPE = Decimal("0.25")
_MOSTLY = Decimal("0.5")
_FEWEST_DAYS = 5


def batches(inputs: Inputs) -> Iterator[Recommendation]:
    """For each standard traffic that is mostly a job: its hours of that kind, at the batch price of the same model."""
    for traffic in inputs.traffics:
        if traffic.service_tier != "standard":
            continue
        hours = _job_hours(traffic, inputs.settings.night_hours)
        days = {hour.day for hour in hours}
        if len(days) < _FEWEST_DAYS or _size(hours) < _MOSTLY * _size(traffic.hours):
            continue
        shares = [_share_saved(hour, traffic, inputs) for hour in hours]
        known = [share for share in shares if share is not None]
        if len(known) < len(shares):
            continue
        saved = [hour.cost * share for hour, share in zip(hours, known, strict=True)]
        if not any(saved):
            continue
        acted_on = sum((hour.cost for hour in hours), Decimal(0))
        counted = traffic.requests is not None
        yield Recommendation(
            kind="batch",
            **traffic.subject(),
            current=traffic.title,
            proposed="the batch tier of the same model",
            change="Send these requests as batches; answers come within a day.",
            reason=(
                f"{len(hours)} hours on {len(days)} days, at night or in bursts, have requests of one shape: "
                "a job, for which nobody waits."
            ),
            # Only what is in these hours is acted on.
            estimate=estimate(inputs.window, by_day(hours), by_day(hours, saved)),
            effort="medium",
            risk="low",
            risk_reason="Answers come later, at most after a day. Not for what a person or another job waits for.",
            confidence=lower("medium" if counted else "low", inputs.window),
            confidence_reason=(
                "Prices are known; that nobody waits is told by the hours and the shape of the requests alone."
                + ("" if counted else " The provider does not count requests here, so the shape is that of tokens.")
            ),
            evidence={
                **traffic.facts(),
                "hours": len(hours),
                "days": len(days),
                "cost_in_these_hours": text(acted_on),
                "rests_on": "cost and requests by hour",
            },
        )


def _share_saved(hour: Usage, traffic: Traffic, inputs: Inputs) -> Decimal | None:
    """What the batch tier takes off the standard price of these tokens, as a share of what was paid for them."""
    standard, batch = (
        inputs.prices.cost(hour, traffic.provider, traffic.model, tier) for tier in ("standard", "batch")
    )
    return max(1 - batch / standard, Decimal(0)) if standard and batch is not None else None


def _job_hours(traffic: Traffic, night: tuple[int, ...]) -> list[Usage]:
    """Hours at night or in a burst whose requests look like those of the median of them."""
    if not traffic.hours:
        return []
    typical = median(_count(hour) for hour in traffic.hours)
    found = [
        hour for hour in traffic.hours if hour.hour in night or (typical and _count(hour) >= _BURST * Decimal(typical))
    ]
    shapes = [shape for hour in found if (shape := _shape(hour)) is not None]
    if not shapes:
        return []
    usual = Decimal(median(shapes))
    return [hour for hour in found if (shape := _shape(hour)) is not None and abs(shape - usual) <= _SAME_SHAPE * usual]


def _count(hour: Usage) -> Decimal:
    """How busy an hour is: by requests, by what is read where they are not counted."""
    return hour.input_tokens if hour.requests is None else hour.requests


def _size(hours: tuple[Usage, ...] | list[Usage]) -> Decimal:
    return sum((hour.cost for hour in hours), Decimal(0))


def _shape(hour: Usage) -> Decimal | None:
    """What a request reads, or what is written for what is read where requests are not counted."""
    if hour.requests is None:
        return hour.tokens("output_tokens") / hour.input_tokens if hour.input_tokens else None
    return hour.input_tokens / hour.requests if hour.requests else None
