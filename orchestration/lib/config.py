"""Read the configuration file: typed settings, or one error that names everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from orchestration.lib.config_ai import ModelClass, PriceDiscount, PriceOverride, Substitution, TierPrice
from orchestration.lib.config_ai_checks import check_model_classes, check_prices
from orchestration.lib.config_alerting import Alerting
from orchestration.lib.config_alerting_checks import check_alerting
from orchestration.lib.config_allocation import check_allocation, team_references
from orchestration.lib.config_base import Dated, Settings, spelling
from orchestration.lib.config_budgets import check_budgets
from orchestration.lib.config_document import Document, Location, nearest, path_text, read_document
from orchestration.lib.config_errors import explain
from orchestration.lib.config_models import (
    Account,
    AllocationDriver,
    AllocationRule,
    Config,
    Invoice,
    Markup,
    Team,
)
from orchestration.lib.config_money import Budget
from orchestration.lib.config_sources import Source
from orchestration.lib.config_tag_checks import check_tag_keys, check_virtual_tags
from orchestration.lib.config_tagging import VirtualTagRule
from orchestration.lib.formats.columns import squash
from orchestration.lib.formats.registry import READINGS

__all__ = ["Config", "load_config"]

Entry = TypeVar("Entry", bound=Settings)
DatedEntry = TypeVar("DatedEntry", bound=Dated)


def load_config(path: Path) -> Config:
    """Read and check a configuration file.

    Texts may hold `${NAME}` for the environment variable NAME; its value is never shown. Raises FinopsError that names
    the file, and for every problem its line, its path in the document and what is allowed.
    """
    document = read_document(path)
    try:
        config = Config.model_validate(document.data, context={"path": path.absolute(), "lines": document.lines})
    except ValidationError as error:
        explain(document, Config, error)
        _find_conflicts(document)
        document.raise_problems()
        raise AssertionError("an invalid configuration has a problem to report") from error
    _find_conflicts(document)
    document.raise_problems()
    return config


def _find_conflicts(document: Document) -> None:
    """Report what a single entry cannot know. Entries that are wrong in themselves are left out: they are reported."""
    sources = _entries(document, ("sources",), Source)
    teams = _entries(document, ("teams",), Team)
    accounts = _entries(document, ("accounts",), Account)
    rules = _entries(document, ("cost_allocation", "rules"), AllocationRule)
    markups = _entries(document, ("chargeback", "markups"), Markup)
    drivers = _entries(document, ("cost_allocation", "drivers"), AllocationDriver)
    invoices = _entries(document, ("invoices",), Invoice)
    virtual_tags = _entries(document, ("virtual_tags", "rules"), VirtualTagRule)
    _report_repeats(document, sources, "name", lambda source: source.name)
    _report_repeats(document, drivers, "name", lambda driver: spelling(driver.name))
    _report_repeats(
        document,
        invoices,
        "invoice_id",
        lambda item: (item.invoice_issuer_name, item.invoice_id, item.billing_currency),
    )
    _check_constants(document, sources)
    check_tag_keys(document)
    _check_team_spellings(document, teams)
    _check_overlaps(document, accounts, "sub_account_id", "the account {} is also mapped by {}")
    _check_overlaps(document, markups, "team", "the team {} also has the mark-up {}")
    _check_references(document, teams, [*accounts, *markups], rules)
    check_virtual_tags(document, virtual_tags, teams)
    check_budgets(document, _entries(document, ("budgets",), Budget), teams)
    check_prices(
        document,
        _entries(document, ("ai_prices", "overrides"), PriceOverride),
        _entries(document, ("ai_prices", "discounts"), PriceDiscount),
        _entries(document, ("ai_prices", "tier_prices"), TierPrice),
    )
    check_model_classes(
        document,
        _entries(document, ("ai_api_optimization", "model_classes"), ModelClass),
        _entries(document, ("ai_api_optimization", "substitutions"), Substitution),
    )
    check_alerting(document, _section(document, "alerting", Alerting), [team.name for team in teams.values()])
    check_allocation(document, [team.name for team in teams.values()], rules, drivers)


def _entries(document: Document, location: Location, model: type[Entry]) -> dict[Location, Entry]:
    """The valid entries of a list in the document, by location."""
    value = document.data
    for key in location:
        value = value.get(key) if isinstance(value, dict) else None
    entries = {}
    for index, item in enumerate(value if isinstance(value, list) else []):
        try:
            entries[(*location, index)] = model.model_validate(item)
        except ValidationError:
            continue
    return entries


def _section(document: Document, name: str, model: type[Entry]) -> Entry | None:
    """A section of the document, None where it is wrong in itself."""
    try:
        return model.model_validate(document.data.get(name) or {})
    except ValidationError:
        return None


def _report_repeats(
    document: Document, entries: dict[Location, Entry], key: str, identity: Callable[[Entry], Hashable]
) -> None:
    seen: dict[Hashable, Location] = {}
    for location, entry in entries.items():
        first = seen.setdefault(identity(entry), location)
        if first != location:
            where = (*location, key)
            document.report(where, f"{document.shown(where)} is also {path_text(first)}. Each may occur once.")


def _check_constants(document: Document, sources: dict[Location, Source]) -> None:
    for location, source in sources.items():
        columns = {
            name: column for reading in READINGS[source.format] for name, column in reading.format.by_header.items()
        }
        seen: dict[str, str] = {}
        for name in source.constants:
            where = (*location, "constants", name)
            column = columns.get(squash(name))
            if column is None:
                names = [column.name for column in columns.values()]
                document.report(where, f"is no column of the format {source.format}.{nearest(name, names)}")
            elif seen.setdefault(column.name, name) != name:
                document.report(where, f"is the same column as {seen[column.name]!r}. Keep one of them.")


def _check_team_spellings(document: Document, teams: dict[Location, Team]) -> None:
    """A tag value may mean one team only."""
    meant: dict[str, Location] = {}
    for location, team in teams.items():
        first = meant.setdefault(spelling(team.name), location)
        if first != location:
            where = (*location, "name")
            document.report(where, f"{document.shown(where)} is also {path_text(first)}: case makes no difference.")
    for location in teams:
        written = document.data["teams"][location[-1]].get("aliases") or []
        for index, alias in enumerate(written):
            first = meant.setdefault(spelling(alias), location)
            if first != location:
                where = (*location, "aliases", index)
                document.report(where, f"{document.shown(where)} is already a name or alias of {path_text(first)}.")


def _check_overlaps(document: Document, entries: dict[Location, DatedEntry], key: str, text: str) -> None:
    """On each day one entry holds at most of those with the same key. `text`: what is said of the key and the other entry."""
    same: dict[str, list[Location]] = {}
    for location, entry in entries.items():
        same.setdefault(getattr(entry, key), []).append(location)
    for locations in same.values():
        for first, second in combinations(locations, 2):
            if entries[first].overlaps(entries[second]):
                said = text.format(document.shown((*second, key)), path_text(first))
                document.report(
                    second,
                    f"{said} on some of the same days. "
                    "Set valid_from and valid_to so that one ends where the next begins.",
                )


def _check_references(
    document: Document,
    teams: dict[Location, Team],
    named: list[Location],
    rules: dict[Location, AllocationRule],
) -> None:
    """Teams are referred to by name, written as in their list. `named`: the entries with the key team."""
    references = [(*location, "team") for location in named]
    for location, rule in rules.items():
        references += team_references(location, rule)
    listed = document.data.get("teams")
    count = len(listed) if isinstance(listed, list) else 0
    shown = [document.written.get(("teams", index, "name"), "") for index in range(count)]
    names = {team.name for team in teams.values()}
    for where in references:
        value = document.data
        for key in where:
            value = value[key]
        # A team that is wrong in itself is still a team: only names that occur nowhere are unknown.
        if value.strip() not in names and document.written[where] not in shown:
            hint = nearest(document.written[where], shown)
            document.report(where, f"{document.shown(where)} is none of the teams.{hint}")
