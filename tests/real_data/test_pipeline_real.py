"""Bills that others wrote, through the whole pipeline: what the marts say is what the files say, to the last digit."""

import csv
import gzip
import io
from decimal import Decimal, localcontext
from pathlib import Path

import pytest

from tests.dbt.project import Project
from tests.real_data.test_loader_real import LEFT_OUT
from tests.support.feed import Feed

COMMITMENTS = "commitment_discount_flexibility__"
CUR_FILES = {
    "cur_anonymous": ("cur1_focus_converters_anonymous.csv", "2023-11/bill.csv"),
    "cur_final": ("cur1_koku_2023-06-01_final.csv", "2023-06/bill.csv"),
    "cur_headers": ("cur1_koku_alt_columns.csv", "2022-07/bill.csv"),
    "cur_koku": ("cur1_koku_bucket_a_20180620-20180803.csv.gz", "2018-08/bill.csv.gz"),
}
FOCUS_FILES = {
    "focus_sample": ("focus_1.0_sample_1000.csv", "2024-09/bill.csv"),
    "focus_14": ("focus_1.4_costandusage_10rows.csv", "2024-09/bill.csv"),
}


@pytest.fixture(scope="module")
def real(real_data: Path) -> Path:
    return real_data


@pytest.fixture
def project(database: str, tmp_path: Path) -> Project:
    return Project(database, tmp_path)


def exact_sum(path: Path, *names: str) -> Decimal:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    name = next(name for name in names if name in rows[0])
    with localcontext(prec=200):
        return sum((Decimal(row[name]) for row in rows if row[name] not in ("", "NULL")), Decimal(0))


def test_marts_hold_what_the_files_hold(real: Path, project: Project, tmp_path: Path) -> None:
    expected: dict[str, tuple[Decimal, ...]] = {}
    for name, (file, key) in FOCUS_FILES.items():
        path = real / "focus" / file
        Feed(project.url, tmp_path / name, name=name).deliver(key, path.read_bytes())
        Feed(project.url, tmp_path / name, name=name).load_one()
        columns = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
        expected[name] = tuple(exact_sum(path, column) for column in columns)
    for name, (file, key) in CUR_FILES.items():
        path = real / "billing_aws" / file
        Feed(project.url, tmp_path / name, "cur", name=name).deliver(key, path.read_bytes())
        Feed(project.url, tmp_path / name, "cur", name=name).load_one()
        expected[name] = (exact_sum(path, "lineItem/UnblendedCost", "line_item_unblended_cost"),)
    project.build()
    for mart in ("cost_records", "daily_costs", "chargeback_reports"):
        rows = project.rows(
            "select source_name, sum(billed_cost), sum(effective_cost), sum(contracted_cost), sum(list_cost)"
            f" from finops.{mart} group by 1"
        )
        found = {row[0]: row[1:] for row in rows}
        assert {name: found[name][: len(sums)] for name, sums in expected.items()} == expected, mart
    # The published totals of the official sample, and the savings plan's rate in place of the on-demand price.
    assert expected["focus_sample"][:2] == (Decimal("20.52022672899"), Decimal("14.97651418586"))
    effective = dict(project.rows("select source_name, sum(effective_cost) from finops.cost_records group by 1"))
    assert effective["cur_final"] == Decimal("0.3")
    assert effective["cur_anonymous"] == expected["cur_anonymous"][0]


def test_used_and_unused_commitments_cost_what_was_paid_for_them(real: Path, project: Project, tmp_path: Path) -> None:
    examples = sorted((real / "focus" / "spec_examples_1.2").glob(f"{COMMITMENTS}*.csv"))
    assert examples
    for number, path in enumerate(examples):
        feed = Feed(project.url, tmp_path / f"e{number}", name=f"example_{number}", constants=LEFT_OUT)
        feed.deliver("2023-01/bill.csv", path.read_bytes())
        feed.load_one()
    project.build()
    rows = project.rows(
        "select source_name, commitment_discount_id,"
        " sum(billed_cost) filter (where charge_category = 'Purchase'),"
        " sum(effective_cost) filter (where commitment_discount_status in ('Used', 'Unused'))"
        " from finops.cost_records where commitment_discount_id is not null group by 1, 2"
    )
    assert len(rows) == len(examples)
    for source, commitment, purchased, amortised in rows:
        assert purchased == amortised, (source, commitment)
