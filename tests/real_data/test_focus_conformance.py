"""Exports against the published rules of FOCUS 1.2, and the compiler of those rules against the validator's own samples."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from orchestration.lib import dbt
from orchestration.lib.focus_export import export_focus
from tests.real_data.conftest import BilledMonths
from tests.support.focus_files import load_texts
from tests.support.focus_rules import DEMANDS, RuleSet, failures, read_rules

ADVICE = {"SHOULD", "SHOULD NOT", "RECOMMENDED"}
_WRONG = "the rule file is wrong, its own text says otherwise: "
_SILENT = "not delivered, and not made up: "
_AS_DELIVERED = "as the provider delivered it: "
EXCEPTIONS = {
    "CommitmentDiscountStatus-C-003-C": _WRONG + "demands a status where there is no commitment",
    "CommitmentDiscountStatus-C-004-C": _WRONG + "demands a status where there is no commitment",
    "CommitmentDiscountStatus-C-005-M": _WRONG
    + "allows Active, Expired and Pending; the specification Used and Unused",
    "ConsumedQuantity-C-006-C": _WRONG + "demands a quantity of corrections; the text of all others",
    "BilledCost-C-005-C": _WRONG + "takes AWS and Amazon Web Services, Inc. for a seller and a third party",
    "EffectiveCost-C-005-C": _WRONG + "demands 0 of every purchase; the text of those that cover later charges",
    "ListUnitPrice-C-005-C": _SILENT + "fees, discounts and negations of AWS have no price",
    "ContractedUnitPrice-C-006-C": _SILENT + "fees, discounts and negations of AWS have no price",
    "PricingCurrencyListUnitPrice-C-005-C": _SILENT + "fees, discounts and negations of AWS have no price",
    "PricingQuantity-C-005-C": _SILENT + "fees, discounts and negations of AWS are not counted in units",
    "CommitmentDiscountQuantity-C-005-C": _SILENT + "negations of covered usage; FOCUS 1.0 has no such column",
    "CommitmentDiscountType-C-005-C": _SILENT + "examples of the specification that leave it out",
    "ContractedCost-C-003-M": _SILENT + "six rows of the FOCUS 1.0 sample, and examples of the specification",
    "ContractedCost-C-004-M": _SILENT + "six rows of the FOCUS 1.0 sample, and examples of the specification",
    "ResourceType-C-005-C": _SILENT + "AWS reports name no types",
    "BillingAccountType-C-005-C": _SILENT + "AWS reports name no types",
    "BillingAccountName-C-003-C": _SILENT + "legacy reports name no accounts",
    "SubAccountName-C-005-C": _SILENT + "legacy reports name no accounts",
    "PricingCurrency-C-004-M": _SILENT + "providers that price in the billing currency",
    "PricingCurrencyEffectiveCost-C-003-M": _SILENT + "providers that price in the billing currency",
    "ServiceSubcategory-C-002-M": _SILENT + "FOCUS 1.0 has no such column",
    "ChargeDescription-C-003-O": _SILENT + "examples of the specification that leave it out",
    "SkuMeter-C-005-C": _SILENT + "FOCUS 1.0 has no such column",
    "SkuPriceId-C-005-C": _SILENT + "four rows of the FOCUS 1.0 sample; legacy reports without rate codes",
    "PricingUnit-C-006-C": _AS_DELIVERED + "quantities without a unit",
    "PricingCategory-C-004-C": _AS_DELIVERED + "four rows of the FOCUS 1.0 sample",
    "ChargeFrequency-C-003-M": _AS_DELIVERED + "six rows of the FOCUS 1.0 sample",
    "ConsumedQuantity-C-004-C": _AS_DELIVERED + "quantities of adjustments and of unused commitments",
    "ContractedUnitPrice-C-009-C": _AS_DELIVERED + "a negative price",
    "ListUnitPrice-C-010-C": _AS_DELIVERED
    + "costs of lines are rounded, and the anomalies of the sample are in costs alone",
    "ListCost-C-009-C": _AS_DELIVERED
    + "costs of lines are rounded, and the anomalies of the sample are in costs alone",
    "ContractedUnitPrice-C-011-C": _AS_DELIVERED + "costs of lines are rounded",
    "RegionName-C-004-C": _AS_DELIVERED + "places without the code of a region",
    "RegionName-C-005-C": _AS_DELIVERED + "codes of regions without a name",
    "ResourceType-C-004-C": _AS_DELIVERED + "types of rows that name no resource",
    "ServiceName-C-005-C": _AS_DELIVERED + "a service in two categories",
    "ServiceName-C-008-C": _AS_DELIVERED + "a service in two subcategories",
    "ServiceSubcategory-C-004-M": _AS_DELIVERED + "a subcategory of another category",
    "ConsumedUnit-C-003-O": _AS_DELIVERED + "units such as GB-Mo",
    "PricingUnit-C-003-O": _AS_DELIVERED + "units such as GB-Mo",
}


@pytest.fixture(scope="module")
def rule_set(real_data: Path) -> RuleSet:
    path = real_data / "focus" / "focus_1.2_rules.json"
    if not path.is_file():
        pytest.skip(f"no rules of FOCUS in {path}")
    return read_rules(path)


@pytest.fixture(scope="module")
def files(billed: BilledMonths, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Exports in the 1.2 profile of every month."""
    folder = tmp_path_factory.mktemp("conformance")
    return [export_focus(billed.url, month, "1.2", "csv", folder).path for month in billed.months]


def test_every_rule_is_compiled_or_a_list_or_dynamic(rule_set: RuleSet) -> None:
    assert (len(rule_set.rules), len(rule_set.lists), len(rule_set.dynamic)) == (275, 145, 201)
    assert not set(EXCEPTIONS) - {rule.rule_id for rule in rule_set.rules}


def broken(url: str, path: Path, rule_set: RuleSet) -> dict[str, int]:
    """Rule -> rows of a file that break it, of what the specification demands and advises."""
    heard = [rule for rule in rule_set.rules if rule.keyword in DEMANDS | ADVICE]
    with psycopg.connect(url) as connection:
        return failures(connection, load_texts(connection, path), heard, rule_set.criteria)


def test_exports_break_no_rule_without_a_reason(files: list[Path], rule_set: RuleSet, warehouse_url: str) -> None:
    found: dict[str, dict[str, int]] = {}
    for path in files:
        for rule_id, rows in broken(warehouse_url, path, rule_set).items():
            found.setdefault(rule_id, {})[path.name] = rows
    unexplained = {rule_id: where for rule_id, where in found.items() if rule_id not in EXCEPTIONS}
    assert not unexplained, "\n".join(f"{rule_id}: {where}" for rule_id, where in unexplained.items())
    unneeded = sorted(set(EXCEPTIONS) - set(found))
    assert unneeded == []


def test_a_broken_export_is_found_out(files: list[Path], rule_set: RuleSet, warehouse_url: str) -> None:
    """Each change to the newest export of the sample organisation breaks the rules that are about it, and no other."""
    changes = {
        "ChargeCategory-C-003-M": """update file set "ChargeCategory" = 'Rent'""",
        "ChargePeriodStart-C-002-M": """update file set "ChargePeriodStart" = '2026-10-01 00:00:00'""",
        "BilledCost-C-003-M": """update file set "BilledCost" = null""",
        "BilledCost-C-002-M": """update file set "BilledCost" = '1,5'""",
        "BillingCurrency-C-003-M": """update file set "BillingCurrency" = 'euro'""",
        "Tags-C-001-M": """update file set "Tags" = '{"a": {"b": "c"}}'""",
        "ListUnitPrice-C-008-M": """update file set "ListUnitPrice" = '-1' where "ListUnitPrice" is not null""",
        "SkuPriceId-C-008-M": """update file set "SkuPriceId" = 'one'""",
        "CostAndUsage-D-038-M": """alter table file drop column "ProviderName" """,
        "ConsumedUnit-C-005-C": """update file set "ConsumedUnit" = 'Hours'""",
        "CommitmentDiscountCategory-C-004-C": """update file set "CommitmentDiscountCategory" = null""",
    }
    before = set(broken(warehouse_url, files[-1], rule_set))
    for rule_id, change in changes.items():
        assert rule_id not in before
        with psycopg.connect(warehouse_url) as connection:
            table = load_texts(connection, files[-1])
            connection.execute(change.encode())
            assert rule_id in failures(connection, table, rule_set.rules, rule_set.criteria)


def test_the_validators_own_samples(real_data: Path, rule_set: RuleSet, warehouse_url: str) -> None:
    """Most of them are of versions before 1.0: what counts is what they say of columns that 1.2 has."""
    presence = {rule.rule_id for rule in rule_set.rules if rule.is_presence and rule.keyword in DEMANDS | ADVICE}
    found = {
        path.name: broken(warehouse_url, path, rule_set)
        for path in sorted((real_data / "focus" / "validator_samples").glob("*.csv"))
    }
    others = {name: set(rules) - presence for name, rules in found.items()}
    assert len(found) == 8
    assert presence == set(found["all_fail.csv"])
    assert others.pop("fail_invoice_issuer.csv") == {"BilledCost-C-005-C"}
    assert found["fail_invoice_issuer.csv"]["BilledCost-C-005-C"] == 1
    # An issuer is missing there, and a third of its lines has none of the names that it is compared with.
    assert others.pop("billedCostTest.csv") == {"InvoiceIssuerName-C-003-M", "ProviderName-C-003-M"}
    # Passed by the validator of its time: an account without a name, and a service in two categories.
    assert others.pop("all_pass_0.5.csv") == {"BillingAccountName-C-003-C", "ServiceName-C-005-C"}
    assert not any(others.values()), others
    assert not {"CostAndUsage-D-040-M", "CostAndUsage-D-019-C"} & set(found["all_pass_0.5.csv"])


def test_categories_of_aws_services_are_those_of_the_specification(rule_set: RuleSet, warehouse_url: str) -> None:
    named = ("ServiceCategory-C-003-M", "ServiceSubcategory-C-003-M", "ServiceSubcategory-C-004-M")
    rules = [rule for rule in rule_set.rules if rule.rule_id in named]
    with psycopg.connect(warehouse_url) as connection:
        table = load_texts(connection, dbt.project_dir() / "seeds" / "aws_services.csv")
        connection.execute(
            'alter table file rename column service_category to "ServiceCategory";'
            ' alter table file rename column service_subcategory to "ServiceSubcategory"'
        )
        assert len(rules) == 3
        assert failures(connection, table, rules, rule_set.criteria) == {}
