"""What usage costs under every possible commitment: a convex piecewise-linear curve, held and searched in whole numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from math import lcm

DIGITS = 10
"""Decimals that are kept of what an hour costs on demand."""
RATIO_DIGITS = 6
"""Decimals that are kept of the share of the on-demand price that a commitment costs, rounded up."""
_RATIO = 10**RATIO_DIGITS
_UNIT = Decimal(10) ** -(DIGITS + RATIO_DIGITS)


@dataclass(frozen=True, order=True)
class Layer:
    """Usage of one hour that costs `on_demand` without a commitment and `ratio` of that with one."""

    ratio: Decimal
    on_demand: Decimal

    @property
    def committed(self) -> Decimal:
        return self.on_demand * self.ratio


@dataclass(frozen=True)
class Slot:
    """So many hours alike. An hour's commitment covers the layers with the lowest ratio first, as providers apply it."""

    hours: int
    layers: tuple[Layer, ...]

    @property
    def on_demand(self) -> Decimal:
        """What an hour costs without a commitment."""
        return sum((layer.on_demand for layer in self.layers), Decimal(0))

    def scaled(self, factor: Decimal, weight: int = 1) -> Slot:
        """The same with more or less of every layer, counted `weight` times."""
        return Slot(self.hours * weight, tuple(Layer(one.ratio, one.on_demand * factor) for one in self.layers))

    def covered(self, committed: Decimal) -> Decimal:
        """What of an hour's on-demand cost a commitment takes over."""
        left, taken = committed, Decimal(0)
        for layer in sorted(self.layers):
            size = min(left, layer.committed)
            taken += size / layer.ratio if size < layer.committed else layer.on_demand
            left -= size
            if left <= 0:
                break
        return taken

    def without(self, committed: Decimal) -> Slot:
        """What is left for others of an hour when a commitment has covered its part."""
        left, layers = committed, []
        for layer in sorted(self.layers):
            size = min(left, layer.committed)
            left -= size
            if size < layer.committed:
                layers.append(Layer(layer.ratio, layer.on_demand - size / layer.ratio))
        return Slot(self.hours, tuple(layers))


def ratio(committed: Decimal, on_demand: Decimal) -> Decimal:
    """Committed by on-demand cost of the same usage, rounded up: no saving is made of rounding."""
    with localcontext(prec=60):
        return (committed / on_demand).quantize(Decimal(1).scaleb(-RATIO_DIGITS), ROUND_CEILING)


class Curve:
    """Cost of all hours by committed money an hour: what is committed, used or not, and on demand what it does not cover.

    Between two breakpoints (where a layer of some hour is just covered) the cost is linear, so that its least value is at one of
    them: the first behind which the cost rises. Slopes and costs are kept as integers over a common denominator of all ratios.
    """

    def __init__(self, slots: Iterable[Slot]) -> None:
        whole = [(slot.hours, _whole(slot.layers)) for slot in slots]
        self.hours = sum(hours for hours, _ in whole)
        self._denominator = lcm(*(share for _, layers in whole for share, _ in layers))
        # What a committed unit saves in a layer, in units of the common denominator.
        worth = {share: _RATIO * self._denominator // share for _, layers in whole for share, _ in layers}
        changes: dict[int, int] = {0: self.hours * self._denominator}
        self._on_demand = 0
        for hours, layers in whole:
            reached = 0
            for number, (share, size) in enumerate(layers):
                following = worth[layers[number + 1][0]] if number + 1 < len(layers) else 0
                if not number:
                    changes[0] -= hours * worth[share]
                reached += size * share
                changes[reached] = changes.get(reached, 0) + hours * (worth[share] - following)
                self._on_demand += hours * size * _RATIO
        self._points = sorted(changes)
        self._slopes: list[int] = []
        self._costs = [self._on_demand * self._denominator]
        slope = 0
        for number, point in enumerate(self._points):
            slope += changes[point]
            self._slopes.append(slope)
            if number + 1 < len(self._points):
                self._costs.append(self._costs[-1] + slope * (self._points[number + 1] - point))

    @property
    def on_demand(self) -> Decimal:
        """The cost without a commitment."""
        return self._on_demand * _UNIT

    @property
    def breakpoints(self) -> list[Decimal]:
        return [point * _UNIT for point in self._points]

    def cost(self, committed: Decimal) -> Decimal:
        """The cost of all hours with so much committed an hour."""
        with localcontext(prec=80):
            at = committed / _UNIT
            number = bisect_right(self._points, at) - 1
            scaled = self._costs[number] + self._slopes[number] * (at - self._points[number])
            return scaled * _UNIT / self._denominator

    def saving(self, committed: Decimal) -> Decimal:
        """What is saved of all hours against buying nothing; negative where it is a loss."""
        with localcontext(prec=80):
            return self.on_demand - self.cost(committed)

    def optimum(self, *, step: Decimal | None = None, limit: Decimal | None = None) -> Decimal:
        """The smallest commitment with the least cost, in whole steps and at most `limit`."""
        best = self._points[next(number for number, slope in enumerate(self._slopes) if slope >= 0)] * _UNIT
        return self._whole_steps(best, step, limit)

    def break_even(self) -> Decimal:
        """The largest commitment that costs no more than none at all, rounded down."""
        none = self._costs[0]
        for number in range(len(self._points) - 1, -1, -1):
            if self._costs[number] <= none:
                if self._slopes[number] <= 0:
                    return self._points[number] * _UNIT
                return (self._points[number] + (none - self._costs[number]) // self._slopes[number]) * _UNIT
        raise AssertionError("a commitment of zero costs as much as none")

    def _whole_steps(self, best: Decimal, step: Decimal | None, limit: Decimal | None) -> Decimal:
        with localcontext(prec=80):
            capped = best if limit is None else max(min(best, limit), Decimal(0))
            if step is None:
                return capped
            below = capped // step * step
            candidates = [below, below + step] if limit is None or below + step <= limit else [below]
            # The cost is convex: of all whole steps one of the two neighbours of the optimum is best.
            return min(candidates, key=self.cost)


def _whole(layers: Sequence[Layer]) -> list[tuple[int, int]]:
    """Ratio and on-demand cost of layers that a commitment makes cheaper, as whole numbers, the cheapest first.

    Layers of one ratio are one: there are fewer breakpoints, at the same cost.
    """
    sizes: dict[int, int] = {}
    rest = 0
    for layer in layers:
        size = int(layer.on_demand.scaleb(DIGITS).to_integral_value())
        share = int(layer.ratio.scaleb(RATIO_DIGITS).to_integral_value(ROUND_CEILING))
        if share < _RATIO:
            sizes[max(share, 1)] = sizes.get(max(share, 1), 0) + size
        else:
            rest += size
    if rest:
        # Dearer than on demand: no commitment is made for it, but it is part of the cost.
        sizes[_RATIO] = rest
    return [(share, size) for share, size in sorted(sizes.items()) if size > 0]
