"""Who calls which model of OpenAI and Anthropic through which project, workspace and key, how often and with how much."""

from __future__ import annotations

from dataclasses import dataclass

from ..calendar import BATCH, FLAT, OFFICE, RETAIL
from .prices import IMAGE_MODEL, TUNED_MODEL

OPENAI, ANTHROPIC = "openai", "anthropic"
SONNET, HAIKU, OPUS = "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001", "claude-opus-4-5-20251101"
# From the last closed month on, Anthropic's usage report calls its model by this name; its cost report does not.
RENAMED = {SONNET: "claude-sonnet-4-5"}


@dataclass(frozen=True)
class Stream:
    """Requests of one purpose. `requests` are those of a mean day at the end of the window; tokens are of one request.

    `cached` and `written` are shares of `read`, the tokens of a prompt. `started` and `stopped` are months before the
    month of the end; `hours` are the hours of the day that have any.
    """

    name: str
    provider: str
    team: str
    project_id: str | None
    api_key_id: str | None
    model: str
    tier: str
    requests: int
    read: int
    cached: float
    written: float
    output: int
    hours: tuple[int, ...]
    weekly: int
    started: int
    stopped: int = -1
    user_id: str | None = None
    service_account_id: str | None = None
    kind: str = "completions"
    searches: float = 0.0
    long_context: bool = False

    @property
    def only_weekdays(self) -> bool:
        """Whether nobody calls it on a weekend."""
        return self.weekly == OFFICE


# What the tables call the weekly shapes.
SHAPES = {"office": OFFICE, "retail": RETAIL, "night": BATCH, "flat": FLAT}
PROJECTS = {
    "assistant": ("proj_4mHqTn2vYcR8sLw1", "Machine Learning", "assistant"),
    "relevance": ("proj_7kDzPb9xAeU3gJf6", "Search", "relevance"),
    "promotions": ("proj_2wNsVr5tGhK1mXc4", "Checkout", "promotions"),
    "app-backend": ("proj_9bLyQf3jSdM7pZt2", "Mobile", "app-backend"),
    "reporting": ("proj_6rCgWk8nEvB4hTa5", "Data Platform", "reporting"),
    "returns": ("proj_1xJpMd7uFqY5zNo9", "Logistics", "warehouse"),
    "ledger": ("proj_8sVaHt4eKiG6bRl3", "Payments", "ledger"),
    "gateway": ("proj_3zTnXw6oLcP9yQj8", "Platform Engineering", "landing-zone"),
    "hackweek": ("proj_5qEhUm1rBkS2dVf7", "Mobile", "push"),
}
WORKSPACES = {
    "assistant": ("wrkspc_01HfAssistantQ7mZ4cXr2", "Machine Learning", "assistant"),
    "documents": ("wrkspc_01HfDocumentsB3kV9tNw6", "Payments", "ledger"),
    "catalogue": ("wrkspc_01HfCatalogueY5pL1sDj8", "Search", "catalogue-index"),
    "contracts": ("wrkspc_01HfContractsG2hR7xEa4", "Data Platform", "lakehouse"),
    "basket": ("wrkspc_01HfBasketCareT9nM3vKq5", "Checkout", "basket"),
    "code": ("wrkspc_01HfClaudeCodeW6jF8bUo1", "Platform Engineering", "clusters"),
    "routing": ("wrkspc_01HfRoutePlansC4zS2yIg7", "Logistics", "routing"),
    "shared": ("wrkspc_01HfSharedKeysX1dP5eLm9", None, None),
    "push": ("wrkspc_01HfPushTextsJ8aN6rHt3", "Mobile", "push"),
}
# What has no workspace is told of this one.
DEFAULT_WORKSPACE = "default"
# Several teams call through one workspace and are told apart by their keys alone; the last key is the gateway's.
SHARED_KEYS = {
    "apikey_01NpSearchEval5vGw": "Search",
    "apikey_01QkMobileCopy2bRz": "Mobile",
    "apikey_01XyGateway7mTd": "Platform Engineering",
}
_SHARED = tuple(SHARED_KEYS)
GATEWAY_KEY = "key_gateway_8f21"
IDLE_KEYS = ("key_hackweek_c09e", "apikey_01RtPushTexts4jLq")
CODERS = ("user_01ReneeCoder", "user_01IvoCoder", "user_01MaikeCoder")

# name | project | key | model | tier | requests | prompt, cached | output | hours | week | started | rest
_OPENAI = f"""
chat|assistant|key_assistant_51b0|gpt-5-2025-08-07|standard|9000|3200 .45|420|8-20|retail|14|
evaluation|assistant|key_assistant_51b0|gpt-5-mini-2025-08-07|flex|1500|2100 .2|380|3|night|10|
answers|assistant|key_answers_7d42|gpt-5-2025-08-07|standard|320|900 0|260|10,17|retail|8|searches=1.0
rewriting|relevance|key_rewriting_e6a3|gpt-5-mini-2025-08-07|standard|62000|450 0|60|7,10,13,16,19,22|retail|14|
embedding|relevance|key_embedding_19cf|text-embedding-3-small|standard|90000|1300 0|0|1|night|14|kind=embeddings
promotions|promotions|key_promotions_4a77|gpt-4.1-2025-04-14|standard|40000|380 0|6|9,13,17,20|retail|12|
helper|app-backend|key_helper_b85d|gpt-4.1-mini-2025-04-14|standard|21000|900 .3|150|8,14,20|retail|13|
banners|app-backend|key_helper_b85d|{IMAGE_MODEL}|standard|160|0 0|0|9,15|office|7|kind=images
digests|reporting|key_reporting_2c96|gpt-5-2025-08-07|standard|6500|2500 0|600|2,3,4|night|11|
labels|reporting|key_reporting_2c96|gpt-5-mini-2025-08-07|batch|24000|1200 0|140|1|night|9|
returns|returns|key_returns_f310|{TUNED_MODEL}|standard|5200|700 .1|90|8,15|office|6|
risk|ledger|key_risk_6be4|gpt-5-2025-08-07|priority|2600|1500 .3|120|9,12,15,19|retail|7|
gateway a|gateway|{GATEWAY_KEY}|gpt-5-mini-2025-08-07|standard|3800|1800 .25|300|10,15|office|12|user=user-Kq3TzvWn81
gateway b|gateway|{GATEWAY_KEY}|gpt-4.1-2025-04-14|standard|900|2600 .2|350|11,16|office|12|user=user-Vb7MdxLs46
gateway c|gateway|{GATEWAY_KEY}|gpt-5-2025-08-07|standard|700|2200 .2|500|9,14|office|9|user=user-Pf2RcnYe93
hackweek|hackweek|{IDLE_KEYS[0]}|gpt-5-mini-2025-08-07|standard|2400|800 0|200|11|office|10|stopped=5
"""
# name | workspace | key | model | tier | requests | prompt, cached, written | output | hours | week | started | rest
_ANTHROPIC = f"""
assistant|assistant|apikey_01AbAssistant9kXe|{SONNET}|standard|4200|10000 .90 .04|500|8-17|retail|12|searches=.02
documents|documents|apikey_01CdDocuments3wPn|{SONNET}|standard|1300|18300 .03 .95|250|8,10,12,14,16|office|9|
tagging|catalogue|apikey_01EfCatalogue6zUj|{HAIKU}|batch|52000|900 0 0|70|2|night|11|
contracts|contracts|apikey_01GhContracts1tBs|{SONNET}|standard|26|310000 0 0|2200|9,15|office|8|long=1
basket|basket|apikey_01IjBasketCare8vMa|{HAIKU}|priority|16000|1500 .5 .02|180|10,15,20|retail|8|
code a|code||{OPUS}|standard|420|24000 .92 .05|900|9,13,16|office|10|user={CODERS[0]}
code b|code||{OPUS}|standard|310|21000 .91 .06|800|10,14|office|10|user={CODERS[1]}
code c|code||{SONNET}|standard|260|20000 .9 .06|850|11,15|office|7|user={CODERS[2]}
workbench|||{OPUS}|standard|40|1500 0 0|700|13|office|10|user={CODERS[0]}
routing|routing|apikey_01KlRoutePlans2cHf|{HAIKU}|standard|7400|2100 .3 .01|160|6,18|flat|9|service=svac_01RoutePlanner
search copy|shared|{_SHARED[0]}|{HAIKU}|standard|3100|1300 0 0|220|10,16|office|6|
mobile copy|shared|{_SHARED[1]}|{HAIKU}|standard|2700|1100 0 0|240|11,17|office|6|
gateway|shared|{_SHARED[2]}|{SONNET}|standard|520|3800 .2 .05|450|9,12,15|office|9|
push texts|push|{IDLE_KEYS[1]}|{HAIKU}|standard|1900|600 0 0|110|12|office|11|stopped=4
"""


def _hours(text: str) -> tuple[int, ...]:
    if "-" in text:
        first, last = map(int, text.split("-"))
        return tuple(range(first, last + 1))
    return tuple(map(int, text.split(",")))


def _stream(provider: str, row: str) -> Stream:
    name, place, key, model, tier, requests, prompt, output, hours, week, started, rest = row.split("|")
    read, cached, written = [*prompt.split(), "0"][:3]
    extra = dict(entry.split("=") for entry in rest.split())
    project_id, team, _ = (PROJECTS if provider == OPENAI else WORKSPACES).get(place, (None, None, None))
    return Stream(
        name=name,
        provider=provider,
        team=team or SHARED_KEYS.get(key) or "Platform Engineering",
        project_id=project_id,
        api_key_id=key or None,
        model=model,
        tier=tier,
        requests=int(requests),
        read=int(read),
        cached=float(cached),
        written=float(written),
        output=int(output),
        hours=_hours(hours),
        weekly=SHAPES[week],
        started=int(started),
        stopped=int(extra.get("stopped", -1)),
        user_id=extra.get("user"),
        service_account_id=extra.get("service"),
        kind=extra.get("kind", "completions" if provider == OPENAI else "messages"),
        searches=float(extra.get("searches", 0)),
        long_context="long" in extra,
    )


STREAMS = tuple(
    _stream(provider, row)
    for provider, table in ((OPENAI, _OPENAI), (ANTHROPIC, _ANTHROPIC))
    for row in table.strip().split("\n")
)
