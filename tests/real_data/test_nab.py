"""The scoring of the Numenta Anomaly Benchmark against its published scores, and our detector by the same rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.evaluation import nab
from ml.evaluation.__main__ import detected, held_out

# Scores of the windowed Gaussian, standard profile: results/windowedGaussian/windowedGaussian_standard_scores.csv of numenta/NAB@ea702d7.
PUBLISHED = {
    "artificialWithAnomaly/art_daily_flatmiddle.csv": -1.0,
    "artificialWithAnomaly/art_daily_jumpsdown.csv": -1.0,
    "artificialWithAnomaly/art_daily_jumpsup.csv": -1.0,
    "artificialWithAnomaly/art_daily_nojump.csv": -1.0,
    "artificialWithAnomaly/art_increase_spike_density.csv": -1.0,
    "artificialWithAnomaly/art_load_balancer_spikes.csv": -0.692444609523,
    "realKnownCause/ambient_temperature_system_failure.csv": -2.0,
    "realKnownCause/cpu_utilization_asg_misconfiguration.csv": -1.11,
    "realKnownCause/ec2_request_latency_system_failure.csv": 2.02150685678,
    "realKnownCause/machine_temperature_system_failure.csv": -4.0,
    "realKnownCause/nyc_taxi.csv": -5.0,
    "realKnownCause/rogue_agent_key_hold.csv": -2.44,
    "realKnownCause/rogue_agent_key_updown.csv": -1.3964908955,
    "realTraffic/TravelTime_387.csv": -1.79598133079,
    "realTraffic/TravelTime_451.csv": -1.0,
    "realTraffic/occupancy_6005.csv": -1.0,
    "realTraffic/occupancy_t4013.csv": 1.72522152023,
    "realTraffic/speed_6005.csv": 0.832538201468,
    "realTraffic/speed_7578.csv": 3.47059145681,
    "realTraffic/speed_t4013.csv": 1.76631783122,
    "realTweets/Twitter_volume_AAPL.csv": 1.51399683626,
    "realTweets/Twitter_volume_AMZN.csv": 1.55848299457,
    "realTweets/Twitter_volume_CRM.csv": 0.763845764094,
    "realTweets/Twitter_volume_CVS.csv": 0.773682061394,
    "realTweets/Twitter_volume_FB.csv": 0.119750278191,
    "realTweets/Twitter_volume_GOOG.csv": -0.146777355167,
    "realTweets/Twitter_volume_IBM.csv": -0.799109479229,
    "realTweets/Twitter_volume_KO.csv": -0.914196106944,
    "realTweets/Twitter_volume_PFE.csv": 0.26557999349,
    "realTweets/Twitter_volume_UPS.csv": -2.2051646682,
}
# The scores are published for a threshold of 1 on anomaly scores that were written with twelve digits.
DIGITS = 12


@pytest.fixture(scope="module")
def series(real_data: Path) -> list[nab.Series]:
    return list(nab.read_series(real_data / "anomaly" / "nab"))


def test_windowed_gaussian_has_its_published_score_on_every_series(series: list[nab.Series]) -> None:
    assert [one.name for one in series] == list(PUBLISHED)
    for one in series:
        scores = nab.windowed_gaussian(one.times, one.values)
        assert nab.score(one, np.round(scores, DIGITS) >= 1.0) == pytest.approx(PUBLISHED[one.name], abs=1e-9), one.name


def test_surprise_is_above_the_published_score_of_skyline_also_with_the_threshold_of_other_series(
    series: list[nab.Series],
) -> None:
    scores = [detected(one.times, one.values) for one in series]
    assert nab.best_threshold(series, scores)[1] > 58.5
    assert held_out(series, scores) > 58.5
