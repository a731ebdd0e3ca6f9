"""The configuration file: what is taken, and how what is wrong is named."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.lib.config import Config, load_config
from orchestration.lib.config_ai import AiOptimization, AiPrices
from orchestration.lib.config_anomalies import AnomalyDetection
from orchestration.lib.config_savings import Savings
from orchestration.lib.errors import FinopsError

ROOT = Path(__file__).parents[2]
MINIMUM = """
organization: {name: Example, first_billing_period: 2026-01}
sources: [{name: aws, format: cur, location: bills}]
"""
OWNER = "currency: EUR, owner: lead@example.com"


def load(folder: Path, text: str | bytes) -> Config:
    path = folder / "finops-config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(path)


def problems(folder: Path, text: str | bytes) -> str:
    with pytest.raises(FinopsError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert str(folder / "finops-config.yaml") in message
    return message


def test_the_example_is_valid_and_shows_every_section() -> None:
    config = load_config(ROOT / "config" / "finops-config.yaml.example")
    written = (ROOT / "config" / "finops-config.yaml.example").read_text(encoding="utf-8")
    assert all(f"\n{section}:" in written for section in config.sections())
    assert config.accounts[0].sub_account_id == "000123456789"
    assert config.invoices[0].amount == Decimal("12345.67")
    assert config.sources[1].constants == {"InvoiceIssuerName": "Microsoft", "PublisherName": None}


def test_sections_that_are_absent_have_their_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMUM + "teams:\nreports:\n")
    assert config.organization.first_month == date(2026, 1, 1)
    assert config.sections() == {
        "organization": {"name": "Example", "first_billing_period": "2026-01", "time_zone": "UTC"},
        "sources": [
            {
                "name": "aws",
                "format": "cur",
                "location": "bills",
                "constants": {},
            }
        ],
        "tag_policy": {
            "keys": {
                key: {"aliases": [], "required": False, "exceptions": []}
                for key in ("team", "cost_center", "project", "environment")
            }
        },
        "virtual_tags": {"rules": []},
        "teams": [],
        "accounts": [],
        "cost_allocation": {"rules": [], "drivers": []},
        "privacy": {"keep_user_names": False},
        "chargeback": {"mode": "chargeback", "markups": []},
        "invoices": [],
        "currencies": {},
        "budgets": [],
        "anomaly_detection": AnomalyDetection().model_dump(mode="json"),
        "forecasts": {"events": [], "minimum_share": "0.02"},
        "tag_write_back": {
            "approved_rules": [],
            "minimum_confidence": "0.9",
            "region": "us-east-1",
            "role_arns": {},
        },
        "ai_prices": AiPrices().model_dump(mode="json"),
        "ai_api_optimization": AiOptimization().model_dump(mode="json"),
        "savings": Savings().model_dump(mode="json"),
        "utilisation": [],
        "reference": [],
        "inventory": [],
        "reports": {"cost_basis": "effective_cost", "top_services": 10},
    }


def test_locations_are_relative_to_the_file(tmp_path: Path) -> None:
    text = MINIMUM.replace("location: bills", "location: ../bills") + ""
    config = load(tmp_path, text.replace("}]", "}, {name: b, format: focus, location: s3://bucket/x, region: eu}]"))
    assert [config.location_of(source) for source in config.sources] == [
        str(tmp_path.parent / "bills"),
        "s3://bucket/x",
    ]
    assert config.path == tmp_path / "finops-config.yaml"


def test_scalars_stay_the_texts_they_are(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        MINIMUM
        + """
teams: [{name: NO, cost_center: 0012}, {name: "1_000", cost_center: 1e3}]
accounts: [{sub_account_id: 007, team: NO, valid_from: 2026-01-01}]
""",
    )
    assert [(team.name, team.cost_center) for team in config.teams] == [("NO", "0012"), ("1_000", "1e3")]
    assert config.accounts[0].sub_account_id == "007"
    assert config.accounts[0].valid_from == date(2026, 1, 1)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + MINIMUM.lstrip().encode()).organization.name == "Example"


def test_a_spelling_listed_twice_counts_once(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMUM + "teams: [{name: Search, cost_center: a, aliases: [find, SEARCH, Find, look]}]")
    assert config.teams[0].aliases == ("find", "look")


def test_variables_come_from_the_environment_and_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINOPS_TEST_TEAM", "s3cret")
    text = MINIMUM + "teams: [{name: 'x-${FINOPS_TEST_TEAM}', cost_center: a}]\n"
    assert load(tmp_path, text).teams[0].name == "x-s3cret"
    message = problems(
        tmp_path,
        text.replace("cost_center: a", "cost_center: '${FINOPS_TEST_ABSENT}', owner: '${FINOPS_TEST_TEAM}'")
        + "accounts: [{sub_account_id: 1, team: '${FINOPS_TEST_TEAM}'}, {sub_account_id: 2, team: '${a b}'}]\n",
    )
    assert "teams[0].cost_center: the environment variable FINOPS_TEST_ABSENT is not set." in message
    assert "teams[0].owner: found '${FINOPS_TEST_TEAM}', must be an e-mail address." in message
    assert "accounts[0].team: '${FINOPS_TEST_TEAM}' is none of the teams." in message
    assert "accounts[1].team: ${a b} names no environment variable." in message
    assert "s3cret" not in message


def test_every_problem_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    message = problems(
        tmp_path,
        """organization:
  name: Example
  first_billing_period: 2026-13
sources:
  - {name: aws, format: focsu, location: x}
  - {name: aws2, format: cur, locaton: y}
  - {name: Aws, format: cur, location: gs://bucket/x}
  - {name: aws3, format: cur, location: x, region: eu}
invoices:
  - {invoice_issuer_name: A, invoice_id: 1, billing_currency: usd, amount: "1,234.5"}
reports: {top_services: 0, cost_basis: effective}
budgetz: []
""",
    )
    for line in (
        "line 3: organization.first_billing_period: found '2026-13', must be a month such as 2026-01.",
        "line 5: sources[0].format: found 'focsu', allowed: focus, cur, openai, anthropic, bedrock_logs,"
        " bedrock_metrics, litellm, otel_genai."
        " Did you mean 'focus'?",
        "line 6: sources[1].locaton: is no key here. Did you mean 'location'? Allowed: name, format, location,",
        "line 7: sources[2].location: found 'gs://bucket/x', must be the path of a folder or s3://bucket/prefix.",
        "line 7: sources[2].name: found 'Aws', must be a lower-case letter followed by",
        "line 8: sources[3]: endpoint_url and region belong to a location that starts with s3://.",
        "line 10: invoices[0].amount: found '1,234.5', must be a number such as 1234.56, without thousands separators.",
        "line 10: invoices[0].billing_currency: found 'usd', must be a currency code such as USD.",
        "line 11: reports.cost_basis: found 'effective', allowed: effective_cost, billed_cost,",
        "line 11: reports.top_services: found '0', must be greater than or equal to 1.",
        "line 12: budgetz: is no key here. Did you mean 'budgets'?",
        "11 problems.",
    ):
        assert line in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("teams: [{name: a, cost_center: 1}, {name: A, cost_center: 2}]", "teams[1].name: 'A' is also teams[0]"),
        (
            "teams: [{name: a, cost_center: 1, aliases: [x]}, {name: b, cost_center: 2, aliases: [X]}]",
            "teams[1].aliases[0]: 'X' is already a name or alias of teams[0].",
        ),
        (
            "teams: [{name: a, cost_center: 1, aliases: [B]}, {name: b, cost_center: 2}]",
            "teams[0].aliases[0]: 'B' is already a name or alias of teams[1].",
        ),
        ("teams: [{name: Unallocated, cost_center: 1}]", "must not be 'unallocated'"),
        (
            "teams: [{name: Search, cost_center: 1}]\naccounts: [{sub_account_id: 1, team: Serch}]",
            "line 5: accounts[0].team: 'Serch' is none of the teams. Did you mean 'Search'?",
        ),
        (
            "cost_allocation: {rules: [{name: r, match: {teams: [x]}, method: proportional, measure: list_cost}]}",
            "cost_allocation.rules[0].match.teams[0]: 'x' is none of the teams.",
        ),
        (
            "cost_allocation: {rules: [{name: r, match: {}, method: proportional, measure: list_cost}]}",
            "cost_allocation.rules[0].match: needs at least one of charge_categories, service_names,",
        ),
        (
            "cost_allocation: {rules: [{name: r, match: {charge_categories: [tax]}, method: x, measure: list_cost}]}",
            "charge_categories[0]: found 'tax', allowed: Usage, Purchase, Tax, Credit, Adjustment. Did you mean 'Tax'?",
        ),
        (
            """teams: [{name: a, cost_center: 1}]
accounts:
  - {sub_account_id: 1, team: a, valid_to: 2026-03-01}
  - {sub_account_id: 1, team: a, valid_from: 2026-02-28}""",
            "accounts[1]: the account '1' is also mapped by accounts[0] on some of the same days.",
        ),
        (
            "accounts: [{sub_account_id: 1, team: a, valid_from: 2026-03-01, valid_to: 2026-03-01}]",
            "accounts[0]: valid_to must be later than valid_from",
        ),
        ("accounts: [{sub_account_id: 1, team: a, valid_from: 20260301}]", "must be a date such as 2026-10-01."),
        (
            "tag_policy: {keys: {team: {aliases: [User:Env_]}, environment: {aliases: [env]}}}",
            "'env' already means team",
        ),
        (
            "chargeback: {mode: chargback}",
            "chargeback.mode: found 'chargback', allowed: chargeback, showback. Did you mean 'chargeback'?",
        ),
        ("chargeback: {markups: [{team: a, percent: 5}]}", "chargeback.markups[0].team: 'a' is none of the teams."),
        (
            "teams: [{name: a, cost_center: 1}]\nchargeback: {markups: [{team: a, percent: -1}]}",
            "chargeback.markups[0].percent:",
        ),
        (
            "teams: [{name: a, cost_center: 1}]\nchargeback: {markups: [{team: a, percent: 0.0000001}]}",
            "chargeback.markups[0].percent:",
        ),
        (
            "teams: [{name: a, cost_center: 1}]\nchargeback: {markups: [{team: a, percent: 5, valid_from: 2026-03-02}]}",
            "valid_from: found '2026-03-02', must be the first day of a month",
        ),
        (
            """teams: [{name: a, cost_center: 1}]
chargeback:
  markups:
  - {team: a, percent: 1, valid_from: 2026-03-01}
  - {team: a, percent: 2}""",
            "chargeback.markups[1]: the team 'a' also has the mark-up chargeback.markups[0] on some of the same days.",
        ),
        ("tag_policy: {keys: {team: {aliases: [cost-center]}}}", "'cost-center' already means cost_center"),
        (
            """invoices:
  - {invoice_issuer_name: A, invoice_id: 1, billing_currency: USD, amount: 1}
  - {invoice_issuer_name: A, invoice_id: 1, billing_currency: USD, amount: 2}""",
            "invoices[1].invoice_id: '1' is also invoices[0]. Each may occur once.",
        ),
        (
            "currencies: {reporting: euro, rates: {location: https://example.com/rates.csv}}",
            "line 4: currencies.reporting: found 'euro', must be a currency code such as USD.",
        ),
        (
            "currencies: {reporting: EUR, rates: {location: https://example.com/rates.csv}}",
            "currencies.rates.location: found 'https://example.com/rates.csv', must be the path of a file or s3://bucket/path/of/file.",
        ),
        ("currencies: {rates: {location: x.csv}}", "currencies: rates need a reporting currency to convert to"),
        (f"budgets: [{{team: a, monthly: 1, {OWNER}}}]", "budgets[0].team: 'a' is none of the teams."),
        (
            f"teams: [{{name: Search, cost_center: CC-10}}]\nbudgets: [{{cost_center: CC-11, monthly: 1, {OWNER}}}]",
            "budgets[0].cost_center: 'CC-11' is none of the teams' cost centres. Did you mean 'CC-10'?",
        ),
        (
            f"budgets: [{{project: p, team: a, monthly: 1, {OWNER}}}]",
            "budgets[0]: needs exactly one of team, cost_center, project, service_name and provider.",
        ),
        (f"budgets: [{{monthly: 1, {OWNER}}}]", "budgets[0]: needs exactly one of team,"),
        (f"budgets: [{{project: p, {OWNER}}}]", "budgets[0]: needs either monthly or yearly."),
        (f"budgets: [{{project: p, monthly: 1, yearly: 1, {OWNER}}}]", "budgets[0]: needs either monthly or yearly."),
        (
            f"budgets: [{{project: p, monthly: -1, {OWNER}}}]",
            "budgets[0].monthly: found '-1', must be greater than or equal",
        ),
        (
            f"budgets: [{{project: p, yearly: 1, profile: [1, 2], {OWNER}}}]",
            "budgets[0]: profile divides a yearly amount: it needs yearly, and twelve numbers that are not all 0.",
        ),
        (
            f"budgets: [{{project: p, yearly: 1, profile: [{', '.join('0' * 12)}], {OWNER}}}]",
            "budgets[0]: profile divides a yearly amount: it needs yearly, and twelve numbers that are not all 0.",
        ),
        (
            f"budgets: [{{project: p, monthly: 1, valid_from: 2026-01-15, {OWNER}}}]",
            "budgets[0]: valid_from and valid_to must be first days of months",
        ),
        (
            f"budgets: [{{project: p, monthly: 1, {OWNER}}}, {{project: p, yearly: 1, valid_from: 2026-03-01, {OWNER}}}]",
            "budgets[1]: 'p' has the budget budgets[0] in some of the same months.",
        ),
        (
            "budgets: [{project: p, monthly: 1, currency: EUR, owner: me}]",
            "budgets[0].owner: found 'me', must be an e-mail",
        ),
        (
            "tag_write_back: {minimum_confidence: 1.5}",
            "tag_write_back.minimum_confidence: found '1.5', must be less than or equal to 1.",
        ),
        (
            "tag_write_back: {role_arns: {000123456789: tags}}",
            "tag_write_back.role_arns.000123456789: found 'tags', must be the ARN of a role such as",
        ),
        ("reports: {}\nreports: {}", "line 5: reports: is given twice, first on line 4."),
        ("teams: {name: a}", "teams: must be a list."),
        ("reports: [1]", "reports: must be a mapping (key: value)."),
        ("teams: [{name: [a], cost_center: }]", "teams[0].name: is empty or no text."),
        ('teams: [{name: "a\\0b", cost_center: 1}]', "teams[0].name: holds a character that cannot be stored"),
        (
            "teams: [{name: !!python/name:os.system '', cost_center: 1}]",
            "has the YAML tag tag:yaml.org,2002:python/name",
        ),
        ("teams: [{name: !secret x, cost_center: 1}]", "teams[0].name: has the YAML tag !secret."),
        ("teams: &t [*t]", "teams[0]: refers to itself."),
        ("? [a]\n: 1", "the key on line 4 is no plain text."),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, f"{MINIMUM}{text}\n")


def test_constants_must_be_columns_of_the_format(tmp_path: Path) -> None:
    constants = "constants: {line_item_typ: x, bill_bill_type: a, billBillType: b}"
    message = problems(tmp_path, MINIMUM.replace("location: bills", f"location: bills, {constants}"))
    assert "sources[0].constants.line_item_typ: is no column of the format cur. Did you mean" in message
    assert "sources[0].constants.billBillType: is the same column as 'bill_bill_type'." in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty or no mapping"),
        (b"- a\n", "is empty or no mapping"),
        (b"a: [1\nb: 2\n", "line 2, column 2: is not valid YAML"),
        (b"a: 1\n---\nb: 1\n", "line 2, column 1: is not valid YAML"),
        (b"name: Caf\xe9\n", "line 1: is not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "line 1: is not UTF-8 text"),
        (b"a: \x01\n", "is not valid YAML"),
        (b"[" * 5000, "is not valid YAML"),
    ],
)
def test_what_is_no_yaml_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in problems(tmp_path, content)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FinopsError, match=r"absent\.yaml: cannot be read: No such file"):
        load_config(tmp_path / "absent.yaml")
    with pytest.raises(FinopsError, match="cannot be read"):
        load_config(tmp_path)


def test_a_long_list_of_problems_is_cut(tmp_path: Path) -> None:
    accounts = "\n".join(f"  - {{sub_account_id: {number}, team: nobody}}" for number in range(80))
    message = problems(tmp_path, f"{MINIMUM}accounts:\n{accounts}\n")
    assert "80 problems" in message
    assert message.endswith("… and 30 more.")
