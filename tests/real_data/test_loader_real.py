"""Bills that others wrote, to the last digit; what the sums have to be is computed here, without the loader."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from pathlib import Path

import pytest

from orchestration.lib.ingest import Rejected
from tests.support.feed import Feed

# The examples of the specification show the columns that matter to them; these are in none of those of commitments.
LEFT_OUT = {
    "BillingAccountId": "000000000001",
    "BillingCurrency": "USD",
    "ContractedCost": None,
    "InvoiceIssuerName": "Example",
    "ListCost": None,
    "ProviderName": "Example",
    "ServiceCategory": "Compute",
    "ServiceName": "Example",
}
Rows = list[dict[str, str]]


@pytest.fixture
def feed(database: str, tmp_path: Path) -> Feed:
    return Feed(database, tmp_path / "bill")


@pytest.fixture
def cur(database: str, tmp_path: Path) -> Feed:
    return Feed(database, tmp_path / "cur", "cur")


def read(path: Path) -> Rows:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def total(rows: Iterable[Mapping[str, str]], column: str) -> Decimal:
    with localcontext(prec=200):
        return sum((Decimal(row[column]) for row in rows if row[column] not in ("", "NULL", "null")), Decimal(0))


def stage(feed: Feed, path: Path, key: str | None = None) -> None:
    feed.deliver(key or path.name, path.read_bytes())


def texts(feed: Feed, *columns: str) -> list[tuple[str, ...]]:
    return sorted(tuple("" if value is None else str(value) for value in row) for row in feed.lines(*columns))


def sums(feed: Feed) -> tuple[int, Decimal, Decimal | None]:
    """(lines, billed, effective) as the ledger has them, which must be those of the lines."""
    (ledger,) = feed.rows(
        "select sum(line_count), sum(billed_cost), sum(effective_cost) from raw.deliveries"
        " join raw.scopes using (delivery_id)"
    )
    effective = f"sum(l.{feed.format.effective})" if feed.format.effective else "null::numeric"
    assert feed.lines("count(*)::numeric", f"sum(l.{feed.format.billed})", effective) == [ledger]
    return ledger


def test_the_official_focus_1_0_sample(feed: Feed, real_data: Path) -> None:
    path = real_data / "focus" / "focus_1.0_sample_1000.csv"
    rows = read(path)
    stage(feed, path)
    assert feed.load_one().ignored_columns == ("Id",)
    assert sums(feed) == (1_000, total(rows, "BilledCost"), total(rows, "EffectiveCost"))
    assert sums(feed)[1:] == (Decimal("20.52022672899"), Decimal("14.97651418586"))
    for column, header in (("l.list_cost", "ListCost"), ("l.contracted_cost", "ContractedCost")):
        assert feed.lines(f"sum({column})", f"count({column})") == [
            (total(rows, header), sum(row[header] != "NULL" for row in rows))
        ]
    assert texts(feed, "a.billing_account_id", "a.sub_account_id", "a.resource_id", "a.charge_description") == sorted(
        tuple(
            "" if row[name] == "NULL" else row[name]
            for name in ("BillingAccountId", "SubAccountId", "ResourceId", "ChargeDescription")
        )
        for row in rows
    )
    assert texts(feed, "to_char(l.charge_period_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')") == sorted(
        (row["ChargePeriodStart"],) for row in rows
    )
    tags = [json.loads(row["Tags"]) if row["Tags"] != "NULL" else {} for row in rows]
    assert sorted(json.dumps(found, sort_keys=True) for found in feed.map_of("tags") if found) == sorted(
        json.dumps(value, sort_keys=True) for value in tags if value
    )


def test_the_focus_1_4_rows(feed: Feed, real_data: Path) -> None:
    path = real_data / "focus" / "focus_1.4_costandusage_10rows.csv"
    rows = read(path)
    stage(feed, path)
    assert feed.load_one().ignored_columns == ()
    assert sums(feed) == (len(rows), total(rows, "BilledCost"), total(rows, "EffectiveCost"))
    assert texts(feed, "a.invoice_id", "a.invoice_detail_id", "a.service_provider_name") == sorted(
        tuple(
            "" if row[name] == "NULL" else row[name] for name in ("InvoiceId", "InvoiceDetailId", "ServiceProviderName")
        )
        for row in rows
    )


def examples(real_data: Path) -> list[Path]:
    return sorted((real_data / "focus" / "spec_examples_1.2").glob("*.csv"))


def test_the_commitment_examples_of_focus_1_2_conserve_what_was_bought(
    database: str, tmp_path: Path, real_data: Path
) -> None:
    paths = [path for path in examples(real_data) if "commitment" in path.name and "T30:" not in path.read_text()]
    assert len(paths) == 8
    for number, path in enumerate(paths):
        feed = Feed(database, tmp_path / str(number), name=f"example_{number}", constants=LEFT_OUT)
        rows = [row for row in read(path) if row["BilledCost"]]
        stage(feed, path)
        assert feed.load_one().line_count == len(rows)
        assert [(lines, billed, effective) for lines, billed, effective, _ in feed.days().values()] == [
            (len(rows), total(rows, "BilledCost"), total(rows, "EffectiveCost"))
        ]
        if "flexibility" in path.name:
            ((bought, spent),) = feed.lines(
                "sum(l.billed_cost) filter (where a.charge_category = 'Purchase')",
                "sum(l.effective_cost) filter (where a.commitment_discount_status in ('Used', 'Unused'))",
            )
            assert bought == spent > 0


def test_an_hour_that_no_day_has_is_refused(database: str, tmp_path: Path, real_data: Path) -> None:
    paths = [path for path in examples(real_data) if "T30:" in path.read_text()]
    assert len(paths) == 2
    for number, path in enumerate(paths):
        feed = Feed(database, tmp_path / str(number), name=f"example_{number}", constants=LEFT_OUT)
        stage(feed, path)
        row = next(n for n, row in enumerate(read(path), 1) if "T30:" in row["ChargePeriodEnd"])
        error = feed.refuse_one()
        assert error.startswith(
            f"{path.name}: row {row}, column ChargePeriodEnd: '2023-02-01T30:00:00Z' is not a date or time"
        )
        assert feed.ledger() == [("rejected", error)]


def test_dates_and_money_as_a_spreadsheet_writes_them_are_refused(
    database: str, tmp_path: Path, real_data: Path
) -> None:
    paths = [path for path in examples(real_data) if "saas" in path.name]
    assert len(paths) == 14
    for number, path in enumerate(paths):
        feed = Feed(database, tmp_path / str(number), name=f"example_{number}", constants=LEFT_OUT)
        stage(feed, path)
        first = read(path)[0]["BillingPeriodStart"]
        assert feed.refuse_one().startswith(
            f"{path.name}: row 1, column BillingPeriodStart: {first!r} is not a date or time"
        )


def test_money_as_a_spreadsheet_writes_it_is_refused(feed: Feed, real_data: Path) -> None:
    path = next(path for path in examples(real_data) if path.name.endswith("simple_saas_agreements_a1.csv"))
    dates = {"4/1/25": "2025-04-01", "5/1/25": "2025-05-01", "4/1/26": "2026-04-01"}
    text = path.read_text(encoding="utf-8-sig")
    for written, date in dates.items():
        text = text.replace(written, date)
    feed.deliver(path.name, text.encode())
    assert f"{path.name}: row 1, column BilledCost: '$10,000.00 ' is not a number" in feed.refuse_one()


def test_the_examples_of_later_drafts(database: str, tmp_path: Path, real_data: Path) -> None:
    names = (
        "ai_model_billing__csp_served_third_party_model",
        "ai_prompt_caching_b",
        "commitment__aws_ri_partial_upfront_100pct_first20rows",
    )
    for number, name in enumerate(names):
        path = real_data / "focus" / "spec_examples_draft_2026" / f"{name}.csv"
        feed = Feed(database, tmp_path / str(number), name=f"draft_{number}")
        rows = read(path)
        stage(feed, path)
        feed.load_one()
        days = feed.days().values()
        assert sum(day[0] for day in days) == len(rows)
        assert sum(day[1] for day in days) == total(rows, "BilledCost")
        assert sum(day[2] for day in days) == total(rows, "EffectiveCost")


def test_the_real_anonymised_cur(cur: Feed, real_data: Path) -> None:
    path = real_data / "billing_aws" / "cur1_focus_converters_anonymous.csv"
    rows = read(path)
    stage(cur, path)
    loaded = cur.load_one()
    assert (loaded.line_count, str(loaded.billing_period)) == (1_281, "2023-11-01")
    assert sums(cur) == (1_281, total(rows, "lineItem/UnblendedCost"), None)
    assert cur.lines("sum(l.line_item_usage_amount)", "sum(l.pricing_public_on_demand_cost)") == [
        (total(rows, "lineItem/UsageAmount"), total(rows, "pricing/publicOnDemandCost"))
    ]
    names = ("lineItem/UsageAccountId", "lineItem/UsageType", "lineItem/LineItemDescription", "pricing/RateCode")
    columns = ("usage_account_id", "usage_type", "line_item_description")
    assert texts(cur, *(f"a.line_item_{column}" for column in columns), "a.pricing_rate_code") == sorted(
        tuple(row[name] for name in names) for row in rows
    )
    products = {found["product_name"] for found in cur.map_of("product") if found and "product_name" in found}
    assert products == {row["product/ProductName"] for row in rows if row["product/ProductName"]}


def test_the_koku_cur_with_its_manifest(cur: Feed, real_data: Path) -> None:
    folder = real_data / "billing_aws"
    path = folder / "cur1_koku_bucket_a_20180620-20180803.csv.gz"
    manifest = folder / "cur1_koku_bucket_a_20180620-20180803_manifest.json"
    (key,) = json.loads(manifest.read_text())["reportKeys"]
    report = Path(key.lstrip("/"))
    stage(cur, path, str(report))
    stage(cur, manifest, f"{report.parent.parent}/koku-local-Manifest.json")
    stage(cur, manifest, f"{report.parent}/koku-local-Manifest.json")
    rows = read(path)
    loaded = cur.load_one()
    assert (loaded.line_count, str(loaded.billing_period)) == (13_380, "2018-08-01")
    assert sums(cur) == (13_380, total(rows, "lineItem/UnblendedCost"), None)
    # Its lines are of three billing months; each keeps its own.
    months = {row["bill/BillingPeriodStartDate"][:10] for row in rows}
    assert {str(row[0].date()) for row in cur.lines("a.bill_billing_period_start_date")} == months
    for month in months:
        of_month = [row for row in rows if row["bill/BillingPeriodStartDate"].startswith(month)]
        assert cur.rows(
            "select sum(line_item_unblended_cost) from raw.cur_line_items"
            " join raw.cur_line_item_attributes using (scope_id, attributes_id)"
            " where bill_billing_period_start_date::date = %s::date",
            month,
        ) == [(total(of_month, "lineItem/UnblendedCost"),)]
    days = {day: (lines, billed) for day, (lines, billed, _, _) in cur.days().items()}
    assert sum(lines for lines, _ in days.values()) == 13_380
    for day, (lines, billed) in days.items():
        of_day = [row for row in rows if row["lineItem/UsageStartDate"].startswith(day)]
        assert (lines, billed) == (len(of_day), total(of_day, "lineItem/UnblendedCost"))


def test_a_month_before_and_after_its_bill_was_final(database: str, cur: Feed, tmp_path: Path, real_data: Path) -> None:
    folder = real_data / "billing_aws"
    final = folder / "cur1_koku_2023-06-01_final.csv"
    stage(cur, folder / "cur1_koku_2023-06-01_not_final.csv", "2023-06/bill.csv")
    cur.load_one()
    assert cur.lines("a.bill_invoice_id", "a.bill_payer_account_id") == [(None, "9999999999999")] * 3
    stage(cur, final, "2023-06/bill.csv")
    assert cur.load_one().changed
    assert (
        cur.lines("a.bill_invoice_id", "a.bill_payer_account_id", "a.line_item_usage_account_id")
        == [("987654321", "0099999999999", "0099999999999")] * 3
    )
    assert sums(cur) == (3, total(read(final), "lineItem/UnblendedCost"), None)

    clean = Feed(database, tmp_path / "clean", "cur", name="clean")
    stage(clean, final, "2023-06/bill.csv")
    clean.load_one()
    assert clean.content() == cur.content()
    assert clean.days() == cur.days()


def test_the_alternative_headers(cur: Feed, real_data: Path) -> None:
    path = real_data / "billing_aws" / "cur1_koku_alt_columns.csv"
    rows = read(path)
    stage(cur, path)
    loaded = cur.load_one()
    assert (loaded.line_count, str(loaded.billing_period)) == (2, "2022-07-01")
    assert sums(cur) == (2, total(rows, "line_item_unblended_cost"), None)
    assert texts(cur, "a.line_item_usage_type", "a.line_item_resource_id") == sorted(
        (row["line_item_usage_type"], row["line_item_resource_id"]) for row in rows
    )
    tag = "resource_tags_user_insights_project"
    assert [(found or {}).get("user_insights_project", "") for found in cur.map_of("resource_tags")] == [
        row[tag] for row in rows
    ]


def test_the_malformed_files(feed: Feed, real_data: Path) -> None:
    for path in (real_data / "billing_malformed").iterdir():
        stage(feed, path)
    outcomes = feed.load()
    assert all(isinstance(outcome, Rejected) for outcome in outcomes)
    errors = sorted(outcome.error for outcome in outcomes if isinstance(outcome, Rejected))
    assert errors[0].startswith("empty-file.csv: the file is empty")
    assert errors[1].startswith("tokenizing-error.csv: no column for billing_period_start")
    assert errors[2].startswith("valid-csv.csv: no column for billing_period_start")
    assert sorted(error for _, error in feed.ledger() if error) == errors


def test_the_samples_of_the_validator(feed: Feed, real_data: Path) -> None:
    paths = sorted((real_data / "focus" / "validator_samples").glob("*.csv"))
    for path in paths:
        stage(feed, path, f"2023-06/{path.stem}/{path.name}")
    feed.refuse_one()
    for path in paths:
        feed.clear()
        stage(feed, path, f"2023-06/{path.name}")
        error = feed.refuse_one()
        assert error.startswith(f"2023-06/{path.name}: no column for ")
    assert feed.leftovers() == []
