"""The usage that a model's response reports, as counts of the normal form's disjoint classes.

Providers count alike but name it differently, and some put what was cached inside the input and some beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orchestration.lib.errors import FinopsError

_MODALITIES = {"TEXT": "", "AUDIO": "audio", "IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video"}
# Path below the usage -> what it counts; `input+` adds to the input what the provider counts beside it.
_CACHED_BESIDE_INPUT = "cache_read input+"
_WRITTEN_BESIDE_INPUT = "cache_write input+"
_DETAILS = {
    "cached_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "audio_tokens": "audio_input",
    "image_tokens": "image_input",
    "video_tokens": "video_input",
    "cached_tokens_details.audio_tokens": "audio_cache_read",
    "cached_tokens_details.image_tokens": "image_cache_read",
}
_OUTPUT_DETAILS = {
    "reasoning_tokens": "reasoning",
    "audio_tokens": "audio_output",
    "image_tokens": "image_output",
    "video_tokens": "video_output",
}


def _openai(total_in: str, details_in: str, total_out: str, details_out: str) -> dict[str, str]:
    return {
        total_in: "input",
        **{f"{details_in}.{name}": meaning for name, meaning in _DETAILS.items()},
        total_out: "output",
        **{f"{details_out}.{name}": meaning for name, meaning in _OUTPUT_DETAILS.items()},
    }


_SHAPES: dict[str, dict[str, str]] = {
    "messages": {
        "input_tokens": "input",
        "cache_read_input_tokens": _CACHED_BESIDE_INPUT,
        "cache_creation_input_tokens": _WRITTEN_BESIDE_INPUT,
        "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m",
        "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
        "output_tokens": "output",
        "output_tokens_details.thinking_tokens": "reasoning",
        "server_tool_use.web_search_requests": "web_search",
    },
    "converse": {
        "inputTokens": "input",
        "cacheReadInputTokens": _CACHED_BESIDE_INPUT,
        "cacheWriteInputTokens": _WRITTEN_BESIDE_INPUT,
        "outputTokens": "output",
    },
    "chat": {
        **_openai("prompt_tokens", "prompt_tokens_details", "completion_tokens", "completion_tokens_details"),
        "reasoning_tokens": "reasoning",
        "num_search_queries": "web_search",
    },
    "embeddings": {"prompt_tokens": "input"},
    "responses": _openai("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details"),
    "realtime": {
        **_openai("input_tokens", "input_token_details", "output_tokens", "output_token_details"),
        "billable_audio_seconds": "seconds",
    },
    "gemini": {
        "promptTokenCount": "input",
        "toolUsePromptTokenCount": "input",
        "cachedContentTokenCount": "cache_read",
        "candidatesTokenCount": "output",
        "thoughtsTokenCount": "reasoning output+",
    },
    "billed_units": {"input_tokens": "input", "output_tokens": "output"},
    "tokens": {"tokens.input_tokens": "input", "tokens.output_tokens": "output", "cached_tokens": "cache_read"},
    "seconds": {"seconds": "seconds"},
}
_FLAVORS = {
    "anthropic": "messages",
    "responses": "responses",
    "chat": "chat",
    "embeddings": "embeddings",
    "realtime": "realtime",
}
# What else chat-compatible providers call the cached part of the input; beside `cached_tokens` it is the same count.
_CACHED_NAMES = (
    "cached_tokens",
    "cached_prompt_text_tokens",
    "cache_read_input_tokens",
    "prompt_cache_hit_tokens",
)
_REASONING_BESIDE_OUTPUT = ("x-ai", "perplexity")
# The same counts once more, parts that have no price of their own, times and costs.
_REPEATED = frozenset(
    (
        *("total_tokens", "totalTokens", "totalTokenCount", "text_tokens"),
        *("accepted_prediction_tokens", "rejected_prediction_tokens"),
        *("cacheReadInputTokenCount", "cacheWriteInputTokenCount"),
        *("prompt_cache_miss_tokens", "num_cached_tokens", *_CACHED_NAMES),
        *("prompt_time", "completion_time", "queue_time", "total_time"),
        *("cost", "cost_estimate", "upstream_inference_cost"),
        *("upstream_inference_prompt_cost", "upstream_inference_completions_cost"),
    )
)


@dataclass(frozen=True)
class BodyUsage:
    """Counts by class of the normal form, without those that are 0; `unknown`: by path, what no class is known for."""

    shape: str
    counts: dict[str, Decimal]
    unknown: dict[str, Decimal] = field(default_factory=dict)

    @property
    def input_tokens(self) -> int:
        """All that was read, cached or not: what context classes go by."""
        return int(sum(count for name, count in self.counts.items() if "input" in name or name.startswith("cache_")))


def read_usage(body: Mapping[str, Any], *, provider: str | None = None, api_flavor: str | None = None) -> BodyUsage:
    """The usage in the body of a response: of OpenAI, Anthropic, Bedrock, Gemini, Cohere and what is compatible with them.

    `provider` (as in the catalogue) and `api_flavor` (chat, responses, embeddings, anthropic, …) say how to read what more
    than one of them could have written; without them the body's own form decides.
    Raises FinopsError for a body without usage, and for counts that cannot be.
    """
    usage, shape = _shape_of(body, api_flavor)
    found: dict[str, Decimal] = defaultdict(Decimal)
    unknown: dict[str, Decimal] = {}
    for path, value in _numbers(usage, ""):
        meaning = _SHAPES[shape].get(path) or _listed_meaning(shape, path)
        if meaning is None:
            # Anthropic's other iterations, of compaction or an advisor, are in no total: they stay by name.
            if value and path.rpartition(".")[2] not in _REPEATED and not path.startswith("iterations.message."):
                unknown[path] = value
            continue
        for part in meaning.split():
            found[part.removesuffix("+")] += value
    if not any(key in found for key in ("input", "output", "seconds")):
        raise FinopsError(f"the usage {_shown(usage)} has no counts of the form {shape}. Is it the body of a response?")
    if shape == "chat":
        if "cache_read" not in found:
            found["cache_read"] = next(
                (Decimal(str(usage[name])) for name in _CACHED_NAMES if usage.get(name)), Decimal(0)
            )
        beside = found["input"] + found["output"] + found["reasoning"]
        if found["reasoning"] and (provider in _REASONING_BESIDE_OUTPUT or usage.get("total_tokens") == beside):
            # Of other providers the total tells whether reasoning is inside the completion.
            found["output"] += found["reasoning"]
    return BodyUsage(shape, _disjoint(found, usage), unknown)


def _shape_of(body: Mapping[str, Any], api_flavor: str | None) -> tuple[Mapping[str, Any], str]:
    wrapped = (body.get(name) for name in ("response", "result"))
    holder = next((inner for inner in wrapped if isinstance(inner, Mapping) and "usage" in inner), body)
    usage = holder.get("usageMetadata")
    if isinstance(usage, Mapping):
        return usage, "gemini"
    meta = holder.get("meta")
    if isinstance(meta, Mapping) and isinstance(meta.get("billed_units"), Mapping):
        return meta["billed_units"], "billed_units"
    usage = holder.get("usage")
    if not isinstance(usage, Mapping):
        raise FinopsError(f"the response with {', '.join(sorted(map(str, body))) or 'nothing'} reports no usage.")
    if api_flavor in _FLAVORS:
        return usage, _FLAVORS[api_flavor]
    if isinstance(usage.get("billed_units"), Mapping) and api_flavor != "tokens":
        return usage["billed_units"], "billed_units"
    for key, shape in (
        ("tokens", "tokens"),
        ("inputTokens", "converse"),
        ("prompt_tokens", "chat"),
        ("input_token_details", "realtime"),
        ("input_tokens_details", "responses"),
        ("cache_read_input_tokens", "messages"),
        ("cache_creation_input_tokens", "messages"),
        ("cache_creation", "messages"),
        ("server_tool_use", "messages"),
        ("input_tokens", "responses"),
        ("seconds", "seconds"),
    ):
        if usage.get(key) is not None:
            return usage, shape
    raise FinopsError(f"the usage {_shown(usage)} is of no known form.")


def _numbers(value: Any, path: str) -> Iterator[tuple[str, Decimal]]:
    """Every count with its path; items of a list by what they are about: `promptTokensDetails.AUDIO`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for item in value:
            about = (item.get("modality") or item.get("ttl") or item.get("type")) if isinstance(item, Mapping) else None
            yield from _numbers(item, f"{path}.{about}")
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(str(value))
        if not number.is_finite() or number < 0:
            raise FinopsError(f"the usage has {path} = {value}, which is no count.")
        yield path, number


def _listed_meaning(shape: str, path: str) -> str | None:
    """What an item of a list counts: of a kind of content, or of a time to live."""
    kind, _, rest = path.partition(".")
    about, _, name = rest.partition(".")
    if shape == "converse" and kind == "cacheDetails" and name == "inputTokens" and about in ("5m", "1h"):
        return f"cache_write_{about}"
    modality = _MODALITIES.get(about)
    if shape != "gemini" or name != "tokenCount" or modality is None:
        return None
    of = {
        "promptTokensDetails": "input",
        "promptTokenDetails": "input",
        "toolUsePromptTokensDetails": "input",
        "cacheTokensDetails": "cache_read",
        "candidatesTokensDetails": "output",
    }.get(kind)
    return of and (f"{modality}_{of}" if modality else f"text_{of}")


def _disjoint(found: Mapping[str, Decimal], usage: Mapping[str, Any]) -> dict[str, Decimal]:
    """The counts without those that are in another one. Raises FinopsError where parts are more than the whole."""

    def get(name: str) -> Decimal:
        return found.get(name, Decimal(0))

    written = max(get("cache_write"), get("cache_write_5m") + get("cache_write_1h"))
    beside = written if "cache_write" not in found else Decimal(0)
    cached = {kind: get(f"{kind}_cache_read") for kind in ("audio", "image", "video")}
    uncached = {kind: get(f"{kind}_input") - cached[kind] for kind in cached}
    written_kinds = {kind: get(f"{kind}_output") for kind in cached}
    total_input = max(get("input") + beside, get("text_input") if "input" not in found else Decimal(0))
    counts = {
        "uncached_input_tokens": total_input - get("cache_read") - written - sum(uncached.values()),
        "cache_read_tokens": get("cache_read") - cached["audio"] - cached["image"],
        # A provider that does not tell how long writes live has one kind of them.
        "cache_write_5m_tokens": written - get("cache_write_1h"),
        "cache_write_1h_tokens": get("cache_write_1h"),
        "input_audio_tokens": uncached["audio"],
        "cache_read_audio_tokens": cached["audio"],
        "input_image_tokens": uncached["image"],
        "cache_read_image_tokens": cached["image"],
        "input_video_tokens": uncached["video"],
        "output_tokens": get("output") - sum(written_kinds.values()),
        "output_audio_tokens": written_kinds["audio"],
        "output_image_tokens": written_kinds["image"],
        "output_video_tokens": written_kinds["video"],
        "reasoning_tokens": get("reasoning"),
        "audio_seconds": get("seconds"),
        "web_search_count": get("web_search"),
    }
    for name, count in counts.items():
        if count < 0:
            raise FinopsError(f"the usage {_shown(usage)} makes {name} {count}: its parts are more than the whole.")
    return {name: count for name, count in counts.items() if count}


def _shown(usage: Mapping[str, Any]) -> str:
    text = str(dict(usage))
    return text if len(text) <= 300 else f"{text[:300]}…"
