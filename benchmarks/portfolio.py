"""The portfolio of many recommendations, beside the largest saving that any set could have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from random import Random

from benchmarks.measure import Measurement, timed
from ml.savings.portfolio import portfolio
from ml.savings.recommendation import Estimate, Owner, Recommendation, Window

_WINDOW = Window(date(2026, 10, 1), date(2026, 10, 30))
_TEAM = 50
"""Resources that one schedule acts on."""


def measure(resources: int) -> list[Measurement]:
    found = list(_candidates(resources, Random(6)))  # noqa: S311
    with timed() as clock:
        result = portfolio(found, lambda _: ())
    total, bound = result.totals["USD"], result.bounds["USD"]
    return [
        Measurement(
            f"portfolio of {len(found):,} recommendations on {resources:,} resources",
            f"{clock.seconds:.1f} s, saves {total:,.0f}",
            f"no set saves more than {bound:,.0f}",
            f"{total / bound:.4f}",
            "seconds",
        )
    ]


def _candidates(resources: int, random: Random) -> Iterator[Recommendation]:
    """For each resource two to four ways to save, and for each team a schedule over all of its resources."""
    costs = [Decimal(random.randint(1_000, 100_000)).scaleb(-2) for _ in range(resources)]
    for number, cost in enumerate(costs):
        for kind in random.sample(
            ("right_sizing", "generation_change", "idle_resource", "volume_type"), random.randint(2, 4)
        ):
            saving = (cost * random.randint(1, 90)).scaleb(-2)
            yield _advice(kind, f"r-{number}", {f"r-{number}": cost}, saving, random.random() < 0.2)
    for first in range(0, resources, _TEAM):
        own = {f"r-{number}": costs[number] for number in range(first, min(first + _TEAM, resources))}
        saving = (sum(own.values()) * random.randint(40, 75)).scaleb(-2)
        yield _advice("schedule", f"team-{first}", own, saving, False)


def _advice(kind: str, name: str, acts_on: dict[str, Decimal], saving: Decimal, is_guess: bool) -> Recommendation:
    return Recommendation(
        kind=kind,
        provider="AWS",
        resource_type="instance",
        resource_id=name,
        sub_account_id=None,
        owner=Owner(),
        current="as it is",
        proposed=kind,
        change="",
        reason="",
        estimate=Estimate(sum(acts_on.values(), Decimal(0)), saving, saving, saving, ()),
        effort="low",
        risk="low",
        risk_reason="",
        confidence="low" if is_guess else "high",
        confidence_reason="",
        evidence={},
        exclusive_group=f"{kind}/{name}",
        acts_on=tuple(acts_on.items()),
        window=_WINDOW,
    )
