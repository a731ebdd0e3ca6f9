"""What caching the beginnings of prompts would save: from a log of prompts where there is one, else from cache counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from ml.savings.inputs import Inputs
from ml.savings.prompt_reuse import PromptLog, Reuse
from ml.savings.recommendation import Level, Recommendation, estimate, lower
from ml.savings.traffic import Traffic, Usage, by_day, text

# Write class -> how many of its lives an hour has. The shorter one is what most providers offer.
LIVES = {"cache_write_5m_tokens": 12, "cache_write_1h_tokens": 1}
_MINIMUM_TOKENS = 1024
# Smaller models cache from longer prompts on.
_LONGER_MINIMUMS = {"haiku-4": 4096, "haiku": 2048, "opus-4-5": 4096}
_UNCOUNTED_WRITES = Decimal("0.1")
"""Of each read token so many are written where requests are not counted, so that it is not known how often a cache runs out."""


@dataclass(frozen=True)
class _Basis:
    """Where the reusable share of a prompt comes from, how sure that is, and how much of it holds at least."""

    share: Decimal
    why: str
    confidence: Level
    least: Decimal
    needs_counts: bool = True
    risk: str = "A change at the beginning of a prompt makes the whole of it new; writes then cost more than they save."


_Shares = Callable[[Usage], tuple[Decimal, Decimal]]
"""Of the input of an hour or day: what is read from the cache and what is written into it, as shares."""


def minimum_tokens(model: str) -> int:
    """How long a prompt has to be before a provider caches it."""
    return next((tokens for name, tokens in _LONGER_MINIMUMS.items() if name in model), _MINIMUM_TOKENS)


def caching(inputs: Inputs) -> Iterator[Recommendation]:
    """For each traffic the life of a cache that saves most, if any does."""
    shares = [share for traffic in inputs.traffics if (share := _hit_share(traffic)) > 0]
    usual = Decimal(median(shares)) if shares else None
    for traffic in inputs.traffics:
        if not traffic.days or traffic.cost <= 0:
            continue
        log = inputs.log_of(traffic)
        found = _from_log(traffic, log, inputs) if log else _from_counters(traffic, usual, inputs)
        yield from sorted(found, key=lambda one: (-one.estimate.saving, one.proposed))[:1]


def _from_log(traffic: Traffic, log: PromptLog, inputs: Inputs) -> Iterator[Recommendation]:
    for life, reuse in log.by_life:
        why = f"{100 * reuse.reused_share:.1f} % of the prompt tokens in the log {log.name} repeat a prefix in time for this cache."
        basis = _Basis(reuse.reused_share, why, "high", Decimal("0.9"))
        one = _recommend(traffic, life, basis, _of_log(reuse), traffic.days, inputs, _told(reuse))
        if one:
            yield one


def _of_log(reuse: Reuse) -> _Shares:
    return lambda _: (reuse.reused_share, reuse.written_share)


def _told(reuse: Reuse) -> dict[str, str | int | bool | None]:
    return {
        "log_requests": reuse.requests,
        "log_blocks": reuse.blocks,
        "log_reused_blocks": reuse.reused_blocks,
        "log_input_tokens": reuse.input_tokens,
        "log_reused_tokens": reuse.reused_tokens,
        "log_written_tokens": reuse.written_tokens,
        "log_useful_written_tokens": reuse.useful_written_tokens,
        "log_is_lower_bound": reuse.is_lower_bound,
    }


def _from_counters(traffic: Traffic, usual: Decimal | None, inputs: Inputs) -> Iterator[Recommendation]:
    basis = _basis(traffic, usual, inputs)
    hours = [hour for hour in traffic.hours if _long_enough(hour, traffic.model, basis.share)]
    for life, lives in LIVES.items():
        one = _recommend(traffic, life, basis, _of_counters(basis.share, lives), hours, inputs, {})
        if one:
            yield one


def _of_counters(share: Decimal, lives_of_an_hour: int) -> _Shares:
    """A request finds the cache alive if another came within its life: of r requests in a life at random, all but exp(-r) do."""

    def shares(usage: Usage) -> tuple[Decimal, Decimal]:
        if usage.requests is None:
            return share * (1 - _UNCOUNTED_WRITES), share * _UNCOUNTED_WRITES
        missed = (-usage.requests / lives_of_an_hour).exp()
        return share * (1 - missed), share * missed

    return shares


def _basis(traffic: Traffic, usual: Decimal | None, inputs: Inputs) -> _Basis:
    written = _share_of(traffic, "cache_write_5m_tokens", "cache_write_1h_tokens")
    if written > _hit_share(traffic):
        return _Basis(
            _hit_share(traffic) + written,
            "This key writes more into the cache than it reads from it: what it writes again and again could be read.",
            "medium",
            Decimal("0.5"),
            needs_counts=False,
        )
    own = sorted(share for hour in traffic.hours if (share := _share(hour)) > 0)
    if own:
        return _Basis(
            own[(len(own) - 1) * 3 // 4],
            "In a quarter of the hours in which this key uses the cache, at least this share of its prompts came from it.",
            "high",
            Decimal(1),
        )
    if usual is not None:
        return _Basis(
            usual,
            "This key caches nothing; the share is the median of the keys that do.",
            "medium",
            Decimal("0.5"),
        )
    return _Basis(
        inputs.settings.assumed_prompt_reuse,
        "No key uses a cache, so how much of its prompts repeats is not known; the share is the setting assumed_prompt_reuse.",
        "low",
        Decimal(0),
    )


def _recommend(
    traffic: Traffic,
    life: str,
    basis: _Basis,
    shares: _Shares,
    usages: tuple[Usage, ...] | list[Usage],
    inputs: Inputs,
    told: dict[str, str | int | bool | None],
) -> Recommendation | None:
    saved = []
    for usage in usages:
        one = _saved(usage, traffic, life, shares(usage), inputs)
        if one is None:
            return None  # without a price for reading, the model has no cache to use
        saved.append(one)
    if sum(saved, Decimal(0)) <= 0:
        return None
    uncounted = basis.needs_counts and not told and any(usage.requests is None for usage in usages)
    confidence = lower("low" if uncounted else basis.confidence, inputs.window)
    hours = "an hour" if life == "cache_write_1h_tokens" else "5 minutes"
    now = _hit_share(traffic)
    return Recommendation(
        kind="prompt_caching",
        **traffic.subject(),
        current=f"{traffic.title}, {100 * now:.1f} % of the input from the cache",
        proposed=f"prompt cache of {hours}, up to {100 * basis.share:.1f} % of the input from it",
        change="Put what all requests share (instructions, tools, documents) first, mark it to be cached, and keep it unchanged.",
        reason=f"Only {100 * now:.1f} % of what this traffic reads comes from the cache, and {100 * basis.share:.1f} % could.",
        estimate=estimate(
            inputs.window, by_day(traffic.days), by_day(usages, saved), least=Decimal(0) if uncounted else basis.least
        ),
        effort="low" if now else "medium",
        risk="low",
        risk_reason=basis.risk,
        confidence=confidence,
        confidence_reason=basis.why + (" The provider does not count requests here." if uncounted else ""),
        evidence={
            **traffic.facts(),
            "cached_share": text(_rounded(now)),
            "reusable_share": text(_rounded(basis.share)),
            "cache_life": hours,
            "minimum_tokens": minimum_tokens(traffic.model),
            "rests_on": "a log of prompts" if told else f"{len(usages)} hours with prompts long enough to be cached",
            **told,
        },
    )


def _saved(
    usage: Usage, traffic: Traffic, life: str, shares: tuple[Decimal, Decimal], inputs: Inputs
) -> Decimal | None:
    """What the input would have cost less, with its reads and the surcharge of its writes; never below nothing read anew."""
    units = {
        kind: inputs.prices.unit(
            traffic.provider, traffic.model, traffic.service_tier, usage.context_window, usage.day, kind
        )
        for kind in ("uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
    }
    plain, read = units["uncached_input_tokens"], units["cache_read_tokens"]
    if plain is None or read is None:
        return None
    if life == "cache_write_1h_tokens" and units[life] is None:
        return None  # there is no longer life to pay for
    write = units[life] if units[life] is not None else plain
    assert write is not None
    before = sum(
        (usage.tokens(kind) * (plain if price is None else price) for kind, price in units.items()), Decimal(0)
    )
    reads, writes = (share * usage.input_tokens for share in shares)
    after = reads * read + writes * write + (usage.input_tokens - reads - writes) * plain
    return before - after


def _long_enough(hour: Usage, model: str, share: Decimal) -> bool:
    """Whether the part of a prompt that repeats is long enough to be cached; where requests are not counted, it is taken to be."""
    if hour.requests is None:
        return True
    return hour.requests > 0 and hour.input_tokens * share / hour.requests >= minimum_tokens(model)


def _share(usage: Usage) -> Decimal:
    return usage.tokens("cache_read_tokens") / usage.input_tokens if usage.input_tokens else Decimal(0)


def _hit_share(traffic: Traffic) -> Decimal:
    return _share_of(traffic, "cache_read_tokens")


def _share_of(traffic: Traffic, *classes: str) -> Decimal:
    """Classes of the input as a share of it."""
    whole = sum((day.input_tokens for day in traffic.days), Decimal(0))
    return sum((day.tokens(*classes) for day in traffic.days), Decimal(0)) / whole if whole else Decimal(0)


def _rounded(share: Decimal) -> Decimal:
    return share.quantize(Decimal("0.000001"))
