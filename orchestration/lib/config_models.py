"""The settings of an organisation as typed, frozen models."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from orchestration.lib.config_ai import AiOptimization, AiPrices
from orchestration.lib.config_alerting import Alerting
from orchestration.lib.config_anomalies import AnomalyDetection
from orchestration.lib.config_base import (
    UNALLOCATED,
    Dated,
    Email,
    Month,
    Settings,
    Text,
    Texts,
    TimeZone,
    shaped,
    spelling,
)
from orchestration.lib.config_document import Location as DocumentLocation
from orchestration.lib.config_forecasts import Forecasts
from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.config_money import Budget, Currencies, Currency, TagWriteBack
from orchestration.lib.config_places import FileLocation, FilePlace
from orchestration.lib.config_privacy import Privacy
from orchestration.lib.config_reference import ReferenceFile
from orchestration.lib.config_savings import Savings
from orchestration.lib.config_sources import Source
from orchestration.lib.config_tagging import TagPolicy, VirtualTags
from orchestration.lib.config_utilisation import UtilisationSource

Amount = Annotated[Decimal, Field(max_digits=38, decimal_places=18)]

CostBasis = Literal["effective_cost", "billed_cost", "contracted_cost", "list_cost"]
ChargeCategory = Literal["Usage", "Purchase", "Tax", "Credit", "Adjustment"]
CommitmentStatus = Literal["Used", "Unused"]
AllocationMethod = Literal["even", "fixed", "proportional", "metric", "commitment_users", "split", "ai_usage"]
Share = Annotated[Decimal, Field(gt=0, le=1, max_digits=19, decimal_places=18)]


class Organization(Settings):
    """Whose bills these are. Months before `first_billing_period` ("YYYY-MM") are not taken in.

    `time_zone` is that of schedules and quiet hours, such as Europe/Berlin. Charges stay on the UTC days of the providers.
    """

    name: Text
    first_billing_period: Month
    time_zone: TimeZone = "UTC"

    @property
    def first_month(self) -> date:
        """The first day of the first billing month."""
        return date.fromisoformat(f"{self.first_billing_period}-01")


class Team(Settings):
    """Who pays. A tag value that equals the name or an alias, whatever its case, means this team."""

    name: Text
    cost_center: Text
    owner: Email | None = None
    aliases: tuple[Text, ...] = ()

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if spelling(name) == UNALLOCATED:
            raise ValueError(f"must not be {UNALLOCATED!r}: that is the owner of charges that no team is known for")
        return name

    @field_validator("aliases")
    @classmethod
    def _each_spelling_once(cls, aliases: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Keep one of each spelling: listed twice, it would match a charge twice."""
        once = {spelling(info.data.get("name", "")): ""}
        for alias in aliases:
            once.setdefault(spelling(alias), alias)
        return tuple(once.values())[1:]


class Account(Dated):
    """The owner of those charges of an account that carry no owner themselves."""

    sub_account_id: Text
    team: Text
    project: Text | None = None
    environment: Text | None = None


class RuleMatch(Settings):
    """Which charges a rule takes: those whose value is in every list that is given."""

    charge_categories: Annotated[tuple[ChargeCategory, ...], Field(min_length=1)] | None = None
    service_names: Texts | None = None
    sub_account_ids: Texts | None = None
    teams: Texts | None = None
    commitment_discount_status: Annotated[tuple[CommitmentStatus, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> RuleMatch:
        if not self.model_fields_set:
            raise ValueError(f"needs at least one of {', '.join(type(self).model_fields)}")
        return self


class RuleScope(Settings):
    """Which costs count where a pool is divided: those whose value is in every list that is given."""

    teams: Texts | None = None
    service_names: Texts | None = None
    sub_account_ids: Texts | None = None
    charge_categories: Annotated[tuple[ChargeCategory, ...], Field(min_length=1)] | None = None


class AllocationRule(Dated):
    """A pool of shared charges, and how it is divided among the teams.

    Rules of one name are versions of one rule: each charge is taken by the version of its day.
    """

    name: Text
    match: RuleMatch
    method: AllocationMethod
    measure: CostBasis | Literal["consumed_quantity"] | None = None
    consumed_unit: Text | None = None
    over: RuleScope | None = None
    shares: Annotated[dict[Text, Share], Field(min_length=1)] | None = None
    driver: Text | None = None
    step: Annotated[int, Field(ge=1, le=20)] = 1
    basis: Literal["month", "day"] = "month"
    fallback: Literal["unallocated", "even"] = "unallocated"

    @model_validator(mode="after")
    def _settings_of_method(self) -> AllocationRule:
        needed, optional = _SETTINGS_OF_METHOD[self.method]
        for name in ("measure", "consumed_unit", "over", "shares", "driver", "fallback"):
            if name in needed and getattr(self, name) is None:
                raise ValueError(f"the method {self.method} needs {name}")
            if name not in needed | optional and name in self.model_fields_set:
                raise ValueError(f"the method {self.method} has no use for {name}")
        if self.method == "ai_usage" and "basis" in self.model_fields_set:
            raise ValueError("the method ai_usage has no use for basis: usage is matched with charges day by day")
        if (self.measure == "consumed_quantity") != (self.consumed_unit is not None):
            raise ValueError("consumed_quantity and consumed_unit belong together: quantities of one unit alone add up")
        if self.method in ("even", "metric") and self.over and self.over.model_fields_set - {"teams"}:
            raise ValueError(f"over of the method {self.method} can name teams only")
        if self.shares and sum(self.shares.values()) > 1:
            raise ValueError(f"the shares add up to {sum(self.shares.values())}. They may not exceed 1")
        return self

    @property
    def takes_whole_teams(self) -> frozenset[str]:
        """The teams all of whose costs are in the pool, those that earlier steps gave them included."""
        return frozenset(self.match.teams or ()) if self.match.model_fields_set == {"teams"} else frozenset()


_SETTINGS_OF_METHOD: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "even": (frozenset(), frozenset({"over"})),
    "fixed": (frozenset({"shares"}), frozenset()),
    "proportional": (frozenset({"measure"}), frozenset({"over", "consumed_unit", "fallback"})),
    "metric": (frozenset({"driver"}), frozenset({"over", "fallback"})),
    "commitment_users": (frozenset({"measure"}), frozenset({"over", "consumed_unit", "fallback"})),
    "split": (frozenset(), frozenset()),
    "ai_usage": (frozenset(), frozenset()),
}
"""Method -> the settings that it needs, and those that it may have."""


class AllocationDriver(FilePlace):
    """Quantities by team and month or day that pools can be divided by: a CSV or Parquet file, or a table of the warehouse."""

    name: Text
    location: FileLocation | None = None  # type: ignore[assignment]
    table: Annotated[str, shaped(r"[^.]+\.[^.]+", "schema.table")] | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> AllocationDriver:
        if (self.location is None) == (self.table is None):
            raise ValueError("needs one of location (a file) and table (of the warehouse)")
        return self


class CostAllocation(Settings):
    """How shared charges come to the teams. A charge belongs to the first rule that takes it, steps in their order."""

    rules: tuple[AllocationRule, ...] = ()
    drivers: tuple[AllocationDriver, ...] = ()


class Markup(Dated):
    """What a team pays on top of its cost, in per cent. A month has one mark-up, so it begins and ends with a month."""

    team: Text
    percent: Annotated[Decimal, Field(ge=0, le=1000, decimal_places=6)]

    @field_validator("valid_from", "valid_to")
    @classmethod
    def _first_of_month(cls, day: date | None) -> date | None:
        if day is not None and day.day != 1:
            raise ValueError("must be the first day of a month: what a team pays is worked out by the month")
        return day


class Chargeback(Settings):
    """Whether teams pay what their report says, or are only shown it, and what they pay on top."""

    mode: Literal["chargeback", "showback"] = "chargeback"
    markups: tuple[Markup, ...] = ()


class Invoice(Settings):
    """What a provider asked for, to compare with what it delivered."""

    invoice_issuer_name: Text
    invoice_id: Text
    billing_currency: Currency
    amount: Amount


class Reports(Settings):
    """What reports show."""

    cost_basis: CostBasis = "effective_cost"
    top_services: Annotated[int, Field(ge=1, le=100)] = 10


class Config(Settings):
    """A whole configuration. Made by `load_config`, which gives it the path of its file."""

    organization: Organization
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    tag_policy: TagPolicy = TagPolicy()
    virtual_tags: VirtualTags = VirtualTags()
    teams: tuple[Team, ...] = ()
    accounts: tuple[Account, ...] = ()
    cost_allocation: CostAllocation = CostAllocation()
    chargeback: Chargeback = Chargeback()
    invoices: tuple[Invoice, ...] = ()
    currencies: Currencies = Currencies()
    budgets: tuple[Budget, ...] = ()
    forecasts: Forecasts = Forecasts()
    tag_write_back: TagWriteBack = TagWriteBack()
    ai_prices: AiPrices = AiPrices()
    ai_api_optimization: AiOptimization = AiOptimization()
    anomaly_detection: AnomalyDetection = AnomalyDetection()
    privacy: Privacy = Privacy()
    savings: Savings = Savings()
    utilisation: tuple[UtilisationSource, ...] = ()
    inventory: tuple[InventorySource, ...] = ()
    reference: tuple[ReferenceFile, ...] = ()
    reports: Reports = Reports()
    # No row follows from it, so it is not kept with those that rows follow from: nothing is built anew because of it.
    alerting: Annotated[Alerting, Field(exclude=True)] = Alerting()

    _path: Path = PrivateAttr(default_factory=Path.cwd)
    _lines: dict[DocumentLocation, int] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        """Take the path of the file, and the lines of its values, from the validation context."""
        if context:
            self._path, self._lines = context["path"], context.get("lines", {})

    @property
    def path(self) -> Path:
        """The file this was read from."""
        return self._path

    def line_of(self, location: DocumentLocation) -> str:
        """Where a value is in the file, in words."""
        return f"line {self._lines[location]}" if location in self._lines else "file"

    def location_of(self, source: Source) -> str:
        """Where a source's deliveries are: an s3:// address as it is, a folder as an absolute path."""
        if source.location is None or source.is_s3:
            return source.shown_location
        return str((self.path.parent / Path(source.location).expanduser()).resolve())

    def sections(self) -> dict[str, Any]:
        """Every section by name, as plain JSON values: dates in ISO form, decimals as texts."""
        return self.model_dump(mode="json")
