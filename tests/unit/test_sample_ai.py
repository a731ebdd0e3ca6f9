"""The AI deliveries of the sample organisation: shaped as the providers answer, and wrong only where it was planted."""

import gzip
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from orchestration.lib.formats.registry import READINGS
from orchestration.sample import Truth, generate
from orchestration.sample.ai import ai_settings, apply_ai_restatement
from orchestration.sample.ai.prices import TUNED_MODEL
from orchestration.sample.ai.traffic import IDLE_KEYS, PROJECTS, SHARED_KEYS, WORKSPACES
from orchestration.sample.organization import AWS_MAIN, TEAM

END = date(2026, 10, 20)
LOGGED_FROM, MILLIONS_FROM = END - timedelta(days=140), END - timedelta(days=80)
MISSING, RESTATED = "2026-09-15", "2026-09-10"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    out = tmp_path_factory.mktemp("sample") / "ai"
    return out, generate(out, seed=5, factor=0.1, end=END, months=6)


def _lines(path: Path) -> list[Json]:
    text = gzip.decompress(path.read_bytes()).decode()
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def _pages(out: Path, provider: str, kind: str, period: str = "*") -> Iterator[tuple[str, list[Json]]]:
    for path in sorted((out / "deliveries" / provider / kind).glob(f"{period}/*.jsonl.gz")):
        yield path.name.removesuffix(".jsonl.gz"), _lines(path)


def _results(out: Path, provider: str, kind: str, period: str = "*") -> Iterator[tuple[str, Json]]:
    for day, pages in _pages(out, provider, kind, period):
        for page in pages:
            for bucket in page["data"]:
                for result in bucket["results"]:
                    yield day, result


def _logs(out: Path) -> list[Json]:
    return [record for path in sorted((out / "deliveries/bedrock").rglob("*.json.gz")) for record in _lines(path)]


def _bedrock_bill(out: Path) -> list[Json]:
    found = []
    for path in sorted((out / "deliveries/aws_main").rglob("*.parquet")):
        lines = pq.read_table(path, partitioning=None, filters=[("line_item_product_code", "=", "AmazonBedrock")])
        found += [line for line in lines.to_pylist() if str(line["line_item_usage_type"]).startswith(("EU-", "USE1-"))]
    return found


def _bedrock_source() -> Json:
    return next(source for source in ai_settings(END)["sources"] if source["name"] == "bedrock")


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))


def test_the_same_arguments_give_the_same_deliveries(tmp_path: Path) -> None:
    for name in ("one", "other"):
        generate(tmp_path / name, factor=0.02, end=date(2026, 10, 3), months=1)
    for provider in ("openai", "anthropic", "bedrock"):
        files = [path for path in (tmp_path / "one/deliveries" / provider).rglob("*") if path.is_file()]
        assert len(files) >= 9
        for path in files:
            assert path.read_bytes() == (tmp_path / "other" / path.relative_to(tmp_path / "one")).read_bytes()


_WHO = {"project_id", "user_id", "api_key_id", "model", "num_model_requests", "object"}
_MODALITIES = {"text", "audio", "image"}
OPENAI_KEYS = {
    "completions": _WHO
    | {"input_tokens", "input_cached_tokens", "input_cache_write_tokens", "input_uncached_tokens", "output_tokens"}
    | {f"{part}_{kind}_tokens" for part in ("input", "output", "input_cached") for kind in _MODALITIES}
    | {"batch", "service_tier"},
    "embeddings": _WHO | {"input_tokens"},
    "images": _WHO | {"images", "size", "source"},
    "web_search_calls": _WHO | {"num_requests", "context_level"},
    "costs": {"object", "amount", "line_item", "project_id", "api_key_id", "quantity", "quantity_unit"},
}
ANTHROPIC_KEYS = {
    "messages": {
        *("account_id", "api_key_id", "cache_creation", "cache_read_input_tokens", "context_window", "inference_geo"),
        *("model", "output_tokens", "server_tool_use", "service_account_id", "service_tier", "uncached_input_tokens"),
        "workspace_id",
    },
    "cost_report": {
        *("amount", "context_window", "cost_type", "currency", "description", "inference_geo", "model"),
        *("service_tier", "token_type", "workspace_id"),
    },
}


@pytest.mark.parametrize(
    ("provider", "kind"),
    [("openai", kind) for kind in OPENAI_KEYS] + [("anthropic", kind) for kind in ANTHROPIC_KEYS],
)
def test_results_have_every_documented_key(sample: tuple[Path, Truth], provider: str, kind: str) -> None:
    keys = (OPENAI_KEYS if provider == "openai" else ANTHROPIC_KEYS)[kind]
    results = [result for _, result in _results(sample[0], provider, kind, "2026-09")]
    assert results
    assert all(result.keys() == keys for result in results)


@pytest.mark.parametrize(("provider", "kind"), [("openai", "completions"), ("anthropic", "messages")])
def test_pages_of_a_day_follow_each_other_and_have_all_hours(
    sample: tuple[Path, Truth], provider: str, kind: str
) -> None:
    start = "start_time" if provider == "openai" else "starting_at"
    for _, pages in _pages(sample[0], provider, kind, "2026-08"):
        assert [page["has_more"] for page in pages] == [True] * (len(pages) - 1) + [False]
        assert all((page["next_page"] is None) != page["has_more"] for page in pages)
        buckets = [bucket for page in pages for bucket in page["data"]]
        assert len({bucket[start] for bucket in buckets}) == 24
        assert any(not bucket["results"] for bucket in buckets)


def test_openai_usage_and_costs_are_those_of_the_truth(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    tokens: dict[str, int] = defaultdict(int)
    for day, result in [*_results(out, "openai", "completions"), *_results(out, "openai", "embeddings")]:
        tokens[day] += result["input_tokens"] + result.get("output_tokens", 0)
        if "input_cached_tokens" in result:
            assert result["input_tokens"] == result["input_uncached_tokens"] + result["input_cached_tokens"]
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for day, result in _results(out, "openai", "costs"):
        assert result["amount"]["currency"] == "usd"
        costs[day] += result["amount"]["value"]
    _assert_days(truth, "openai", tokens, costs)


def test_anthropic_usage_and_costs_in_cents_are_those_of_the_truth(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    tokens: dict[str, int] = defaultdict(int)
    for day, result in _results(out, "anthropic", "messages"):
        tokens[day] += result["uncached_input_tokens"] + result["cache_read_input_tokens"] + result["output_tokens"]
        tokens[day] += sum(result["cache_creation"].values())
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for day, result in _results(out, "anthropic", "cost_report"):
        costs[day] += Decimal(result["amount"]) / 100
    _assert_days(truth, "anthropic", tokens, costs)


def _assert_days(truth: Truth, provider: str, tokens: dict[str, int], costs: dict[str, Decimal]) -> None:
    assert len(truth.ai.days[provider]) == 31 + 30 + 31 + 31 + 30 + 20
    for day, teams in truth.ai.days[provider].items():
        assert sum(count for count, _, _ in teams.values()) == tokens[day]
        assert sum(Decimal(reported) for _, _, reported in teams.values()) == costs[day]


def test_computed_costs_are_what_the_catalogue_calculates(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    expected = Decimal(0)
    for day, result in [*_results(out, "openai", "completions"), *_results(out, "openai", "embeddings")]:
        if day == RESTATED and result["model"] != TUNED_MODEL:
            usage = Usage(
                input_tokens=result["input_tokens"],
                cache_read_tokens=result.get("input_cached_tokens", 0),
                output_tokens=result.get("output_tokens", 0),
            )
            price = calc_price(usage, result["model"], provider_id="openai").total_price
            factor = {"flex": Decimal("0.5"), "priority": Decimal(2)}.get(result.get("service_tier", ""), Decimal(1))
            expected += price * (Decimal("0.5") if result.get("batch") else factor)
    for kind, unit, unit_price in (("images", "images", "0.042"), ("web_search_calls", "num_requests", "0.01")):
        expected += sum(
            result[unit] * Decimal(unit_price) for day, result in _results(out, "openai", kind) if day == RESTATED
        )
    assert expected == sum(Decimal(computed) for _, computed, _ in truth.ai.days["openai"][RESTATED].values())


def test_totals_of_the_cost_reports_are_what_the_pages_say(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    assert len(truth.ai_totals) == 2 * 6
    for total in truth.ai_totals:
        kind = {"openai": "costs", "anthropic": "cost_report"}[total.source]
        found = [result for _, result in _results(out, total.source, kind, total.billing_period)]
        days = len(list(_pages(out, total.source, kind, total.billing_period)))
        assert (days, len(found)) == (total.files, total.lines)
        cents = 100 if total.source == "anthropic" else 1
        amounts = [result["amount"]["value"] if cents == 1 else Decimal(result["amount"]) for result in found]
        assert sum(amounts, Decimal(0)) / cents == Decimal(total.billed_cost)


def test_all_that_differs_was_planted(sample: tuple[Path, Truth]) -> None:
    truth = sample[1].ai
    gaps: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for total in truth.totals:
        gaps[total.provider, total.billing_period] += Decimal(total.reported_cost) - Decimal(total.computed_cost)
    for found in truth.differences:
        # Of an account that never logs the truth has no usage.
        if found.model or found.kind != "logging_off":
            gap = Decimal(found.reported_cost) - Decimal(found.computed_cost)
            gaps[found.provider, found.billing_period] -= gap
    assert set(gaps.values()) == {Decimal(0)}
    assert {found.kind for found in truth.differences} == {
        *("priority_tier", "code_execution", "rounding", "missing_price", "missing_report", "late_report"),
        *("web_search", "logging_off"),
    }


def test_the_priority_tier_is_used_and_not_in_the_cost_report(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    assert any(result["service_tier"] == "priority" for _, result in _results(out, "anthropic", "messages"))
    reported = [result for _, result in _results(out, "anthropic", "cost_report")]
    assert not [result for result in reported if result["service_tier"] == "priority"]
    invoice = next(one for one in truth.ai_invoices if (one.source, one.billing_period) == ("anthropic", "2026-08"))
    priority = next(
        found for found in truth.ai.differences if (found.kind, found.billing_period) == ("priority_tier", "2026-08")
    )
    missing = Decimal(invoice.invoiced) - Decimal(invoice.delivered)
    assert missing.quantize(Decimal("0.01")) == Decimal(priority.computed_cost).quantize(Decimal("0.01"))


def test_a_missing_and_a_late_cost_report_have_empty_buckets(sample: tuple[Path, Truth]) -> None:
    for provider, kind, day in (("anthropic", "cost_report", MISSING), ("openai", "costs", "2026-10-20")):
        pages = _lines(sample[0] / f"deliveries/{provider}/{kind}/{day[:7]}/{day}.jsonl.gz")
        assert [bucket["results"] for page in pages for bucket in page["data"]] == [[]]


def test_code_execution_is_in_the_costs_alone_and_searches_in_both(sample: tuple[Path, Truth]) -> None:
    out = sample[0]
    types: dict[str, Decimal] = defaultdict(Decimal)
    for _, result in _results(out, "anthropic", "cost_report", "2026-08"):
        types[result["cost_type"]] += Decimal(result["amount"])
    searches = sum(
        result["server_tool_use"]["web_search_requests"]
        for _, result in _results(out, "anthropic", "messages", "2026-08")
    )
    # A cent each, less what was negotiated for the model.
    assert types["web_search"] == searches * Decimal("0.92")
    assert types["code_execution"] > 0


def test_a_model_without_a_price_has_usage_and_costs(sample: tuple[Path, Truth]) -> None:
    with pytest.raises(LookupError):
        get_snapshot().find_provider_model(TUNED_MODEL, None, "openai", None)
    used = [result for _, result in _results(sample[0], "openai", "completions") if result["model"] == TUNED_MODEL]
    found = [total for total in sample[1].ai.totals if total.model == TUNED_MODEL]
    assert used
    assert all(total.computed_cost == "0" and Decimal(total.reported_cost) > 0 for total in found)


def test_embeddings_are_charged_in_whole_cents(sample: tuple[Path, Truth]) -> None:
    amounts = [
        result["amount"]["value"]
        for _, result in _results(sample[0], "openai", "costs")
        if result["line_item"].startswith("text-embedding")
    ]
    assert amounts
    assert all(amount == round(amount, 2) for amount in amounts)


def test_a_model_is_renamed_in_the_usage_only(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    (old, new), *_ = truth.ai.renamed.items()
    for period, names in (("2026-08", {old}), ("2026-09", {new})):
        used = {result["model"] for _, result in _results(out, "anthropic", "messages", period)}
        assert used & {old, new} == names
        reported = {result["model"] for _, result in _results(out, "anthropic", "cost_report", period)}
        assert reported & {old, new} == {old}


def test_the_negotiated_discount_is_in_the_cost_report(sample: tuple[Path, Truth]) -> None:
    model = "claude-sonnet-4-5-20250929"
    for period, price in (("2026-06", Decimal(3)), ("2026-07", Decimal("2.76"))):
        workspace = WORKSPACES["documents"][0]
        used = sum(
            result["uncached_input_tokens"]
            for _, result in _results(sample[0], "anthropic", "messages", period)
            if result["workspace_id"] == workspace
        )
        charged = sum(
            Decimal(result["amount"]) / 100
            for _, result in _results(sample[0], "anthropic", "cost_report", period)
            if (result["workspace_id"], result["model"], result["token_type"])
            == (workspace, model, "uncached_input_tokens")
        )
        assert charged == used * price / 1_000_000


def test_claude_code_tells_tokens_that_the_usage_has_too(sample: tuple[Path, Truth]) -> None:
    out = sample[0]
    told = sum(
        model["tokens"]["output"]
        for _, pages in _pages(out, "anthropic", "claude_code", "2026-08")
        for page in pages
        for row in page["data"]
        for model in row["model_breakdown"]
    )
    used = sum(
        result["output_tokens"]
        for _, result in _results(out, "anthropic", "messages", "2026-08")
        if result["workspace_id"] == WORKSPACES["code"][0]
    )
    assert told == used > 0


def test_logs_and_bill_of_bedrock_agree_but_for_what_is_not_logged(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    logged: dict[tuple[str, str], int] = defaultdict(int)
    counters = {
        "inputTokenCount": "input-tokens",
        "cacheReadInputTokenCount": "cache-read-input-token-count",
        "cacheWriteInputTokenCount": "cache-write-input-token-count",
        "outputTokenCount": "output-tokens",
    }
    records = _logs(out)
    for record in records:
        role = record["identity"]["arn"].split("/")[1]
        for name, count in (record["input"] | record["output"]).items():
            if name in counters:
                logged[record["timestamp"][:10], f"{role} {counters[name]}"] += count
    billed: dict[tuple[str, str], int] = defaultdict(int)
    costs = Decimal(0)
    for line in _bedrock_bill(out):
        units = {"1K tokens": 1_000, "1M tokens": 1_000_000}[line["pricing_unit"]]
        day = line["line_item_usage_start_date"].date()
        assert units == (1_000_000 if day >= MILLIONS_FROM else 1_000)
        cost = _exact(line["line_item_unblended_cost"])
        tokens = int(_exact(line["line_item_usage_amount"]) * units)
        assert cost == tokens * Decimal(line["pricing_public_on_demand_rate"]) / units
        meter = line["line_item_usage_type"].split("-", 2)[2].removesuffix("-cross-region-global")
        role = line["line_item_iam_principal"].split("/")[1]
        costs += cost
        if day >= LOGGED_FROM and role != "lakehouse-trial":
            billed[day.isoformat(), f"{role} {meter}"] += tokens
    assert billed == {key: count for key, count in logged.items() if count}
    assert costs == sum(Decimal(total.reported_cost) for total in truth.ai.totals if total.provider == "aws")
    assert len(records) == truth.ai.log_records == len({record["requestId"] for record in records})
    assert min(record["timestamp"] for record in records) >= LOGGED_FROM.isoformat()


def test_logs_lie_where_aws_puts_them(sample: tuple[Path, Truth]) -> None:
    root = sample[0] / "deliveries/bedrock/AWSLogs"
    for path in root.rglob("*.json.gz"):
        account, kind, region, *hour = path.relative_to(root).parent.parts
        assert (kind, len(hour)) == ("BedrockModelInvocationLogs", 4)
        for record in _lines(path):
            assert (record["accountId"], record["region"]) == (account, region)
            assert record["timestamp"].startswith("-".join(hour[:3]) + f"T{hour[3]}")


def test_models_are_named_by_id_by_profile_and_by_an_own_profile(sample: tuple[Path, Truth]) -> None:
    named = {record["modelId"] for record in _logs(sample[0])}
    own = {name for name in named if ":application-inference-profile/" in name}
    regional = {name for name in named if ":inference-profile/eu." in name}
    world = {name for name in named if ":inference-profile/global." in name}
    assert [len(names) for names in (own, regional, world)] == [1, 2, 1]
    assert own == set(_bedrock_source()["inference_profiles"])
    served = {record["inferenceRegion"] for record in _logs(sample[0]) if record["modelId"] in world}
    assert served == {"eu-west-1", "us-east-1", "ap-northeast-1"}
    assert own | regional | world <= {line["line_item_resource_id"] for line in _bedrock_bill(sample[0])}


def test_broken_streams_are_charged_and_asked_for_again(sample: tuple[Path, Truth]) -> None:
    records = _logs(sample[0])
    throttled = [record for record in records if record.get("errorCode") == "ThrottlingException"]
    assert all(record["input"]["inputTokenCount"] == 0 for record in throttled)
    broken = [record for record in records if record.get("errorCode") == "ModelStreamErrorException"]
    assert throttled
    assert broken
    answered = {record["requestMetadata"]["traceId"] for record in records if record["accountId"] == "100200300402"}
    for record in broken:
        trace = record["requestMetadata"]["traceId"]
        assert trace in answered
        assert [one.get("errorCode") for one in records if one.get("requestMetadata", {}).get("traceId") == trace] == [
            "ModelStreamErrorException",
            None,
        ]


def test_a_restated_hour_and_late_costs_come_as_whole_days(sample: tuple[Path, Truth], tmp_path: Path) -> None:
    out = tmp_path / "restated"
    shutil.copytree(sample[0], out)
    before = {kind: dict(_pages(out, "openai", kind)) for kind in ("completions", "costs")}
    apply_ai_restatement(out)
    after = {kind: dict(_pages(out, "openai", kind)) for kind in ("completions", "costs")}
    assert [day for day in before["completions"] if before["completions"][day] != after["completions"][day]] == [
        RESTATED
    ]
    assert [day for day in before["costs"] if before["costs"][day] != after["costs"][day]] == [RESTATED, "2026-10-20"]
    changed = [
        new["start_time"]
        for old_page, new_page in zip(before["completions"][RESTATED], after["completions"][RESTATED], strict=True)
        for old, new in zip(old_page["data"], new_page["data"], strict=True)
        if old != new
    ]
    assert [start % 86_400 // 3600 for start in changed] == [14]
    for restated in sample[1].ai.restatements:
        kind = {"openai": "costs", "anthropic": "cost_report"}[restated.provider]
        if restated.kind == kind:
            amounts = [_reported(folder, restated.provider, kind, restated.day) for folder in (sample[0], out)]
            assert amounts[1] - amounts[0] == Decimal(restated.added_cost) > 0


def _reported(out: Path, provider: str, kind: str, day: str) -> Decimal:
    found = [result for found, result in _results(out, provider, kind, day[:7]) if found == day]
    if provider == "openai":
        return sum((result["amount"]["value"] for result in found), Decimal(0))
    return sum((Decimal(result["amount"]) / 100 for result in found), Decimal(0))


def test_planted_savings_are_what_other_prices_would_have_cost(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    savings = {(saving.kind, saving.api_key_id): saving for saving in truth.ai.savings}
    recent = [
        result for day, result in _results(out, "openai", "completions") if day > (END - timedelta(days=28)).isoformat()
    ]
    digests = [
        result
        for result in recent
        if result["model"].startswith("gpt-5-2025") and result["api_key_id"] == "key_reporting_2c96"
    ]
    cost = sum(
        result["input_tokens"] * Decimal("0.00000125") + result["output_tokens"] * Decimal("0.00001")
        for result in digests
    )
    batch = savings["batch", "key_reporting_2c96"]
    assert Decimal(batch.current_cost) == round(cost, 2)
    assert Decimal(batch.saving) == round(cost / 2, 2)
    promotions = [result for result in recent if result["api_key_id"] == "key_promotions_4a77"]
    smaller = sum(
        result["input_tokens"] * (Decimal("0.000002") - Decimal("0.0000004"))
        + result["output_tokens"] * (Decimal("0.000008") - Decimal("0.0000016"))
        for result in promotions
    )
    assert Decimal(savings["model_substitution", "key_promotions_4a77"].saving) == round(smaller, 2)
    for saving in truth.ai.savings:
        assert Decimal(saving.saving) <= Decimal(saving.current_cost)
    assert {"prompt_caching", "oversized_context", "failed_requests", "idle_key"} <= {kind for kind, _ in savings}


def test_idle_keys_were_used_once_and_are_no_more(sample: tuple[Path, Truth]) -> None:
    days = [day for day, result in _results(sample[0], "anthropic", "messages") if result["api_key_id"] == IDLE_KEYS[1]]
    assert max(days) == "2026-05-29"


def test_settings_give_projects_workspaces_and_keys_to_teams(sample: tuple[Path, Truth]) -> None:
    config = yaml.safe_load((sample[0] / "finops-config.yaml").read_text(encoding="utf-8"))
    sources = {source["name"]: source["format"] for source in config["sources"]}
    teams = {entry["sub_account_id"]: entry["team"] for entry in config["accounts"]}
    assert {"openai", "anthropic", "bedrock_logs"} & READINGS.keys() <= set(sources.values())
    for place, team, _ in (*PROJECTS.values(), *WORKSPACES.values()):
        assert team is None or team in TEAM
        if "bedrock" in sources:
            assert teams.get(place) == team
    assert set(SHARED_KEYS.values()) <= TEAM.keys()
    assert {record["accountId"] for record in _logs(sample[0])} <= {account.account_id for account in AWS_MAIN.accounts}
