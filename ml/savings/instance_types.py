"""Instance types: what a size can carry, and what it costs beside another.

What is known of a type comes from the organisation's reference files or its bill. Of a type that neither tells of, only what its
name says is known: sizes of one family are multiples of each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

_AWS = re.compile(
    r"(?P<prefix>(?:[a-z]+\.)?)(?P<family>[a-z][a-z0-9-]*)\.(?P<size>nano|micro|small|medium|large|\d*xlarge)"
)
_AZURE = re.compile(r"(?:Standard_)?(?P<series>[A-Z]{1,2})(?P<size>\d+)(?P<traits>[a-z]*)(?P<version>[ _]v\d+)?")
_NAMED_SIZES = {"nano": 1, "micro": 2, "small": 4, "medium": 8, "large": 16, "xlarge": 32}
_PROPORTIONAL_FROM = 16
"""Sizes below `large` share their CPUs in ways that their names do not tell."""


@dataclass(frozen=True)
class Name:
    """A type taken apart: `family` without the size, and the size as a multiple of the smallest."""

    family: str
    size: int
    written: str
    """The type with `{}` in place of its size."""

    @property
    def is_burstable(self) -> bool:
        return bool(re.match(r"(?:[a-z]+\.)?t\d|B", self.family))

    @property
    def line(self) -> str | None:
        """What its generations have in common: from the third on sizes of one name have the same CPUs and memory in these lines."""
        found = re.match(r"((?:[a-z]+\.)?[cmrt])([3-9]|\d{2})", self.family)
        return found[1] if found else None

    @property
    def is_graviton(self) -> bool:
        return bool(re.match(r"(?:[a-z]+\.)?(?:a1$|[a-z]+\d+g)", self.family))


def name_of(instance_type: str) -> Name | None:
    """The parts of a type of AWS (`db.r6g.2xlarge`) or Azure (`D8s v5`); None where it is neither."""
    if found := _AWS.fullmatch(instance_type):
        size = found["size"]
        units = _NAMED_SIZES.get(size) or 32 * int(size.removesuffix("xlarge"))
        return Name(found["prefix"] + found["family"], units, f"{found['prefix']}{found['family']}.{{}}")
    if found := _AZURE.fullmatch(instance_type):
        around = found["series"], found["traits"] + (found["version"] or "").replace("_", " ")
        return Name("".join(around), int(found["size"]) * _PROPORTIONAL_FROM, f"{around[0]}{{}}{around[1]}")
    return None


@dataclass(frozen=True)
class Ratios:
    """CPUs and memory of one type by those of another. `is_by_name`: as sizes of that name have in their line."""

    cpu: float
    memory: float | None
    is_by_name: bool = False


@dataclass(frozen=True)
class Spec:
    """What a type has. Network in bits per second, where it is promised and not only reached at times."""

    vcpu: Decimal
    memory_gib: Decimal | None = None
    network_bits: float | None = None
    architecture: str | None = None


PriceKey = tuple[str, str, str]
"""Region, operating system or engine, and instance type."""
Basis = Literal["list prices of the region", "list prices on the bill", "list prices of another region"]


@dataclass(frozen=True)
class Catalogue:
    """Types, list prices an hour and successors that are known.

    `prices` are those of the reference files, `billed` those that the bill shows for types in use. `successors`: family or type
    -> what the reference names in its place.
    """

    specs: Mapping[str, Spec] = field(default_factory=dict)
    prices: Mapping[PriceKey, Decimal] = field(default_factory=dict)
    billed: Mapping[PriceKey, Decimal] = field(default_factory=dict)
    successors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def price_ratio(self, region: str, system: str, current: str, proposed: str) -> tuple[Decimal, Basis] | None:
        """The list price of a proposed type by that of the current one, and where it is from; None where it cannot be known."""
        for prices, basis in (
            (self.prices, "list prices of the region"),
            (self.billed, "list prices on the bill"),
        ):
            ratio = _ratio(prices, region, system, current, proposed)
            if ratio is not None:
                return ratio, basis  # type: ignore[return-value]
        ratios = {
            ratio
            for prices in (self.prices, self.billed)
            for other in {key[0] for key in prices}
            if (ratio := _ratio(prices, other, system, current, proposed)) is not None
        }
        # The dearest of them: what is promised holds in every region that is known.
        return (max(ratios), "list prices of another region") if ratios else None

    def capacity_ratios(self, current: str, proposed: str) -> Ratios | None:
        """CPUs and memory of a proposed type by those of the current one; None where they cannot be known."""
        old, new = self.specs.get(current), self.specs.get(proposed)
        if old and new:
            memory = float(new.memory_gib / old.memory_gib) if old.memory_gib and new.memory_gib else None
            return Ratios(float(new.vcpu / old.vcpu), memory)
        names = name_of(current), name_of(proposed)
        if names[0] is None or names[1] is None or min(names[0].size, names[1].size) < _PROPORTIONAL_FROM:
            return None
        ratio = names[1].size / names[0].size
        if names[0].family == names[1].family:
            return Ratios(ratio, ratio)
        if names[0].line and names[0].line == names[1].line:
            return Ratios(ratio, ratio, is_by_name=True)
        return None

    def of_family(self, instance_type: str) -> Iterator[str]:
        """The other known types of its family, and of the families that share the memory of the same machines otherwise."""
        name = name_of(instance_type)
        shapes = _shapes(name.family) if name else frozenset()
        for other in self.known:
            parsed = name_of(other)
            if parsed and parsed.family in shapes and other != instance_type:
                yield other

    def successors_of(self, instance_type: str) -> Iterator[str]:
        """What the reference names in place of a type: the type itself, or all known sizes of the family."""
        name = name_of(instance_type)
        if name is None:
            return
        yield from self.successors.get(instance_type, ())
        families = set(self.successors.get(name.family, ()))
        yield from (other for other in self.known if (parsed := name_of(other)) and parsed.family in families)

    @cached_property
    def known(self) -> Sequence[str]:
        """Every type that anything is known of, in order."""
        return sorted({*self.specs, *(key[2] for key in self.prices), *(key[2] for key in self.billed)})


def _shapes(family: str) -> frozenset[str]:
    """A family, and those that differ from it by the memory of a CPU alone: c5, m5 and r5."""
    found = re.fullmatch(r"((?:[a-z]+\.)?)[cmr](\d+[a-z]*)", family)
    return frozenset({family, *(f"{found[1]}{letter}{found[2]}" for letter in "cmr")} if found else {family})


def _ratio(prices: Mapping[PriceKey, Decimal], region: str, system: str, current: str, proposed: str) -> Decimal | None:
    old, new = prices.get((region, system, current)), prices.get((region, system, proposed))
    return new / old if old and new else None
