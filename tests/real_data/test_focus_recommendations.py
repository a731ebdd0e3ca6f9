"""The export of recommendations beside the published example of the FOCUS draft: the same columns, and values that it knows."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from orchestration.lib import dbt
from orchestration.lib.focus_recommendations import COLUMNS
from orchestration.lib.focus_versions import header


def test_columns_and_values_are_those_of_the_example(real_data: Path) -> None:
    path = real_data / "focus" / "spec_examples_draft_2026" / "recommendation_scenarios.csv"
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == list(map(header, COLUMNS))
    model = (dbt.project_dir() / "models" / "marts" / "focus_recommendations.sql").read_text()
    said = set(re.findall(r"(?:then|else) '([^']+)'", model))
    for column in ("RecommendationStatus", "RecommendationCategory", "RecommendationSubcategory"):
        known = {row[column] for row in rows}
        ours = said & (known | {"Other (Cost)"})
        assert len(ours) >= 2, column
    assert {"Open", "Deferred", "Dismissed", "Implemented"} <= said & {row["RecommendationStatus"] for row in rows}
    for row in rows:
        # What is saved is negative, what is not about cost has no impact, and a configuration is an object of own keys.
        assert row["RecommendationCategory"] != "Cost" or float(row["EstimatedMonthlyCostImpact"]) < 0
        for name in ("ResourceConfigurationDetailsCurrent", "ResourceConfigurationDetailsRecommended"):
            assert all(key.startswith("x_") for key in json.loads(row[name] or "{}"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["RecommendationCreated"])
