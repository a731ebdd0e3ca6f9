"""The settings of an organisation as typed, frozen models."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    computed_field,
    field_validator,
    model_serializer,
    model_validator,
)

UNALLOCATED = "unallocated"
"""The owner of what no team is known for. No team may have this name."""


def _shaped(pattern: str, meaning: str) -> AfterValidator:
    """Accept texts of a pattern only, and say in words what is meant."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {meaning}")
        return text

    return AfterValidator(check)


def _iso_day(value: object) -> object:
    """Texts of digits alone would be read as seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("must be a date such as 2026-10-01")
    return value


def spelling(text: str) -> str:
    """What two team names or tag values are compared by."""
    return text.strip().lower()


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
Day = Annotated[date, BeforeValidator(_iso_day)]
Month = Annotated[str, _shaped(r"20\d\d-(0[1-9]|1[0-2])", "a month such as 2026-01")]
Name = Annotated[str, _shaped(r"[a-z][a-z0-9_]{0,30}", "a lower-case letter followed by up to 30 of a-z, 0-9 and _")]
Email = Annotated[str, _shaped(r"[^@\s]+@[^@\s]+", "an e-mail address")]
Currency = Annotated[str, _shaped(r"[A-Z]{3}", "a currency code such as USD")]
Endpoint = Annotated[str, _shaped(r"https?://[^\s/@]+(/[^\s@]*)?", "an http(s) address without user name and password")]
Location = Annotated[str, _shaped(r"(?!\w+://).+|s3://[^/\s]+(/.*)?", "the path of a folder or s3://bucket/prefix")]
Amount = Annotated[Decimal, Field(max_digits=38, decimal_places=18)]
BudgetAmount = Annotated[Decimal, Field(ge=0, max_digits=28, decimal_places=10)]
Weight = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]
LocalFile = Annotated[str, _shaped(r"(?!\w+://).+", "the path of a file on this machine")]
RoleArn = Annotated[str, _shaped(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", "the ARN of a role such as arn:aws:iam::012345678901:role/tags")]

CostBasis = Literal["effective_cost", "billed_cost", "contracted_cost", "list_cost"]
ChargeCategory = Literal["Usage", "Purchase", "Tax", "Credit", "Adjustment"]
CommitmentStatus = Literal["Used", "Unused"]


class Settings(BaseModel):
    """A part of the configuration. A key with nothing behind it means the same as no key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}

    @model_serializer(mode="wrap")
    def _leave_out_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """In SQL a JSON null is a value, a key that is left out is none."""
        return {key: value for key, value in serialize(self).items() if value is not None}


class Dated(Settings):
    """What holds from `valid_from` (always, where None) until the day before `valid_to` (for ever, where None)."""

    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError(
                "valid_to must be later than valid_from: it is the first day on which this holds no longer"
            )
        return self

    def overlaps(self, other: Dated) -> bool:
        """Whether both hold on some day."""
        starts_before_end = other.valid_to is None or self.valid_from is None or self.valid_from < other.valid_to
        ends_after_start = self.valid_to is None or other.valid_from is None or other.valid_from < self.valid_to
        return starts_before_end and ends_after_start


class Organization(Settings):
    """Whose bills these are. Months before `first_billing_period` ("YYYY-MM") are not taken in."""

    name: Text
    first_billing_period: Month

    @property
    def first_month(self) -> date:
        """The first day of the first billing month."""
        return date.fromisoformat(f"{self.first_billing_period}-01")


class Source(Settings):
    """Where a provider puts its deliveries, and what they look like.

    `constants`: column of the format -> the value of every row, for columns that the provider leaves out.
    """

    name: Name
    format: Literal["focus", "cur"]
    location: Location
    endpoint_url: Endpoint | None = None
    region: Text | None = None
    constants: dict[Text, str | None] = {}

    @property
    def is_s3(self) -> bool:
        """Whether the location is a bucket and no folder."""
        return self.location.startswith("s3://")

    @model_validator(mode="after")
    def _endpoint_of_bucket(self) -> Source:
        if not self.is_s3 and (self.endpoint_url or self.region):
            raise ValueError("endpoint_url and region belong to a location that starts with s3://")
        return self


class TagKey(Settings):
    """Other spellings of a tag key."""

    aliases: tuple[Text, ...] = ()


class TagKeys(Settings):
    """The tag keys that say who owns a charge."""

    team: TagKey = TagKey()
    cost_center: TagKey = TagKey()
    project: TagKey = TagKey()
    environment: TagKey = TagKey()


class TagPolicy(Settings):
    """How tags are read."""

    keys: TagKeys = TagKeys()


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


class AllocationRule(Dated):
    """A pool of shared charges, and the measure by which teams share it."""

    name: Text
    match: RuleMatch
    method: Literal["proportional"]
    measure: CostBasis


class CostAllocation(Settings):
    """How shared charges come to the teams. A charge belongs to the first rule that takes it."""

    rules: tuple[AllocationRule, ...] = ()


class Invoice(Settings):
    """What a provider asked for, to compare with what it delivered."""

    invoice_issuer_name: Text
    invoice_id: Text
    billing_currency: Currency
    amount: Amount


class RatesFile(Settings):
    """Where exchange rates are: CSV or Parquet with the columns date, from_currency, to_currency and rate.

    `use_inverse`: whether a rate from the reporting currency may serve, turned round, for a currency without a rate to it.
    """

    location: LocalFile
    use_inverse: bool = False


class Currencies(Settings):
    """The one currency that everything is reported in besides its own, and the rates to it."""

    reporting: Currency | None = None
    rates: RatesFile | None = None

    @model_validator(mode="after")
    def _rates_to_something(self) -> Currencies:
        if self.rates and not self.reporting:
            raise ValueError("rates need a reporting currency to convert to: set reporting")
        return self


class Budget(Dated):
    """What one team, cost centre, project or service may cost in each month: the same amount, or its part of a year's."""

    team: Text | None = None
    cost_center: Text | None = None
    project: Text | None = None
    service_name: Text | None = None
    currency: Currency
    owner: Email
    monthly: BudgetAmount | None = None
    yearly: BudgetAmount | None = None
    profile: Annotated[tuple[Weight, ...], Field(min_length=12, max_length=12)] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Budget:
        if sum(name is not None for name in (self.team, self.cost_center, self.project, self.service_name)) != 1:
            raise ValueError("needs exactly one of team, cost_center, project and service_name")
        if (self.monthly is None) == (self.yearly is None):
            raise ValueError("needs either monthly or yearly")
        if self.profile is not None and (self.yearly is None or not any(self.profile)):
            raise ValueError("profile divides a yearly amount by months: it needs yearly, and a number above 0")
        if any(day is not None and day.day != 1 for day in (self.valid_from, self.valid_to)):
            raise ValueError("valid_from and valid_to must be first days of months: budgets are of whole months")
        return self

    @property
    def scope(self) -> tuple[str, str]:
        """What the budget is for: the kind of owner, and its name."""
        kinds = ("team", "cost_center", "project", "service_name")
        return next((kind, name) for kind in kinds if (name := getattr(self, kind)) is not None)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """The budget of each month from January to December."""
        if self.yearly is None:
            assert self.monthly is not None
            return (self.monthly,) * 12
        return divided_by_months(self.yearly, self.profile or (Decimal(1),) * 12)


def divided_by_months(yearly: Decimal, profile: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    """A year's amount by month, in cents (finer only where it is itself), adding up to it exactly.

    >>> [str(part) for part in divided_by_months(Decimal(10), (Decimal(1), Decimal(1), Decimal(1)))]
    ['3.33', '3.34', '3.33']
    """
    with localcontext(prec=100):
        unit = Decimal(1).scaleb(min(-2, int(yearly.as_tuple().exponent)))
        whole = sum(profile)
        ends = [(yearly * sum(profile[:end]) / whole).quantize(unit, ROUND_HALF_UP) for end in range(len(profile) + 1)]
        return tuple(end - start for start, end in pairwise(ends))


class TagWriteBack(Settings):
    """Which proposed tags may be written to the cloud. Nothing is written unless it is asked for each time.

    `role_arns`: account -> the role to take on in it; without one, the credentials of the environment are used.
    `region`: for resources whose ARN names none.
    """

    approved_rules: tuple[Text, ...] = ()
    minimum_confidence: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.9")
    region: Text = "us-east-1"
    role_arns: dict[Text, RoleArn] = {}


class Reports(Settings):
    """What reports show."""

    cost_basis: CostBasis = "effective_cost"
    top_services: Annotated[int, Field(ge=1, le=100)] = 10


class Config(Settings):
    """A whole configuration. Made by `load_config`, which gives it the path of its file."""

    organization: Organization
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    tag_policy: TagPolicy = TagPolicy()
    teams: tuple[Team, ...] = ()
    accounts: tuple[Account, ...] = ()
    cost_allocation: CostAllocation = CostAllocation()
    invoices: tuple[Invoice, ...] = ()
    currencies: Currencies = Currencies()
    budgets: tuple[Budget, ...] = ()
    tag_write_back: TagWriteBack = TagWriteBack()
    reports: Reports = Reports()

    _path: Path = PrivateAttr(default_factory=Path.cwd)

    def model_post_init(self, context: Any) -> None:
        """Take the path of the file from the validation context."""
        if context:
            self._path = context["path"]

    @property
    def path(self) -> Path:
        """The file this was read from."""
        return self._path

    def location_of(self, source: Source) -> str:
        """Where a source's deliveries are: an s3:// address as it is, a folder as an absolute path."""
        if source.is_s3:
            return source.location
        return str((self.path.parent / Path(source.location).expanduser()).resolve())

    def sections(self) -> dict[str, Any]:
        """Every section by name, as plain JSON values: dates in ISO form, decimals as texts."""
        return self.model_dump(mode="json")
