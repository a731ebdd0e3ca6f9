"""Answers that could be kept: requests that were made before, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ml.savings.inputs import Inputs
from ml.savings.prompt_reuse import PromptLog, Reuse
from ml.savings.recommendation import Recommendation, estimate, lower
from ml.savings.traffic import Traffic, by_day


def identical_requests(inputs: Inputs) -> Iterator[Recommendation]:
    """For each traffic with a log: requests that were made before word for word, in the longest life that was looked at."""
    for traffic in inputs.traffics:
        log = inputs.log_of(traffic)
        reuse = log.by_life[-1][1] if log else Reuse()
        if log and reuse.identical_requests and traffic.cost > 0:
            yield _recommend(traffic, log, reuse, inputs)


def _recommend(traffic: Traffic, log: PromptLog, reuse: Reuse, inputs: Inputs) -> Recommendation:
    share = reuse.identical_share
    return Recommendation(
        kind="request_caching",
        **traffic.subject(),
        current=traffic.title,
        proposed="answers to identical requests kept for an hour",
        change="Keep answers by a hash of the whole request, in your gateway or application, and answer repeats from there.",
        reason=f"{reuse.identical_requests:,} of {reuse.requests:,} requests in the log {log.name} were made before, word for word.",
        estimate=estimate(
            inputs.window,
            by_day(traffic.days),
            by_day(traffic.days, [usage.cost * share for usage in traffic.days]),
            least=Decimal("0.5"),
        ),
        effort="medium",
        risk="medium",
        risk_reason="A repeated request gets the same answer; where variety or fresh data is wanted, that is wrong.",
        confidence=lower("medium", inputs.window),
        confidence_reason="Prompts are the same block by block; whether the parameters of the requests were, the log does not say.",
        evidence={
            **traffic.facts(),
            "log_requests": reuse.requests,
            "log_identical_requests": reuse.identical_requests,
            "rests_on": "a log of prompts",
        },
    )
