"""The set with the largest weight in which no two have a clique in common: exact where it can be, else with a bound.

Who takes from the same pot are a clique: at most one of them is in the set. Weights are whole numbers, so that nothing is rounded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

STEPS = 150_000
"""How many items are looked at for one connected part before the search goes on as a greedy one; about a second or two."""
_DEPTH = 300
"""How deep a search may go, well below Python's own limit."""


@dataclass(frozen=True)
class Best:
    """The set that was found, its weight, and a weight that no set exceeds. Both are the same where the set is the best."""

    chosen: frozenset[str]
    weight: int
    bound: int


def best_set(weights: Mapping[str, int], cliques: Mapping[str, Set[Hashable]], steps: int = STEPS) -> Best:
    """The best set of items. `cliques`: of each item the cliques that it is in.

    The order of the items makes no difference: of equal sets the one whose heavier, then alphabetically first items are in it.
    """
    chosen: set[str] = set()
    weight = bound = 0
    for part in _connected(sorted(weights, key=lambda item: (-weights[item], item)), cliques):
        search = _Search(part, weights, cliques, steps)
        everything = (1 << len(part)) - 1
        found, taken = search.best(everything, 0)
        chosen.update(part[number] for number in _numbers(taken))
        weight += found
        bound += found if search.steps > 0 and not search.is_cut else max(found, search.bound(everything))
    return Best(frozenset(chosen), weight, bound)


def _connected(items: Sequence[str], cliques: Mapping[str, Set[Hashable]]) -> Iterator[list[str]]:
    """The items in parts that have no clique in common, each in the order of the items."""
    members: dict[Hashable, list[str]] = defaultdict(list)
    for item in items:
        for clique in cliques[item]:
            members[clique].append(item)
    order = {item: number for number, item in enumerate(items)}
    seen: set[str] = set()
    for item in items:
        if item in seen:
            continue
        seen.add(item)
        part = [item]
        met: set[Hashable] = set()
        for one in part:  # grows while it is gone through
            for clique in cliques[one] - met:
                met.add(clique)
                new = [other for other in members[clique] if other not in seen]
                seen.update(new)
                part += new
        yield sorted(part, key=order.__getitem__)


def _numbers(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class _Search:
    """Branch and bound over one connected part. Sets of items are bit masks; the heaviest item has the lowest bit."""

    def __init__(
        self, part: Sequence[str], weights: Mapping[str, int], cliques: Mapping[str, Set[Hashable]], steps: int
    ) -> None:
        self.steps = steps
        self.is_cut = False
        self.weights = [weights[item] for item in part]
        masks: dict[Hashable, int] = defaultdict(int)
        for number, item in enumerate(part):
            for clique in cliques[item]:
                masks[clique] |= 1 << number
        self.cliques = [sorted({masks[clique] for clique in cliques[item]}) for item in part]
        self.near = []
        for number, own in enumerate(self.cliques):
            near = 1 << number
            for clique in own:
                near |= clique
            self.near.append(near)

    def best(self, among: int, depth: int) -> tuple[int, int]:
        """The weight and the items of the best set among some: for each connected part with its heaviest item, or without it."""
        weight = taken = 0
        while among:
            part = self._part_of_first(among)
            among &= ~part
            self.steps -= part.bit_count()
            if self.steps <= 0 or depth > _DEPTH:
                self.is_cut = True
                found = self._greedy(part)
            else:
                found = self._branch(part, depth)
            weight, taken = weight + found[0], taken | found[1]
        return weight, taken

    def _branch(self, part: int, depth: int) -> tuple[int, int]:
        first = part & -part
        number = first.bit_length() - 1
        weight, taken = self.best(part & ~self.near[number], depth + 1)
        with_it = weight + self.weights[number], taken | first
        if self.bound(part & ~first) <= with_it[0]:
            return with_it
        without = self.best(part & ~first, depth + 1)
        return without if without[0] > with_it[0] else with_it

    def bound(self, among: int) -> int:
        """No set weighs more: cliques have prices, and each item is in cliques that together cost no less than it weighs.

        Of each clique a set has one item at most, so that it pays no more than all prices. An item, the lightest first, raises the
        price of the clique in which the most others are helped by it.
        """
        total = 0
        left = {number: self.weights[number] for number in _numbers(among)}
        for number in reversed(left):
            lacking = left[number]
            if lacking <= 0:
                continue
            own = [[other for other in _numbers(clique & among) if left[other] > 0] for clique in self.cliques[number]]
            total += lacking
            for other in max(own, key=len, default=[]):
                left[other] -= lacking
        return total

    def _greedy(self, among: int) -> tuple[int, int]:
        """The better of two: the heaviest first, and the heaviest for each that it keeps out first."""
        numbers = list(_numbers(among))
        dense = sorted(
            numbers, key=lambda number: (-self.weights[number] / (self.near[number] & among).bit_count(), number)
        )
        return max((self._in_order(numbers), self._in_order(dense)), key=lambda found: found[0])

    def _in_order(self, numbers: Sequence[int]) -> tuple[int, int]:
        weight = taken = 0
        for number in numbers:
            if not self.near[number] & taken:
                weight, taken = weight + self.weights[number], taken | 1 << number
        return weight, taken

    def _part_of_first(self, among: int) -> int:
        """What is connected with the heaviest item."""
        part, new = 0, among & -among
        while new:
            part |= new
            reached = 0
            for number in _numbers(new):
                reached |= self.near[number]
            new = reached & among & ~part
        return part
