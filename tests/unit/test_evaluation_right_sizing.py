"""Sizing on a first half and judging in the second."""

from pathlib import Path

import numpy as np
import pytest

from ml.evaluation.right_sizing import LIMIT, best_within, curve, ours, outcome, plain_rule, read_traces, section
from ml.savings.sizing import SizingSettings


def test_violations_are_what_the_second_half_used_beyond_its_size() -> None:
    quiet, grows, busy = np.full(8, 10.0), np.r_[np.full(4, 10.0), 10.0, 10.0, 30.0, 90.0], np.full(8, 60.0)
    traces = np.array([quiet, grows, busy])
    # 10 % with a fifth to spare fits in an eighth of the size.
    assert ours(SizingSettings())(traces[:, :4]).tolist() == [1 / 8, 1 / 8, 1.0]
    found = outcome("ours", traces, ours(SizingSettings()))
    assert [found.saving, found.violations] == pytest.approx([1 - (1 / 8 + 1 / 8 + 1) / 3, 2 / 12])
    rule = outcome("rule", traces, plain_rule(0.3))
    assert [rule.saving, rule.violations] == pytest.approx([0.2, 1 / 12])


def test_absent_traces_are_said(tmp_path: Path) -> None:
    assert "Not measured" in section(tmp_path)


def test_ours_saves_more_than_the_rule_on_real_traces(real_data: Path) -> None:
    path = real_data / "utilisation" / "planetlab_cpu_pct_20110303.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    traces = read_traces(path)[::4]
    rule = outcome("rule", traces, plain_rule(0.3))
    rules = (outcome("rule", traces, plain_rule(cut / 100)) for cut in range(30, 100, 10))
    best = best_within(curve(traces, SizingSettings()))
    assert best.violations <= LIMIT
    assert best.saving > best_within(rules).saving > rule.saving
