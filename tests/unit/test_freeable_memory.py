"""A database whose memory is used is not halved because nobody measures it in per cent."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from ml.savings.freeable_memory import FREEABLE, with_memory
from ml.savings.histogram import Histogram
from ml.savings.instance_types import Catalogue, Spec
from ml.savings.right_sizing import right_sizing
from ml.savings.sizing import CPU, MEMORY, Resource, SizingSettings, Use
from tests.unit.test_right_sizing import advised, paid

GIB = 1 << 30
CATALOGUE = Catalogue(
    specs={"db.m5.2xlarge": Spec(Decimal(8), Decimal(32)), "db.m5.xlarge": Spec(Decimal(4), Decimal(16)),
           "db.m5.large": Spec(Decimal(2), Decimal(8))},
    billed={("eu-west-1", "unknown", f"db.m5.{size}"): Decimal(price)
            for size, price in (("large", 1), ("xlarge", 2), ("2xlarge", 4))},
)  # fmt: skip


def database(free_gib: float, peak_gib: float | None = None) -> Resource:
    values = np.full(30 * 288, free_gib * GIB)
    if peak_gib is not None:
        values[::50] = peak_gib * GIB
    use = Use({CPU: Histogram.of(np.full(30 * 288, 3.0)), FREEABLE: Histogram.of(values)}, 30)
    return Resource(paid(instance_type="db.m5.2xlarge", resource_id="arn:aws:rds:eu-west-1:1:db:orders"), use)


def memory(resource: Resource) -> Histogram:
    use = with_memory(resource, CATALOGUE).use
    assert use is not None
    return use.metrics[MEMORY]


def test_memory_is_what_the_class_has_less_what_is_free() -> None:
    used = memory(database(24, peak_gib=8))
    assert (used.minimum, used.maximum, used.count) == (25.0, 75.0, 8640)
    assert used.mean == pytest.approx(26.0, abs=0.05)
    assert 25.0 <= used.percentile(90) <= 29.0
    assert used.percentile(99.5) == 75.0


def test_database_is_sized_by_the_memory_that_it_uses() -> None:
    plain = advised(database(30), CATALOGUE)
    assert (plain.proposed, plain.confidence) == ("db.m5.xlarge", "low")
    # 2 GiB of 32 are used: a quarter carries them; 20 GiB do not fit into half.
    assert advised(with_memory(database(30), CATALOGUE), CATALOGUE).proposed == "db.m5.large"
    assert not list(right_sizing([with_memory(database(12), CATALOGUE)], CATALOGUE, SizingSettings()))


def test_class_of_unknown_memory_tells_nothing_and_says_so() -> None:
    bare = Catalogue(billed=CATALOGUE.billed)
    found = with_memory(database(30), bare)
    assert found.use is not None
    assert MEMORY not in found.use.metrics
    assert "but not known is how much db.m5.2xlarge has" in advised(found, bare).confidence_reason
