"""The settings of the sample organisation, as a user would write them."""

from pathlib import Path
from typing import Any

import yaml

from .ai.settings import ai_settings
from .calendar import Month
from .commitments import month_before
from .money import RATES_FILE, REPORTING_CURRENCY, budgets, exchange_rates
from .organization import COMPANY, ENVIRONMENTS, MAIN_PAYER, SOURCES, SUBSIDIARY_PAYER, TAG_ALIASES, TEAMS
from .truth import InvoiceTotal

_HEADER = "# The sample organisation. Its bills lie in deliveries/, what is known about them in truth.json.\n"


def settings(months: list[Month], invoices: list[InvoiceTotal], ai_invoices: list[InvoiceTotal]) -> dict[str, Any]:
    """Return the configuration as plain data. The sandbox and one subscription have no owner on purpose."""
    result = _settings(months, invoices)
    ai = ai_settings(months[-1].last)
    result["sources"] += ai["sources"]
    result["accounts"] += ai["accounts"]
    result["virtual_tags"]["rules"] += ai["virtual_tag_rules"]
    # First: what is left without an owner then goes on to the other pools.
    result["cost_allocation"]["rules"].insert(0, ai["allocation_rule"])
    result["invoices"] += _invoices(ai_invoices)
    result |= ai["sections"]
    return result


def _settings(months: list[Month], invoices: list[InvoiceTotal]) -> dict[str, Any]:
    return {
        "organization": {"name": COMPANY, "first_billing_period": months[0].label},
        "sources": [
            {"name": source.name, "format": source.format, "location": f"deliveries/{source.name}"}
            for source in SOURCES
        ],
        "tag_policy": {"keys": _tag_keys()},
        "virtual_tags": {"rules": _naming_conventions()},
        "teams": [
            {"name": team.name, "cost_center": team.cost_center, "owner": team.owner, "aliases": list(team.typos)}
            for team in TEAMS
        ],
        "accounts": _accounts(months),
        "cost_allocation": {"rules": _rules()},
        "invoices": _invoices(invoices),
        "currencies": {"reporting": REPORTING_CURRENCY, "rates": {"location": RATES_FILE}},
        "budgets": budgets(),
        "utilisation": [{"name": "monitor", "location": "utilisation"}],
        "inventory": [
            {"name": source.name, "location": f"inventory/{source.name}"}
            for source in SOURCES
            if source.name != "azure"
        ],
        "reports": {"cost_basis": "effective_cost", "top_services": 10},
    }


def _invoices(invoices: list[InvoiceTotal]) -> list[dict[str, Any]]:
    return [
        {
            "invoice_issuer_name": invoice.invoice_issuer_name,
            "invoice_id": invoice.invoice_id,
            "billing_currency": invoice.billing_currency,
            "amount": invoice.invoiced,
        }
        for invoice in invoices
    ]


def _tag_keys() -> dict[str, Any]:
    checks: dict[str, dict[str, Any]] = {
        "team": {"required": True},
        "cost_center": {"required": True, "pattern": "^CC-[0-9]{4}$", "case": "exact"},
        "environment": {"values": sorted({name for spellings in ENVIRONMENTS.values() for name, _ in spellings})},
    }
    return {key: {"aliases": aliases} | checks.get(key, {}) for key, aliases in TAG_ALIASES.items()}


def _naming_conventions() -> list[dict[str, Any]]:
    """Names of resources begin with their project, and each project belongs to one team."""
    rules: list[dict[str, Any]] = [
        {
            "name": f"projects of {team.name}",
            "match": {"resource_id": f"[:/-]({'|'.join(team.projects)})-[a-z-]+-[0-9a-f]{{5}}$"},
            "set": {"team": team.name, "project": "\\1"},
        }
        for team in TEAMS
    ]
    return rules


def _accounts(months: list[Month]) -> list[dict[str, Any]]:
    mapping = []
    for source in SOURCES:
        for account in source.accounts:
            if account.mapped_to is None:
                continue
            entry = {
                "sub_account_id": account.account_id,
                "team": account.mapped_to,
                "environment": account.environment,
            }
            if account.project:
                entry["project"] = account.project
            mapping.append(entry)
    # The mobile subscription moved from Logistics to Mobile half a year before the end of the window.
    moved = next(
        entry
        for entry in mapping
        if entry["team"] == "Mobile" and entry["sub_account_id"].startswith("/subscriptions/")
    )
    day = month_before(months[-1].first, 6).isoformat()
    mapping.append({**moved, "team": "Logistics", "valid_to": day})
    moved["valid_from"] = day
    return mapping


def _rules() -> list[dict[str, Any]]:
    pools: list[tuple[str, dict[str, list[str]]]] = [
        ("support", {"service_names": ["AWS Support (Business)"]}),
        ("tax", {"charge_categories": ["Tax"]}),
        ("unused commitments", {"commitment_discount_status": ["Unused"]}),
        ("shared network", {"sub_account_ids": ["011235813213"]}),
        ("central purchases", {"sub_account_ids": [MAIN_PAYER, SUBSIDIARY_PAYER]}),
        ("platform team", {"teams": ["Platform Engineering"]}),
    ]
    return [
        {"name": name, "match": match, "method": "proportional", "measure": "effective_cost"} for name, match in pools
    ]


class _Dumper(yaml.SafeDumper):
    """Quotes every text that begins with a digit: account ids must not turn into numbers, whatever reads them."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="'" if value[:1].isdigit() else None)


_Dumper.add_representer(str, _text)


def write_settings(
    path: Path, months: list[Month], invoices: list[InvoiceTotal], ai_invoices: list[InvoiceTotal]
) -> None:
    """Write the configuration as YAML, and the exchange rates beside it; locations are relative to it."""
    text = yaml.dump(
        settings(months, invoices, ai_invoices), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120
    )
    path.write_text(_HEADER + text, encoding="utf-8")
    path.with_name(RATES_FILE).write_text(exchange_rates(months), encoding="utf-8")
