"""The sample organisation: the same bytes again, exact control totals, and bills that obey the providers' own rules."""

import csv
import gzip
import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from orchestration.sample import Truth, apply_restatement, generate
from orchestration.sample.cur_columns import CUR_COLUMNS, MAP, NUMBER, TIME

END = date(2026, 10, 20)
MONTHS = 3


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    out = tmp_path_factory.mktemp("sample") / "small"
    return out, generate(out, seed=11, factor=0.2, end=END, months=MONTHS)


def _digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def _files(root: Path, source: str, period: str) -> list[Path]:
    folders = (f"BILLING_PERIOD={period}", period)
    found = sorted(path for path in (root / source).rglob("*") if path.is_file() and path.parent.name in folders)
    return [path for path in found if path.suffix != ".json"]


def _cur(root: Path, period: str) -> Iterator[dict[str, Any]]:
    for path in _files(root, "aws_main", period):
        yield from pq.read_table(path, partitioning=None).to_pylist()


def _focus(root: Path, source: str, period: str) -> Iterator[dict[str, Any]]:
    for path in _files(root, source, period):
        if path.suffix == ".parquet":
            yield from pq.read_table(path, partitioning=None).to_pylist()
        elif path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
                yield from csv.DictReader(text)


def _exact(value: float | str | Decimal) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _amortised(line: dict[str, Any]) -> Decimal:
    kind = line["line_item_line_item_type"]
    if kind == "SavingsPlanCoveredUsage":
        return _exact(line["savings_plan_savings_plan_effective_cost"])
    if kind == "SavingsPlanRecurringFee":
        total = _exact(line["savings_plan_total_commitment_to_date"])
        return total - _exact(line["savings_plan_used_commitment"])
    if kind in ("SavingsPlanNegation", "SavingsPlanUpfrontFee"):
        return Decimal(0)
    if kind == "DiscountedUsage":
        return _exact(line["reservation_effective_cost"])
    if kind == "RIFee":
        upfront = _exact(line["reservation_unused_amortized_upfront_fee_for_billing_period"])
        return upfront + _exact(line["reservation_unused_recurring_fee"])
    if kind == "Fee" and line["reservation_reservation_a_r_n"]:
        return Decimal(0)
    return _exact(line["line_item_unblended_cost"])


def test_the_same_seed_gives_the_same_bytes(sample: tuple[Path, Truth], tmp_path: Path) -> None:
    generate(tmp_path / "again", seed=11, factor=0.2, end=END, months=MONTHS)
    assert _digests(tmp_path / "again") == _digests(sample[0])


def test_another_seed_gives_other_bills(sample: tuple[Path, Truth], tmp_path: Path) -> None:
    other = generate(tmp_path / "other", seed=12, factor=0.2, end=END, months=1)
    assert other.totals[0].billed_cost not in {total.billed_cost for total in sample[1].totals}


def test_control_totals_equal_what_the_files_say(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    assert len(truth.totals) == 3 * MONTHS
    for total in truth.totals:
        root = out / "deliveries"
        if total.source == "aws_main":
            lines = list(_cur(root, total.billing_period))
            billed = sum((_exact(line["line_item_unblended_cost"]) for line in lines), Decimal(0))
            effective = sum(map(_amortised, lines), Decimal(0))
        else:
            lines = list(_focus(root, total.source, total.billing_period))
            billed = sum((Decimal(line["BilledCost"]) for line in lines), Decimal(0))
            effective = sum((Decimal(line["EffectiveCost"]) for line in lines), Decimal(0))
        assert len(lines) == total.lines
        assert billed == Decimal(total.billed_cost)
        assert effective == Decimal(total.effective_cost)


def test_cur_has_the_columns_and_types_of_the_export(sample: tuple[Path, Truth]) -> None:
    path = _files(sample[0] / "deliveries", "aws_main", "2026-09")[0]
    schema = pq.read_schema(path)
    assert schema.names == list(CUR_COLUMNS)
    for name, kind in CUR_COLUMNS.items():
        value = schema.field(name).type
        if kind == MAP:
            assert value.key_type == pa.string()
        else:
            assert value == {NUMBER: pa.float64(), TIME: pa.timestamp("ms", tz="UTC")}.get(kind, pa.string()), name
    first = next(_cur(sample[0] / "deliveries", "2026-09"))
    assert first["bill_payer_account_id"] == "004815162342"
    assert dict(first["product"])["product_name"]


def test_manifests_list_the_files_in_order(sample: tuple[Path, Truth]) -> None:
    out = sample[0] / "deliveries"
    for source, count in (("aws_main", 3), ("aws_subsidiary", 2)):
        for path in out.joinpath(source).rglob("*-Manifest.json"):
            manifest = json.loads(path.read_text(encoding="utf-8"))
            listed = [name.removeprefix("s3://halden-billing-exports/") for name in manifest["dataFiles"]]
            period = manifest["billingPeriod"]["start"][:7]
            found = [file.relative_to(out / source).as_posix() for file in _files(out, source, period)]
            assert listed == found
            assert len(listed) == count
            assert {"name", "type"} == set(manifest["columns"][0])


def test_cur_commitments_are_conserved(sample: tuple[Path, Truth]) -> None:
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for line in _cur(sample[0] / "deliveries", "2026-09"):
        arn, kind = line["savings_plan_savings_plan_a_r_n"], line["line_item_line_item_type"]
        if arn:
            sums[arn][kind] += _exact(line["line_item_unblended_cost"])
        if kind == "SavingsPlanCoveredUsage":
            sums[arn]["used"] += _amortised(line)
        elif kind == "SavingsPlanRecurringFee":
            sums[arn]["reported used"] += _exact(line["savings_plan_used_commitment"])
            sums[arn]["unused"] += _amortised(line)
            sums[arn]["committed"] += _exact(line["savings_plan_total_commitment_to_date"])
    assert len(sums) == 2
    for plan in sums.values():
        assert plan["SavingsPlanCoveredUsage"] == -plan["SavingsPlanNegation"]
        assert plan["used"] == plan["reported used"]
        assert plan["used"] + plan["unused"] == plan["committed"]
        assert plan["unused"] > 0


def test_focus_commitments_are_conserved(sample: tuple[Path, Truth]) -> None:
    for source in ("aws_subsidiary", "azure"):
        for period in ("2026-08", "2026-09", "2026-10"):
            purchased: dict[str, Decimal] = defaultdict(Decimal)
            consumed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
            for line in _focus(sample[0] / "deliveries", source, period):
                plan = line["CommitmentDiscountId"]
                if line["ChargeCategory"] == "Purchase" and plan:
                    assert Decimal(line["EffectiveCost"]) == 0
                    purchased[plan] += Decimal(line["BilledCost"])
                elif plan:
                    assert Decimal(line["BilledCost"]) == 0
                    consumed[plan, line["CommitmentDiscountStatus"]] += Decimal(line["EffectiveCost"])
            assert len(purchased) >= 2
            for plan, billed in purchased.items():
                assert consumed[plan, "Used"] + consumed[plan, "Unused"] == billed
                assert consumed[plan, "Unused"] > 0


def test_an_agreed_discount_is_not_of_the_marketplace(sample: tuple[Path, Truth]) -> None:
    """Nobody commits to what others sell: contracted below effective cost would show as a loss of commitments."""
    for source, software in (("aws_subsidiary", "Lumenwatch Observability Platform"), ("azure", "Gridline ETL")):
        lines = [
            line for line in _focus(sample[0] / "deliveries", source, "2026-09") if line["ServiceName"] == software
        ]
        assert len(lines) == 1
        costs = {Decimal(lines[0][name]) for name in ("ListCost", "ContractedCost", "EffectiveCost", "BilledCost")}
        assert len(costs) == 1


def test_a_restatement_changes_its_days_only(sample: tuple[Path, Truth], tmp_path: Path) -> None:
    truth = sample[1].restatement
    assert truth is not None
    out = tmp_path / "restated"
    shutil.copytree(sample[0], out)
    before = _by_day(out / "deliveries", truth.billing_period)
    apply_restatement(out)
    after = _by_day(out / "deliveries", truth.billing_period)
    changed = [day for day in before if sorted(before[day]) != sorted(after[day])]
    assert changed == truth.days
    assert sum(map(len, after.values())) == truth.total.lines
    assert truth.total.lines == sum(map(len, before.values())) - truth.removed + truth.added
    assert min(truth.removed, truth.changed, truth.added) > 0
    total = sum((cost for lines in after.values() for cost, _ in lines), Decimal(0))
    assert total == Decimal(truth.total.billed_cost)
    manifest = "aws_main/cur2/halden-cur2/metadata/BILLING_PERIOD=2026-09/halden-cur2-Manifest.json"
    assert "restated" in json.loads((out / "deliveries" / manifest).read_text(encoding="utf-8"))["executionId"]


def _by_day(root: Path, period: str) -> dict[str, list[tuple[Decimal, str]]]:
    days: dict[str, list[tuple[Decimal, str]]] = defaultdict(list)
    for line in _cur(root, period):
        del line["identity_line_item_id"]
        day = line["line_item_usage_start_date"].date().isoformat()
        days[day].append((_exact(line["line_item_unblended_cost"]), repr(line)))
    return dict(sorted(days.items()))


def test_the_last_month_is_open(sample: tuple[Path, Truth]) -> None:
    assert [total.closed for total in sample[1].totals if total.source == "azure"] == [True, True, False]
    lines = list(_cur(sample[0] / "deliveries", "2026-10"))
    assert {line["bill_invoice_id"] for line in lines} == {None}
    usage = [line for line in lines if line["line_item_line_item_type"] == "DiscountedUsage"]
    assert max(line["line_item_usage_start_date"].date() for line in usage) == END


def test_invoices_are_whole_cents_and_one_differs(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    assert len(truth.invoices) == 3 * 2 * (MONTHS - 1)
    assert all(Decimal(invoice.delivered) == round(Decimal(invoice.delivered), 2) for invoice in truth.invoices)
    differing = [invoice for invoice in truth.invoices if invoice.delivered != invoice.invoiced]
    assert [(invoice.source, invoice.billing_period) for invoice in differing] == [("aws_main", "2026-08")]
    config = yaml.safe_load((out / "finops-config.yaml").read_text(encoding="utf-8"))
    of_models = {invoice.invoice_id for invoice in truth.ai_invoices}
    assert {entry["invoice_id"] for entry in config["invoices"]} - of_models == {
        invoice.invoice_id for invoice in truth.invoices
    }


def test_settings_keep_ids_as_texts_and_leave_the_sandbox_unmapped(sample: tuple[Path, Truth]) -> None:
    text = (sample[0] / "finops-config.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    mapped = [entry["sub_account_id"] for entry in config["accounts"]]
    assert all(isinstance(account, str) for account in mapped)
    assert "'000314159265'" in text
    assert "061803398874" not in mapped
    assert {"source": "aws_main", "format": "cur"}.items() <= {
        "source": config["sources"][0]["name"],
        "format": config["sources"][0]["format"],
    }.items()


def test_anomalies_name_resources_that_were_billed(sample: tuple[Path, Truth]) -> None:
    out, truth = sample
    kinds = {(label.source, label.kind) for label in truth.anomalies}
    assert {("aws_main", "level_shift"), ("aws_main", "new_service"), ("azure", "level_shift")} <= kinds
    label = next(label for label in truth.anomalies if label.kind == "new_service")
    days = {
        line["line_item_usage_start_date"].date().isoformat(): _exact(line["line_item_unblended_cost"])
        for line in _cur(out / "deliveries", "2026-10")
        if line["line_item_resource_id"] == label.resource_id and line["line_item_line_item_type"] == "Usage"
    }
    assert days == {day: Decimal(cost) for day, cost in label.extra_cost.items() if day >= "2026-10"}


def test_a_spike_changes_one_resource_on_one_day(sample: tuple[Path, Truth], tmp_path: Path) -> None:
    usual, truth = sample
    day = date(2026, 10, 17)
    told = generate(tmp_path / "spike", seed=11, factor=0.2, end=END, months=MONTHS, spike=day)
    (label,) = [one for one in told.anomalies if one not in truth.anomalies]
    assert (label.kind, label.start, list(label.extra_cost)) == ("spike", "2026-10-17", ["2026-10-17"])

    def costs(root: Path) -> dict[date, Decimal]:
        sums: dict[date, Decimal] = defaultdict(Decimal)
        for line in _cur(root / "deliveries", "2026-10"):
            if line["line_item_line_item_type"] == "Usage" and line["line_item_resource_id"] == label.resource_id:
                sums[line["line_item_usage_start_date"].date()] += Decimal(repr(line["pricing_public_on_demand_cost"]))
        return sums

    before, after = costs(usual), costs(tmp_path / "spike")
    assert {key for key in after if after[key] != before[key]} == {day}
    assert after[day] - before[day] == Decimal(label.extra_cost["2026-10-17"])
    assert after[day] > 10 * before[day]
    assert _digests(usual / "deliveries" / "azure") == _digests(tmp_path / "spike" / "deliveries" / "azure")


def test_a_spike_on_a_day_that_is_not_delivered_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a spike on 2026-10-21 is not between 2026-08-01 and 2026-10-20"):
        generate(tmp_path, end=END, months=MONTHS, spike=date(2026, 10, 21))


def test_a_crash_leaves_the_former_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "sample"
    generate(out, seed=1, factor=0.1, end=date(2026, 1, 3), months=1)
    before = _digests(out)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("orchestration.sample.generator.write_settings", fail)
    with pytest.raises(OSError, match="disk full"):
        generate(out, seed=2, factor=0.1, end=date(2026, 1, 3), months=1)
    assert _digests(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


@pytest.mark.parametrize(("factor", "months"), [(0.0, 1), (-1.0, 1), (1.0, 0)])
def test_impossible_sizes_are_refused(tmp_path: Path, factor: float, months: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        generate(tmp_path / "none", factor=factor, months=months)
