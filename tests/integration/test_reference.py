"""Reference files to types, dated prices and successors."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.lib.config import Config, load_config
from orchestration.lib.errors import FinopsError
from orchestration.lib.reference.tables import reference_catalogue, store_reference

BASE = """
organization: {name: Example, first_billing_period: "2026-01"}
sources: [{name: a, format: focus, location: bills}]
reference:
"""

PRICES = "instance_type,region,os,usd_per_hour\n"
DATED = "kind: prices, location: x, valid_from: 2026-01-01"


@pytest.fixture
def warehouse(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def configured(folder: Path, *files: str) -> Config:
    path = folder / "finops-config.yaml"
    path.write_text(BASE + "".join(f"  - {{{file}}}\n" for file in files))
    return load_config(path)


def offer(*products: tuple[dict[str, str], str, str]) -> str:
    """A price list of AWS: attributes, price and first day of each product."""
    terms = {
        f"S{number}": {"T": {"effectiveDate": f"{day}T00:00:00Z", "priceDimensions": {"D": dimension}}}
        for number, (_, price, day) in enumerate(products)
        for dimension in ({"unit": "Hrs", "pricePerUnit": {"USD": price}},)
    }
    listed = {
        f"S{number}": {"productFamily": "Compute Instance", "attributes": attributes}
        for number, (attributes, *_) in enumerate(products)
    }
    return json.dumps({"products": listed, "terms": {"OnDemand": terms}})


def plain(name: str, **changes: str) -> dict[str, str]:
    told = {"instanceType": name, "location": "EU (Ireland)", "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA",
            "vcpu": "2", "memory": "8 GiB", "networkPerformance": "10 Gigabit"}  # fmt: skip
    return told | changes


def test_prices_are_those_of_the_day_and_plain_instances(warehouse: psycopg.Connection[Any], tmp_path: Path) -> None:
    (tmp_path / "offer.json").write_text(
        offer(
            (plain("m5.large"), "0.10", "2026-01-01"),
            (plain("m5.large", tenancy="Dedicated"), "9", "2026-01-01"),
            (plain("m5.large", preInstalledSw="SQL Ent"), "9", "2026-01-01"),
            (plain("m5.xlarge", vcpu="4", memory="16 GiB", regionCode="eu-west-3"), "0.2", "2026-01-01"),
            (plain("m5.metal"), "0", "2026-01-01"),
            (plain("c5.large", licenseModel="A"), "1", "2026-01-01"),
            (plain("c5.large", licenseModel="B"), "2", "2026-01-01"),
        )
    )
    (tmp_path / "prices.csv").write_text("instance_type,region,os,usd_per_hour\nm5.large,eu-west-1,Linux,0.12\n")
    (tmp_path / "families.csv").write_text(
        "family,latest_intel,latest_amd,latest_graviton\nm5,m7i,none,m8g\nm7i,m7i,none,m8g\n"
    )
    (tmp_path / "databases.csv").write_text(
        "\ufeffAurora,MySQL,db.r5.large,db.r6g.large\r\nAurora,MySQL,db.t3.medium,None\r\n"
    )
    config = configured(
        tmp_path,
        "kind: aws_price_list, location: offer.json",
        "kind: prices, location: prices.csv, valid_from: 2026-07-20",
        "kind: successors, location: families.csv",
        "kind: database_successors, location: databases.csv",
    )
    for _ in range(2):
        assert store_reference(warehouse, config, tmp_path).ambiguous == 1
    before, after = (reference_catalogue(warehouse, date(2026, month, 20)) for month in (6, 7))
    assert before.prices == {
        ("eu-west-1", "Linux", "m5.large"): Decimal("0.10"),
        ("eu-west-3", "Linux", "m5.xlarge"): Decimal("0.2"),
    }
    assert after.prices["eu-west-1", "Linux", "m5.large"] == Decimal("0.12")
    assert (before.specs["m5.large"].vcpu, before.specs["m5.large"].network_bits) == (Decimal(2), 1e10)
    assert before.successors == {"m5": ["m7i", "m8g"], "m7i": ["m8g"], "db.r5.large": ["db.r6g.large"]}


@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        (DATED, PRICES + "m,r,Linux,free\n", "row 1: column usd_per_hour: 'free' is no number"),
        (DATED, PRICES + "m,r,Linux,0\n", "'0' is not above zero"),
        ("kind: instance_types, location: x", "instance_type,vcpu\nm,2\n", "the column memory_mib is missing"),
        ("kind: aws_price_list, location: x", "[]", "no price list of AWS"),
        ("kind: database_successors, location: x", "a,b\n", "has not four values"),
    ],
)  # fmt: skip
def test_file_that_is_wrong_leaves_what_was_there(
    warehouse: psycopg.Connection[Any], tmp_path: Path, file: str, text: str, error: str
) -> None:
    (tmp_path / "types.csv").write_text("instance_type,vcpu,memory_mib\nm5.large,2,8192\n")
    store_reference(warehouse, configured(tmp_path, "kind: instance_types, location: types.csv"), tmp_path)
    (tmp_path / "x").write_text(text)
    with pytest.raises(FinopsError, match=error):
        store_reference(warehouse, configured(tmp_path, file), tmp_path)
    assert reference_catalogue(warehouse, date(2026, 1, 1)).specs["m5.large"].memory_gib == 8


def test_files_of_others_can_be_read(warehouse: psycopg.Connection[Any], tmp_path: Path, real_data: Path) -> None:
    prices = real_data / "prices"
    config = configured(
        tmp_path,
        f"kind: aws_price_list, location: {prices}/aws_pricelist_2017_PriceListTestData.json",
        f"kind: prices, location: {prices}/ec2_ondemand_us-east-1_2026-07-20.csv, valid_from: 2026-07-20",
        f"kind: instance_types, location: {prices}/ec2_describe_instance_types_subset.csv",
        f"kind: successors, location: {prices}/aws_instance_modernization_map.csv",
        f"kind: database_successors, location: {prices}/rds_graviton_mapping.csv",
    )
    store_reference(warehouse, config, tmp_path)
    catalogue = reference_catalogue(warehouse, date(2026, 9, 1))
    found = catalogue.price_ratio("us-east-1", "Linux", "m5.xlarge", "m5.large")
    assert found == (Decimal("0.5"), "list prices of the region")
    assert {"m7i.xlarge", "m8g.xlarge", "m7a.2xlarge"} <= set(catalogue.successors_of("m5.xlarge"))
    assert list(catalogue.successors_of("db.r4.large")) == ["db.r6g.large"]
