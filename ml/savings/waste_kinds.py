"""All kinds of waste behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import localcontext

from ml.savings.holdings import Holdings
from ml.savings.idle import idle
from ml.savings.network import network
from ml.savings.orphaned import orphaned
from ml.savings.recommendation import Recommendation
from ml.savings.schedules import schedules
from ml.savings.sizing import Exclusion
from ml.savings.storage_lifecycle import storage_lifecycle
from ml.savings.volume_type import volume_types

Kind = Callable[[Holdings], Iterable[Recommendation | Exclusion]]
KINDS: tuple[Kind, ...] = (idle, orphaned, schedules, storage_lifecycle, volume_types, network)


def find_waste(holdings: Holdings) -> tuple[tuple[Recommendation, ...], tuple[Exclusion, ...]]:
    """What is recommended, and the reasons where nothing can be."""
    with localcontext(prec=60):
        found = [one for kind in KINDS for one in kind(holdings)]
    return (
        tuple(one for one in found if isinstance(one, Recommendation) and not _saves_nothing(one)),
        tuple(
            one if isinstance(one, Exclusion) else Exclusion(one.resource_id or "", one.reason)
            for one in found
            if isinstance(one, Exclusion) or _saves_nothing(one)
        ),
    )


def _saves_nothing(one: Recommendation) -> bool:
    """Whether a commitment pays for it until a day that the bill does not tell. Hints claim no saving, and act on no cost."""
    return not one.estimate.saving and bool(one.estimate.cost)
