"""What is measured is what others measure: the naive forecast of M4 Weekly has its published scores."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from ml.evaluation.forecasts import Case, m4_weekly, result
from ml.forecasting.models import seasonal_naive
from ml.forecasting.single import forecast_curve


@pytest.fixture(scope="module")
def cases(real_data: Path) -> list[Case]:
    return list(m4_weekly(real_data / "forecast" / "m4"))


def test_seasonal_naive_has_its_published_mase_on_m4_weekly(real_data: Path, cases: list[Case]) -> None:
    with (real_data / "forecast" / "published_scores.csv").open() as file:
        published = {
            (row["method_or_user_id"], row["metric"]): float(row["value"])
            for row in csv.DictReader(file)
            if row["frequency"] == "Weekly" and row["source"] == "M4 Evaluation and Ranks.xlsx"
        }
    assert len(cases) == 359
    naive = [seasonal_naive(case.history)(case.history.values, len(case.actual)) for case in cases]
    mase = np.mean([result(case, "", forecast).mase for case, forecast in zip(cases, naive, strict=True)])
    assert mase == pytest.approx(published["sNaive", "MASE"], abs=0.0005)


def test_ours_is_at_least_a_tenth_better_than_the_naive_on_m4_weekly(cases: list[Case]) -> None:
    ours, naive = [], []
    for case in cases[::60]:
        found = forecast_curve(case.history, len(case.actual), with_prophet=False)
        ours.append(result(case, "", np.array(found.curve)).wape)
        naive.append(result(case, "", seasonal_naive(case.history)(case.history.values, len(case.actual))).wape)
    assert np.mean(ours) < 0.9 * np.mean(naive)
