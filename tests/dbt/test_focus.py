"""What leaves as FOCUS: nothing is lost or added by splitting, by writing a file, or by taking that file in again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.lib import postgres
from orchestration.lib.errors import FinopsError
from orchestration.lib.focus_export import COSTS, FileFormat, export_focus
from orchestration.lib.focus_versions import Version, columns_of, header
from tests.dbt.bills import MARCH, focus_lines
from tests.dbt.conftest import kept_database, new_database
from tests.dbt.project import Project
from tests.support.feed import Feed
from tests.support.lines import focus

MONTH = date(2025, 3, 1)
VERSIONS: tuple[Version, ...] = ("1.4", "1.2", "1.0")
FORMATS: tuple[FileFormat, ...] = ("csv", "parquet")
SUMS = ", ".join(f"sum({cost})" for cost in COSTS)
PLACE = "billing_account_id, sub_account_id, billing_currency"


@pytest.fixture(scope="module")
def split_database(warehouse_url: str, built_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database in which March has two owners to share by, whose costs do not divide evenly."""
    with new_database(warehouse_url, like=built_database) as url:
        project = Project(url, tmp_path_factory.mktemp("split"))
        second = focus(BilledCost="0.7", EffectiveCost="0.7", Tags=None, InvoiceId="INV-9")
        project.deliver("azure", MARCH, [focus(**line) | {"InvoiceId": None} for line in focus_lines()] + [second])
        project.build()
        with kept_database(warehouse_url, url) as name:
            yield name


@pytest.fixture
def split(warehouse_url: str, split_database: str, tmp_path: Path) -> Iterator[Project]:
    with new_database(warehouse_url, like=split_database) as url:
        yield Project(url, tmp_path)


def sums_by(project: Project, mart: str, *keys: str) -> list[tuple[Any, ...]]:
    named = ", ".join(keys)
    return project.rows(f"select {named}, {SUMS} from finops.{mart} group by {named} order by {named}")


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def total(rows: list[dict[str, str]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows if row[name]), Decimal(0))


def test_shown_as_focus_are_the_reported_costs(split: Project) -> None:
    reported = sums_by(split, "cost_records", "source_name", "billing_period", *PLACE.split(", "))
    shown = sums_by(split, "focus_cost_and_usage", "x_source_name", "x_billing_period", *PLACE.split(", "))
    assert len(reported) == 7
    assert shown == reported


def test_a_shared_charge_is_shown_as_the_parts_of_its_owners(split: Project) -> None:
    parts = split.rows(
        f"select x_cost_record_id, count(*), sum({{}}), {SUMS} from finops.focus_cost_and_usage"
        " where x_allocation_rule is not null group by 1 order by 1".format(
            "(allocated_method_details #>> '{Elements,0,AllocatedRatio}')::numeric"
        )
    )
    origins = {
        row[0]: row[1:]
        for row in split.rows(
            f"select cost_record_id, {', '.join(COSTS)} from finops.cost_records where cost_type = 'shared'"
        )
    }
    # Three taxes of azure in each of two months, one of aws, and the unused part of its plan.
    assert len(parts) == len(origins) == 8
    # In April one owner alone has direct costs to share by.
    assert sorted(count for _, count, *_ in parts) == [1, 1, 1, 2, 2, 2, 2, 2]
    for record, _, ratio, *costs in parts:
        assert ratio == 1
        assert tuple(costs) == origins[record]
    ((owner, name, tags, method, rule),) = split.rows(
        "select distinct allocated_resource_id, allocated_resource_name, allocated_tags, allocated_method_id, x_allocation_rule"
        " from finops.focus_cost_and_usage where x_team = 'Checkout' and charge_category = 'Tax' and x_source_name = 'aws'"
    )
    assert (owner, name, method, rule) == ("Checkout/CC2/shop", "Checkout", "tax", "tax")
    assert tags == {"team": "Checkout", "cost_center": "CC2", "project": "shop"}


def test_the_parts_agree_with_the_chargeback_as_far_as_a_share_of_ten_decimals_goes(split: Project) -> None:
    differences = split.rows(
        """
        select max(abs(shown.cost - charged.cost)), max(abs(pool.cost))
        from (select x_team, x_billing_period, sum(effective_cost) as cost from finops.focus_cost_and_usage group by 1, 2) as shown
        join (select team, billing_period, sum(effective_cost) as cost from finops.chargeback_reports group by 1, 2) as charged
            on (x_team, x_billing_period) = (team, billing_period)
        cross join (select sum(abs(effective_cost)) as cost from finops.cost_allocations) as pool
        """
    )
    ((difference, pool),) = differences
    assert difference <= pool * Decimal("1e-10") * 8


def test_prices_and_periods_are_those_of_the_lines(project: Project) -> None:
    hour = {"ChargePeriodStart": "2025-03-04T07:00:00Z", "ChargePeriodEnd": "2025-03-04T08:00:00Z"}
    priced = {"ListUnitPrice": "0.50", "ContractedUnitPrice": "0.4", "PricingQuantity": "3", "PricingUnit": "Hours"}
    lines = [
        focus(**priced, ResourceId="same"),
        focus(**priced | {"ListUnitPrice": "0.5", "ContractedUnitPrice": None}, **hour, ResourceId="same"),
        focus(**priced, ResourceId="other"),
        focus(**priced | {"ListUnitPrice": "0.6"}, **hour, ResourceId="other"),
        focus(**priced, ResourceId="taxed", ChargeCategory="Tax", SubAccountId=None),
    ]
    project.deliver("azure", MARCH, lines)
    project.build()
    found = project.rows(
        "select distinct resource_id, list_unit_price::text, contracted_unit_price::text, pricing_quantity is null, pricing_unit,"
        " charge_period_start at time zone 'UTC', charge_period_end at time zone 'UTC', billing_period_end at time zone 'UTC'"
        " from finops.focus_cost_and_usage order by 1"
    )
    assert [(row[:5], *(f"{moment:%d %H}" for moment in row[5:])) for row in found] == [
        (("other", None, "0.4", False, "Hours"), "04 05", "04 08", "01 00"),
        (("same", "0.5", None, False, "Hours"), "04 05", "04 08", "01 00"),
        (("taxed", None, None, True, None), "04 05", "04 06", "01 00"),
    ]


def test_the_view_stays_while_its_tables_are_built_again(split: Project) -> None:
    split.build()
    before = split.rows("select 'finops.focus_cost_and_usage'::regclass::oid")
    split.deliver("azure", MARCH, focus_lines(days=(1, 2)))
    split.build()
    assert split.rows("select 'finops.focus_cost_and_usage'::regclass::oid") == before
    reported = sums_by(split, "cost_records", "source_name", "billing_period")
    assert sums_by(split, "focus_cost_and_usage", "x_source_name", "x_billing_period") == reported


def test_commitments_months_and_invoices_are_shown_as_far_as_they_are_known(split: Project) -> None:
    assert split.rows(
        "select contract_commitment_id, contract_commitment_category, contract_commitment_type, contract_commitment_unit,"
        " contract_commitment_period_start from finops.focus_contract_commitments"
    ) == [("arn:sp", "Spend", "Savings Plan", "USD", None)]
    assert split.rows(
        "select invoice_issuer_name, x_billing_period::text, billing_period_status from finops.focus_billing_periods order by 2, 3"
    ) == [("AWS", "2025-03-01", "Open"), ("AWS", "2025-04-01", "Open")]
    split.configure(
        invoices=[{"invoice_issuer_name": "AWS", "invoice_id": "INV-1", "billing_currency": "USD", "amount": "3.08"}]
    )
    assert split.rows(
        "select billed_cost, x_delivered_cost, billing_account_id, billing_period_start at time zone 'UTC' = '2025-03-01'"
        " from finops.focus_invoice_details"
    ) == [(Decimal("3.08"), Decimal("4.33"), "000123456789", True)]


def exports(project: Project, folder: Path) -> Iterator[tuple[Version, FileFormat, Path]]:
    for version in VERSIONS:
        for file_format in FORMATS:
            done = export_focus(project.url, MONTH, version, file_format, folder)
            assert done.path == folder / f"focus-{version}-2025-03.{file_format}"
            yield version, file_format, done.path


def test_a_file_holds_the_month_in_the_columns_of_its_version(split: Project, tmp_path: Path) -> None:
    counts = {"1.4": 65, "1.2": 57, "1.0": 43}
    ((rows, records),) = split.rows(
        "select count(*), count(distinct x_cost_record_id) from finops.focus_cost_and_usage where x_billing_period = '2025-03-01'"
    )
    assert rows > records
    expected = {
        header(cost): value
        for cost, value in zip(
            COSTS,
            split.rows(f"select {SUMS} from finops.cost_records where billing_period = '2025-03-01'")[0],
            strict=True,
        )
    }
    for version, file_format, path in exports(split, tmp_path / "one"):
        names = [header(column.name) for column in columns_of(version)]
        assert (len(names), names) == (counts[version], sorted(names))
        if file_format == "parquet":
            table = pq.read_table(path)
            assert table.schema.field("BilledCost").type == pa.decimal128(38, 18)
            assert table.schema.field("ChargePeriodStart").type.tz == "UTC"
            found = {name: sum(filter(None, table[name].to_pylist())) for name in expected}
            assert (table.column_names[: len(names)], table.num_rows) == (names, rows if version == "1.4" else records)
        else:
            lines = read(path)
            found = {name: total(lines, name) for name in expected}
            assert (list(lines[0])[: len(names)], len(lines)) == (names, rows if version == "1.4" else records)
            assert {line["ChargePeriodStart"][10:] for line in lines} <= {"T05:00:00Z", "T00:00:00Z"}
            if version != "1.4":
                assert {line["ProviderName"] for line in lines} == {"AWS"}
                assert not any(name.startswith("x_") for name in lines[0])
        assert found == expected


def test_the_same_month_gives_the_same_bytes(split: Project, tmp_path: Path) -> None:
    first = [path.read_bytes() for _, _, path in exports(split, tmp_path / "one")]
    second = [path.read_bytes() for _, _, path in exports(split, tmp_path / "two")]
    assert first == second
    assert len(list((tmp_path / "one").iterdir())) == 6


def test_a_file_of_ours_taken_in_again_has_the_same_totals(split: Project, tmp_path: Path) -> None:
    names = {}
    for version, file_format, path in exports(split, tmp_path / "out"):
        name = f"again_{version.replace('.', '_')}_{file_format}"
        feed = Feed(split.url, tmp_path / name, name=name)
        feed.deliver(f"2025-03/{path.name}", path.read_bytes())
        feed.load_one()
        names[name] = version
    split.build()
    # The sources of the original together are what each of the files holds.
    found: dict[str, dict[str, Any]] = {"original": {}}
    for source, currency, *costs in split.rows(
        f"select case when source_name like 'again%' then source_name else 'original' end, billing_currency, {SUMS}"
        " from finops.cost_records where billing_period = '2025-03-01' group by 1, 2"
    ):
        found.setdefault(source, {})[currency] = costs
    original = found.pop("original")
    assert original
    assert found == dict.fromkeys(names, original)


def test_errors_say_what_to_do_and_leave_the_former_file(split: Project, tmp_path: Path) -> None:
    path = export_focus(split.url, MONTH, "1.4", "parquet", tmp_path).path
    before = path.read_bytes()
    with pytest.raises(FinopsError, match=r"2024-01 has no charges\. There are charges from 2025-03 to 2025-04"):
        export_focus(split.url, date(2024, 1, 1), "1.4", "csv", tmp_path)
    split.execute("update finops.cost_records set list_cost = 1e-19 where cost_type = 'direct'")
    with pytest.raises(FinopsError, match=r"ListCost, which a Parquet file cannot hold\. Export it with --format csv"):
        export_focus(split.url, MONTH, "1.4", "parquet", tmp_path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.glob("*focus*")] == [path.name]
    assert total(read(export_focus(split.url, MONTH, "1.4", "csv", tmp_path).path), "ListCost") % 1 != 0
    with pytest.raises(FinopsError, match="cannot be written"):
        export_focus(split.url, MONTH, "1.4", "csv", path)
    # A share that is lost, as no run would leave it.
    split.execute("delete from finops.cost_allocations where team = 'Checkout' and billing_period = '2025-03-01'")
    with pytest.raises(FinopsError, match="2025-03: the charges as FOCUS do not add up to cost_records"):
        export_focus(split.url, MONTH, "1.4", "csv", tmp_path)
    split.execute("drop view finops.focus_cost_and_usage")
    with pytest.raises(FinopsError, match="no mart to export yet"):
        export_focus(split.url, MONTH, "1.4", "csv", tmp_path)


def test_the_command_prints_what_the_file_holds(
    split: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ensure_running", lambda: split.url)
    printed = CliRunner().invoke(cli.main, ["export", "focus", "--month", "2025-03", "--out", str(tmp_path / "new")])
    ((rows,),) = split.rows("select count(*) from finops.focus_cost_and_usage where x_billing_period = '2025-03-01'")
    ((billed, effective),) = split.rows(
        "select trim_scale(sum(billed_cost)), trim_scale(sum(effective_cost))"
        " from finops.cost_records where billing_period = '2025-03-01'"
    )
    path = tmp_path / "new" / "focus-1.4-2025-03.parquet"
    totals, where = printed.output.splitlines()
    assert totals.startswith(f"USD  {rows} rows, billed {billed}, effective {effective}, contracted ")
    assert where == str(path)
    assert path.is_file()
