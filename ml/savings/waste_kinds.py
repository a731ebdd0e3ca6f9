"""All kinds of waste behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import localcontext

from ml.savings.holdings import Holdings
from ml.savings.idle import idle
from ml.savings.orphaned import orphaned
from ml.savings.recommendation import Recommendation
from ml.savings.schedules import schedules
from ml.savings.sizing import Exclusion
from ml.savings.storage_lifecycle import storage_lifecycle
from ml.savings.volume_type import volume_types

Kind = Callable[[Holdings], Iterable[Recommendation | Exclusion]]
KINDS: tuple[Kind, ...] = (idle, orphaned, schedules, storage_lifecycle, volume_types)


def find_waste(holdings: Holdings) -> tuple[tuple[Recommendation, ...], tuple[Exclusion, ...]]:
    """What is recommended, and the reasons where nothing can be."""
    with localcontext(prec=60):
        found = [one for kind in KINDS for one in kind(holdings)]
    return (
        tuple(one for one in found if isinstance(one, Recommendation)),
        tuple(one for one in found if isinstance(one, Exclusion)),
    )
