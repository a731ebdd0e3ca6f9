"""Reference files as rows: instance types, list prices an hour, and what replaces what."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.lib.config_reference import ReferenceFile
from orchestration.lib.errors import FinopsError

_NOTHING = {"", "none", "na", "n/a"}
_GIGABITS = re.compile(r"(\d+(?:\.\d+)?) Gigabit")


@dataclass(frozen=True, order=True)
class TypeRow:
    """What an instance type has. `network_gbps` where it is promised, and not only reached at times."""

    instance_type: str
    vcpu: Decimal
    memory_gib: Decimal | None = None
    network_gbps: Decimal | None = None
    architecture: str | None = None


@dataclass(frozen=True, order=True)
class PriceRow:
    """A list price an hour from a day on. `system`: operating system, or engine and deployment of a database."""

    region_id: str
    system: str
    instance_type: str
    valid_from: date
    hourly_price: Decimal
    currency: str


@dataclass
class Reference:
    """All that the files say. `ambiguous`: what one file prices in several ways, and which is left out therefore."""

    types: dict[str, TypeRow] = field(default_factory=dict)
    prices: dict[tuple[str, str, str, date], PriceRow] = field(default_factory=dict)
    successors: set[tuple[str, str]] = field(default_factory=set)
    ambiguous: int = 0


def read_reference(file: ReferenceFile, path: Path, into: Reference) -> None:
    """Add what a file says; of what several files say the last counts. Raises FinopsError that names file, row and value."""
    shown = path.name
    try:
        if file.kind == "aws_price_list":
            _price_list(path, into)
        elif file.kind == "database_successors":
            with path.open(newline="", encoding="utf-8-sig") as stream:
                for parts in csv.reader(stream):
                    if len(parts) != 4:
                        raise FinopsError(
                            f"{shown}: {','.join(parts)!r} has not four values: engine, edition, class, successor."
                        )
                    if parts[3].strip().lower() not in _NOTHING:
                        into.successors.add((parts[2].strip(), parts[3].strip()))
        else:
            for number, row in _rows(path):
                try:
                    _add(file, row, into)
                except KeyError as error:
                    raise FinopsError(
                        f"{shown}: the column {error.args[0]} is missing, which the kind {file.kind} needs."
                    ) from None
                except (InvalidOperation, ValueError) as error:
                    raise FinopsError(f"{shown}: row {number}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FinopsError(f"{path}: the reference file cannot be read: {error}") from error


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        yield from enumerate(csv.DictReader(stream), start=1)


def _add(file: ReferenceFile, row: Mapping[str, str], into: Reference) -> None:
    if file.kind == "prices":
        assert file.valid_from is not None
        price = _positive(row["usd_per_hour"], "usd_per_hour")
        found = PriceRow(row["region"], row["os"], row["instance_type"], file.valid_from, price, "USD")
        into.prices[found.region_id, found.system, found.instance_type, found.valid_from] = found
    elif file.kind == "instance_types":
        memory = _positive(row["memory_mib"], "memory_mib") / 1024
        into.types[row["instance_type"]] = TypeRow(row["instance_type"], _positive(row["vcpu"], "vcpu"), memory)
    else:
        for column in ("latest_intel", "latest_amd", "latest_graviton"):
            successor = row[column].strip()
            if successor.lower() not in _NOTHING and successor != row["family"]:
                into.successors.add((row["family"], successor))


def _positive(text: str, column: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"column {column}: {text!r} is no number") from None
    if not number.is_finite() or number <= 0:
        raise ValueError(f"column {column}: {text!r} is not above zero")
    return number


def _price_list(path: Path, into: Reference) -> None:
    import orjson

    try:
        offer = orjson.loads(path.read_bytes())
        products, on_demand = offer["products"], offer["terms"]["OnDemand"]
    except (ValueError, KeyError, TypeError) as error:
        raise FinopsError(
            f"{path.name}: no price list of AWS: {error}. Its JSON has products and terms.OnDemand."
        ) from error
    found: dict[tuple[str, str, str, date], set[Decimal]] = {}
    for sku, product in products.items():
        told = product.get("attributes", {})
        name = told.get("instanceType")
        if not name or product.get("productFamily") not in ("Compute Instance", "Database Instance"):
            continue
        if row := _type_of(name, told):
            into.types[name] = row
        region, system = told.get("regionCode") or _region(told.get("location", "")), _system_of(told)
        if region is None or system is None:
            continue
        for term in on_demand.get(sku, {}).values():
            for dimension in term["priceDimensions"].values():
                price = Decimal(dimension["pricePerUnit"].get("USD", "0"))
                # Zero is the price of what is included elsewhere, and no price of an instance.
                if dimension["unit"] == "Hrs" and price > 0:
                    since = date.fromisoformat(term["effectiveDate"][:10])
                    found.setdefault((region, system, name, since), set()).add(price)
    for key, prices in found.items():
        if len(prices) == 1:
            into.prices[key] = PriceRow(*key, prices.pop(), "USD")
        else:
            into.ambiguous += 1


def _type_of(name: str, told: Mapping[str, Any]) -> TypeRow | None:
    cpus, memory = told.get("vcpu", ""), str(told.get("memory", "")).replace(",", "").removesuffix(" GiB")
    if not re.fullmatch(r"\d+", cpus):
        return None
    network = str(told.get("networkPerformance", ""))
    promised = _GIGABITS.fullmatch(network)
    architecture = "arm64" if "Graviton" in str(told.get("physicalProcessor", "")) else "x86_64"
    return TypeRow(
        name,
        Decimal(cpus),
        Decimal(memory) if re.fullmatch(r"\d+(\.\d+)?", memory) else None,
        Decimal(promised[1]) if promised else None,
        architecture,
    )


def _system_of(told: Mapping[str, Any]) -> str | None:
    """What the price holds for, as bills name it; None for what is not rented alone: hosts, reserved capacity, other licences."""
    if engine := told.get("databaseEngine"):
        return f"{engine} {told.get('deploymentOption', '')}".strip()
    is_plain = (
        told.get("tenancy", "Shared") == "Shared"
        and told.get("preInstalledSw", "NA") == "NA"
        and told.get("capacitystatus", "Used") == "Used"
        and told.get("licenseModel", "") != "Bring your own license"
    )
    return told.get("operatingSystem") if is_plain else None


@cache
def _regions() -> Mapping[str, str]:
    from botocore.loaders import create_loader

    partition = create_loader().load_data("endpoints")["partitions"][0]
    return {region["description"]: code for code, region in partition["regions"].items()}


def _region(location: str) -> str | None:
    """The region of a place as price lists named it before they had codes."""
    return _regions().get(location.replace("EU (", "Europe ("))
