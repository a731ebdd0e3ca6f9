"""`make evaluate`: measure, and write what was measured to docs/accuracy.md."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ml.anomalies.surprise import MEMORY, onsets, season_length, surprises
from ml.evaluation import commitments, forecasts, nab, right_sizing, waste

ROOT = Path(__file__).resolve().parents[2]
# Scores that NAB published for these very series (results/*/*_standard_scores.csv at numenta/NAB@ea702d7), added up by its rules.
PUBLISHED = {"Skyline (earthgecko)": 58.5, "Windowed Gaussian": 39.8, "Nothing is ever reported": 0.0}
PAGE = """# Accuracy

Written by `make evaluate` on {day}; the same data give the same figures. What is not measured here is not claimed.

## Anomalies: Numenta Anomaly Benchmark

{count} of the 58 series of NAB (those whose data is at hand), {windows} labelled windows, standard profile, scored by NAB's rules
(`ml/evaluation/nab.py`, which gives NAB's published figure of the windowed Gaussian for each series). 0: nothing is ever reported;
100: every window is reported when it begins, and nothing else. As in NAB, one threshold holds for all series and is the one
with the best sum; "held out" has the threshold of the other half of the series, which a detector in use would be nearer to.

| detector | score | held out |
|---|---|---|
{rows}

Settings of `surprise`: season of a day, tail from {memory} seasons, reported again after half a season. None is set for a series.
Detectors without a figure for "held out" are NAB's published ones.
"""


# What else is measured, in the order of the page; each says where its data is not at hand.
SECTIONS: tuple[Callable[[Path], str], ...] = (
    forecasts.section,
    right_sizing.section,
    commitments.page,
    lambda _: waste.section(),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make evaluate", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("FINOPS_REAL_DATA", ROOT.parent / "shared" / "data"),
        help="folder with published data (default: FINOPS_REAL_DATA, else ../shared/data)",
    )
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "accuracy.md", help="the page to write")
    given = parser.parse_args(arguments)
    folder = Path(given.data) / "anomaly" / "nab"
    if not folder.is_dir():
        print(f"error: {folder}: no such folder. Say where NAB's data is with --data.", file=sys.stderr)
        return 1
    sections = [evaluate(list(nab.read_series(folder)))]
    sections += [section(Path(given.data)) for section in SECTIONS]
    page = "\n".join(sections)
    given.page.write_text(page)
    print(page)
    return 0


def evaluate(series: Sequence[nab.Series]) -> str:
    """The page of accuracies."""
    scores = [detected(one.times, one.values) for one in series]
    _, best = nab.best_threshold(series, scores)
    rows = [("`surprise` (`ml/anomalies/surprise.py`)", best, f"{held_out(series, scores):.1f}")]
    rows += [(name, score, "") for name, score in PUBLISHED.items()]
    return PAGE.format(
        day=datetime.now(UTC).date(),
        count=len(series),
        windows=sum(len(one.windows) for one in series),
        rows="\n".join(f"| {name} | {score:.1f} | {other} |" for name, score, other in rows),
        memory=MEMORY,
    )


def detected(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Surprise where an event begins, for each value of a series."""
    return onsets(surprises(times, values), season_length(times) // 2)


def held_out(series: Sequence[nab.Series], scores: Sequence[np.ndarray]) -> float:
    """The score where each half of the series (every other one) has the threshold that is best for the other half."""
    raw = 0.0
    for half in (0, 1):
        threshold, _ = nab.best_threshold(series[1 - half :: 2], scores[1 - half :: 2])
        raw += sum(
            nab.score(one, given >= threshold) for one, given in zip(series[half::2], scores[half::2], strict=True)
        )
    return nab.normalised(raw, series)


if __name__ == "__main__":
    sys.exit(main())
