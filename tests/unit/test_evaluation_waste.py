"""The evaluation of waste, on a small generated organisation: all that is planted is found, and nothing else."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ml.evaluation.sample_bill import last_window, paid_in
from ml.evaluation.waste import scores
from orchestration.sample import DEFAULT_END, Truth, generate


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    out = tmp_path_factory.mktemp("waste") / "sample"
    return out, generate(out, seed=5, factor=0.4, months=2)


def test_what_is_planted_is_found_at_its_true_saving(sample: tuple[Path, Truth]) -> None:
    found = {one.kind: one for one in scores(sample[0])}
    assert sum(one.planted for one in found.values()) == len(
        {w.resource_id for w in sample[1].waste if Decimal(w.monthly_saving)}
    )
    # A small bill does not tell the price of every size.
    sizes = found.pop("right_sizing")
    assert sizes.recommended == sizes.both
    for one in found.values():
        assert one.both == one.planted > 0, one
        assert one.recommended == one.planted, one
        assert one.saving == pytest.approx(one.true_saving, rel=Decimal("0.06")), one


def test_what_is_paid_is_the_bill_less_discounts(sample: tuple[Path, Truth]) -> None:
    window = last_window(DEFAULT_END)
    assert (window.first, window.last) == (date(2026, 9, 20), date(2026, 10, 19))
    paid = paid_in(sample[0], window)
    volumes = [one for one in paid if one.region_id == "eu-west-1" and one.sku_meter == "EBS:VolumeUsage.gp3"]
    assert volumes
    for one in volumes:
        assert one.list_cost is not None
        assert sum(one.daily.values()) == pytest.approx(one.list_cost * Decimal("0.94"), rel=Decimal("0.0001"))
