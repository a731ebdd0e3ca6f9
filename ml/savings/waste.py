"""What is paid for nothing: failed requests, more context than usual, a dearer context window, and keys that nobody uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from statistics import median

from ml.savings.inputs import Inputs
from ml.savings.recommendation import Recommendation, estimate, lower
from ml.savings.traffic import INPUT_CLASSES, Traffic, Usage, by_day, text

_FEWEST_FAILED = Decimal("0.02")
_OVERSIZED = 2
"""Hours whose requests read more than so many times what is usual for the key carry more than they need."""
_FEWEST_HOURS = 24


def failed_requests(inputs: Inputs) -> Iterator[Recommendation]:
    """What was paid for requests that failed; where only their number is known, their share of the cost."""
    for traffic in inputs.traffics:
        is_told = any(day.failed_cost for day in traffic.days)
        requests = sum((day.requests or Decimal(0) for day in traffic.days), Decimal(0))
        failed = sum((day.failed for day in traffic.days), Decimal(0))
        if not is_told and (not requests or failed / requests < _FEWEST_FAILED):
            continue
        saved = [day.failed_cost if is_told else _failed_share(day) * day.cost for day in traffic.days]
        yield Recommendation(
            kind="failed_requests",
            **traffic.subject(),
            current=f"{traffic.title}, {failed:,.0f} of {requests:,.0f} requests fail",
            proposed="requests that do not fail",
            change="Find out why they fail (timeouts, limits, bad input), retry with growing pauses, and stop after few attempts.",
            reason=f"{failed:,.0f} of {requests:,.0f} requests failed, and what fails is mostly sent again.",
            # Providers charge nothing for some failures, which counts alone do not tell apart.
            estimate=estimate(
                inputs.window, by_day(traffic.days), by_day(traffic.days, saved), least=Decimal(1 if is_told else 0)
            ),
            effort="medium",
            risk="low",
            risk_reason="Nothing is lost with a request that fails.",
            confidence=lower("high" if is_told else "low", inputs.window),
            confidence_reason="The tokens of failed requests are told, and what they cost is known."
            if is_told
            else "Failures are counted, but not which of them were charged; each is taken to cost as much as the others.",
            evidence={**traffic.facts(), "failed_requests": text(failed), "rests_on": "requests and failures by day"},
        )


def _failed_share(day: Usage) -> Decimal:
    return min(day.failed / day.requests, Decimal(1)) if day.requests else Decimal(0)


def oversized_context(inputs: Inputs) -> Iterator[Recommendation]:
    """Input beyond twice what is usual for the key in its median hour, at the price of reading it."""
    for traffic in inputs.traffics:
        hours = [hour for hour in traffic.hours if hour.requests and hour.input_tokens]
        if len(hours) < _FEWEST_HOURS:
            continue
        usual = Decimal(median(_context(hour) for hour in hours))
        large = [hour for hour in hours if _context(hour) > _OVERSIZED * usual]
        saved = [_excess_cost(hour, usual, traffic, inputs) for hour in large]
        if not any(saved):
            continue
        yield Recommendation(
            kind="oversized_context",
            **traffic.subject(),
            current=f"{traffic.title}, up to {max(_context(hour) for hour in large):,.0f} tokens of input for a request",
            proposed=f"at most {_OVERSIZED * usual:,.0f} tokens of input for a request",
            change="Cut histories and documents to what the answer needs: summaries, fewer retrieved passages, a limit.",
            reason=(
                f"In {len(large)} of {len(hours)} hours a request read more than {_OVERSIZED} times the {usual:,.0f} tokens that it "
                "reads in the median hour."
            ),
            estimate=estimate(inputs.window, by_day(large), by_day(large, saved), least=Decimal("0.5")),
            effort="medium",
            risk="medium",
            risk_reason="Some answers may need the longer context: look at what these requests carry.",
            confidence=lower("low", inputs.window),
            confidence_reason="The longer prompts are counted; whether they need to be long is not known.",
            evidence={
                **traffic.facts(),
                "hours": len(large),
                "usual_input_tokens": text(usual),
                "rests_on": "input and requests by hour",
            },
        )


def _context(hour: Usage) -> Decimal:
    return hour.input_tokens / hour.requests if hour.requests else Decimal(0)


def _excess_cost(hour: Usage, usual: Decimal, traffic: Traffic, inputs: Inputs) -> Decimal:
    """The part of the cost of reading that is above twice the usual."""
    read = Decimal(0)
    for kind in INPUT_CLASSES:
        price = inputs.prices.unit(
            traffic.provider, traffic.model, traffic.service_tier, hour.context_window, hour.day, kind
        )
        read += hour.tokens(kind) * (price or Decimal(0))
    return min(read, hour.cost) * (1 - _OVERSIZED * usual / _context(hour))


def dearer_windows(inputs: Inputs) -> Iterator[Recommendation]:
    """Long context windows that cost more for each token, at the price of the cheapest window of the model."""
    for traffic in inputs.traffics:
        at = traffic.provider, traffic.model, traffic.service_tier
        windows = inputs.prices.windows(*at)
        long, saved, cheapest = [], [], set()
        for day in (day for day in traffic.days if day.context_window in windows):
            costs = {
                window: cost
                for window in windows
                if (cost := inputs.prices.cost(replace(day, context_window=window), *at)) is not None
            }
            own = costs.get(day.context_window or "")
            window = min(costs, key=lambda window: (costs[window], window), default="")
            if own and costs[window] < own:
                long.append(day)
                saved.append(day.cost * (1 - costs[window] / own))
                cheapest.add(window)
        if not long:
            continue
        low = ", ".join(sorted(cheapest))
        names = ", ".join(sorted({day.context_window or "" for day in long}))
        yield Recommendation(
            kind="context_window",
            **traffic.subject(),
            current=f"{traffic.title}, context window {names}",
            proposed=f"context window {low}",
            change="Keep these requests below the length at which every token of them costs more.",
            reason=f"Tokens in the window {names} cost more than those in {low}, of the same model.",
            estimate=estimate(inputs.window, by_day(long), by_day(long, saved), least=Decimal("0.5")),
            effort="medium",
            risk="medium",
            risk_reason="Some answers may need the longer context: look at what these requests carry.",
            confidence=lower("medium", inputs.window),
            confidence_reason="Only the higher price is counted, not the tokens that would be left out.",
            evidence={**traffic.facts(), "context_window": names, "rests_on": "usage by day and context window"},
        )


def idle_keys(inputs: Inputs) -> Iterator[Recommendation]:
    """Keys that were used once and are not any more. They cost nothing; whoever finds one spends your money."""
    for key in inputs.keys:
        provider, project_id, api_key_id, owner, last = (
            key.provider,
            key.project_id,
            key.api_key_id,
            key.owner,
            key.last_day,
        )
        idle = (inputs.window.last - last).days
        if idle < inputs.settings.idle_days:
            continue
        yield Recommendation(
            kind="idle_key",
            provider=provider,
            resource_type="api_key",
            resource_id=api_key_id,
            sub_account_id=project_id,
            owner=owner,
            current=f"key {api_key_id} at {provider}, last used on {last.isoformat()}",
            proposed="no key",
            change="Ask its owner, then revoke it at the provider.",
            reason=f"Nothing was asked with it for {idle} days.",
            estimate=estimate(inputs.window, {}, {}),
            effort="low",
            risk="low",
            risk_reason="A job that runs once a quarter would fail: its owner knows.",
            confidence="high",
            confidence_reason="Usage is counted by key and day.",
            evidence={"last_used": last.isoformat(), "idle_days": idle, "rests_on": "usage by key and day"},
            exclusive_group=f"key/{provider}/{project_id or '-'}/{api_key_id}",
        )
