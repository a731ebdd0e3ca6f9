"""What was planted to be saved, and how much that is."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..ai_truth import AiSaving
from .bedrock import BROKEN, Call
from .bedrock_bill import PROVIDER as BEDROCK
from .counting import plain
from .planted import Plan
from .prices import CACHE_READ, CACHE_WRITE_5M, REQUESTS, unit_price
from .traffic import ANTHROPIC, IDLE_KEYS, OPENAI, STREAMS, Stream
from .usage import Use

SMALLER_MODEL = "gpt-4.1-mini-2025-04-14"
# A prompt that is kept for five minutes is written at most so often in an hour.
_WRITES_OF_AN_HOUR = 12
_CENT = Decimal("0.01")


def savings_of(uses: Iterable[Use], calls: Iterable[Call], plan: Plan) -> list[AiSaving]:
    """Return the planted savings over the given hours and calls, at the prices that are paid."""
    uses = list(uses)
    promotions, digests = _named(OPENAI, "promotions"), _named(OPENAI, "digests")
    documents, contracts = _named(ANTHROPIC, "documents"), _named(ANTHROPIC, "contracts")

    def cost(stream: Stream, **otherwise: object) -> Decimal:
        own = [use for use in uses if use.stream == stream]
        return sum((_cost(use, plan, **otherwise) for use in own), Decimal(0))

    found = [
        _saving(
            "prompt_caching", documents, "a prompt whose beginning stays the same", cost(documents), _cached(uses, plan)
        ),
        _saving(
            "model_substitution",
            promotions,
            SMALLER_MODEL,
            cost(promotions),
            cost(promotions) - cost(promotions, model=SMALLER_MODEL),
        ),
        _saving("batch", digests, "batch", cost(digests), cost(digests) - cost(digests, tier="batch")),
        _saving(
            "oversized_context",
            contracts,
            "prompts of fewer than 200,000 tokens",
            cost(contracts),
            cost(contracts) - cost(contracts, long_context=False),
        ),
    ]
    found.extend(
        _saving("idle_key", stream, "revoke the key", Decimal(0), Decimal(0))
        for stream in STREAMS
        if stream.api_key_id in IDLE_KEYS
    )
    return [*found, *_broken(calls)]


def _named(provider: str, name: str) -> Stream:
    return next(stream for stream in STREAMS if (stream.provider, stream.name) == (provider, name))


def _cost(use: Use, plan: Plan, **otherwise: object) -> Decimal:
    stream = use.stream
    asked = {"model": stream.model, "tier": stream.tier, "long_context": stream.long_context} | otherwise
    paid = 1 - plan.discount(stream.model, use.day)
    return sum(
        (
            count * (unit_price(stream.provider, price_class=name, day=use.day, **asked) or 0) * paid
            for name, count in use.counts.items()
        ),
        Decimal(0),
    )


def _cached(uses: Iterable[Use], plan: Plan) -> Decimal:
    """What is saved where the prompt that every request writes is written once in five minutes and else read."""
    saving = Decimal(0)
    stream = _named(ANTHROPIC, "documents")
    for use in uses:
        requests = use.counts[REQUESTS]
        if use.stream != stream or requests <= _WRITES_OF_AN_HOUR:
            continue
        written, read = (unit_price(ANTHROPIC, stream.model, name, use.day) for name in (CACHE_WRITE_5M, CACHE_READ))
        needless = use.counts[CACHE_WRITE_5M] * (requests - _WRITES_OF_AN_HOUR) / Decimal(requests)
        saving += needless * ((written or 0) - (read or 0)) * (1 - plan.discount(stream.model, use.day))
    return saving


def _broken(calls: Iterable[Call]) -> Iterable[AiSaving]:
    """What was paid for answers that broke off and were asked for again."""
    spent: dict[tuple[str, str, str], list[Decimal]] = {}
    for call in calls:
        cost = sum(
            (
                count * (unit_price(BEDROCK, call.caller.model, name, call.day) or 0)
                for name, count in call.counts.items()
            ),
            Decimal(0),
        )
        sums = spent.setdefault((call.team, call.caller.account_id, call.caller.model_name), [Decimal(0), Decimal(0)])
        sums[0] += cost
        sums[1] += cost if call.error == BROKEN else 0
    for (team, account, model), (current, lost) in sorted(spent.items()):
        if lost:
            yield AiSaving(
                "failed_requests",
                BEDROCK,
                team,
                account,
                None,
                model,
                "streams that do not break off",
                plain(current.quantize(_CENT)),
                plain(lost.quantize(_CENT)),
            )


def _saving(kind: str, stream: Stream, proposed: str, current: Decimal, saving: Decimal) -> AiSaving:
    return AiSaving(
        kind,
        stream.provider,
        stream.team,
        stream.project_id,
        stream.api_key_id,
        stream.model,
        proposed,
        plain(current.quantize(_CENT)),
        plain(saving.quantize(_CENT)),
    )
