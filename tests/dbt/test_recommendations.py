"""Recommendations over the real marts of AI usage, shown by a view that was made before them."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.lib import postgres
from orchestration.lib.ai.savings import ai_recommendations
from orchestration.lib.focus_recommendations import export_recommendations
from orchestration.lib.gate import gate_markdown, run_gate
from orchestration.lib.recommendation_run import run_recommendations
from orchestration.lib.recommendation_states import decide
from tests.dbt.ai import SECTIONS
from tests.dbt.project import Project

SAVINGS = {
    "minimum_monthly_saving": "0",
    "rules": [{"name": "all", "condition": "cost_per_day > 0", "potential_savings_percentage": "40"}],
}


def test_the_mart_shows_what_was_worked_out_of_the_marts(
    ai_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ai_project.rows("select count(*) from finops.recommendations") == [(0,)]
    ai_project.configure(**SECTIONS, ai_api_optimization=SAVINGS)
    with psycopg.connect(ai_project.url) as connection:
        found = run_recommendations(connection, ai_project.config).portfolio.recommendations
    window = found[0].window
    assert window is not None
    assert window.days == 2  # the 4th and 5th; the 6th may still be filling
    assert {"custom_rule", "model_substitution"} <= {one.kind for one in found}
    shown = ai_project.rows("select recommendation_id, is_counted from finops.recommendations order by overall_rank")
    assert shown == [(one.recommendation_id, one.counts) for one in found]
    # Of the two days all that has a price, without tools; a source that repeats another's usage is not there.
    ((paid,),) = ai_project.rows(
        "select sum(model_cost) from finops.ai_usage where charge_date <= '2025-03-05' and price_status = 'priced'"
    )
    ((saved, cost),) = ai_project.rows(
        "select sum(monthly_saving), sum(monthly_cost) from finops.recommendations where is_counted"
    )
    assert Decimal(0) < saved <= cost <= window.monthly(paid, 2)
    result = run_gate(ai_project.url, "recommendations")
    assert result.success, gate_markdown(result)
    # The same as FOCUS drafts it, in a file; what people decide shows at once.
    with psycopg.connect(ai_project.url) as connection:
        decide(connection, found[0].recommendation_id, "dismissed", reason="not now", until=date(2030, 1, 1))
    monkeypatch.setattr(postgres, "ensure_running", lambda: ai_project.url)
    listed = CliRunner().invoke(main, ["recommendations", "list", "--all", "--limit", "500"])
    key = found[0].recommendation_id[:8]
    (line,) = [line for line in listed.output.splitlines() if key in line and "counts in its place" not in line]
    assert "no: dismissed" in line
    assert "nothing twice" in listed.output
    assert key not in CliRunner().invoke(main, ["recommendations", "list", "--limit", "500"]).output
    told = CliRunner().invoke(main, ["recommendations", "show", key]).output
    assert found[0].reason[:20] in told
    assert "not now" in told
    refused = CliRunner().invoke(main, ["recommendations", "dismiss", key, "--reason", "again"])
    assert (refused.exit_code, "it cannot become dismissed" in refused.output) == (1, True)
    assert "Nothing is done yet" in CliRunner().invoke(main, ["recommendations", "realised"]).output
    path, count = export_recommendations(ai_project.url, "csv", tmp_path)
    with path.open(newline="") as file:
        rows = {row["RecommendationId"]: row for row in csv.DictReader(file)}
    assert count == len(rows) == len(found)
    first = rows[found[0].recommendation_id]
    assert (first["RecommendationStatus"], first["Currency"]) == ("Deferred", "USD")
    assert first["RecommendationCreated"] == "2025-03-05T00:00:00Z"
    assert Decimal(first["EstimatedMonthlyCostImpact"]) == -found[0].estimate.saving
    path, _ = export_recommendations(ai_project.url, "parquet", tmp_path)
    table = pq.read_table(path, columns=["RecommendationId", "EstimatedMonthlyCostImpact", "RecommendationCreated"])
    for row in table.to_pylist():
        as_text = rows[row["RecommendationId"]]
        assert str(row["EstimatedMonthlyCostImpact"] or "") == as_text["EstimatedMonthlyCostImpact"]
        assert f"{row['RecommendationCreated']:%Y-%m-%dT%H:%M:%SZ}" == as_text["RecommendationCreated"]


def test_a_rule_takes_the_cost_of_the_key_and_day(ai_project: Project) -> None:
    rule = {
        "name": "a",
        "condition": "api_key_id = 'key_a' and requests_per_day = 6",
        "potential_savings_percentage": "50",
    }
    ai_project.configure(**SECTIONS, ai_api_optimization={"rules": [rule], "minimum_monthly_saving": "0"})
    with psycopg.connect(ai_project.url) as connection:
        window, found = ai_recommendations(connection, ai_project.config)
    assert window is not None
    (one,) = [one for one in found if one.kind == "custom_rule"]
    assert (one.owner.team, one.sub_account_id) == ("Search", "proj_1")
    assert one.estimate.cost == window.monthly(Decimal("0.01025"), 2)
    assert one.estimate.saving == window.monthly(Decimal("0.005125"), 2)


def test_a_build_keeps_the_recommendations_and_their_view(ai_project: Project) -> None:
    with psycopg.connect(ai_project.url) as connection:
        run_recommendations(connection, ai_project.config)
    before = ai_project.rows("select r::text from finops.recommendations as r order by 1")
    ai_project.run(
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--select",
        "stg_ml__recommendations+ stg_ml__recommendation_states+",
    )
    assert ai_project.rows("select r::text from finops.recommendations as r order by 1") == before
