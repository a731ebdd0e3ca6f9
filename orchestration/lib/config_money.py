"""Settings of money and of what is written back: the reporting currency, budgets, and tags that may be put on resources."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from typing import Annotated

from pydantic import Field, computed_field, model_validator

from orchestration.lib.config_base import Dated, Email, Settings, Text, shaped
from orchestration.lib.config_places import FilePlace

Currency = Annotated[str, shaped(r"[A-Z]{3}", "a currency code such as USD")]
BudgetAmount = Annotated[Decimal, Field(ge=0, max_digits=28, decimal_places=10)]
Percents = tuple[Annotated[Decimal, Field(gt=0, le=1000, decimal_places=4)], ...]
Weight = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]
RoleArn = Annotated[
    str, shaped(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", "the ARN of a role such as arn:aws:iam::012345678901:role/tags")
]


class RatesFile(FilePlace):
    """Where exchange rates are: CSV or Parquet with the columns date, from_currency, to_currency and rate.

    `use_inverse`: whether a rate from the reporting currency may serve, turned round, for a currency without a rate to it.
    """

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


_SCOPES = ("team", "cost_center", "project", "service_name", "provider")


class BudgetThresholds(Settings):
    """Per cent of a budget at which its owner is told: of what was charged, and of what is expected at the end."""

    actual: Percents = (Decimal(50), Decimal(80), Decimal(100))
    forecast: Percents = (Decimal(100),)


class Budget(Dated):
    """What one team, cost centre, project, service or provider may cost in each month: the same amount, or its part of a year's."""

    team: Text | None = None
    cost_center: Text | None = None
    project: Text | None = None
    service_name: Text | None = None
    provider: Text | None = None
    currency: Currency
    owner: Email
    monthly: BudgetAmount | None = None
    yearly: BudgetAmount | None = None
    profile: tuple[Weight, ...] | None = None
    thresholds: BudgetThresholds = BudgetThresholds()

    @model_validator(mode="after")
    def _one_of_each(self) -> Budget:
        if sum(getattr(self, kind) is not None for kind in _SCOPES) != 1:
            raise ValueError("needs exactly one of team, cost_center, project, service_name and provider")
        if (self.monthly is None) == (self.yearly is None):
            raise ValueError("needs either monthly or yearly")
        if self.profile is not None and (self.yearly is None or len(self.profile) != 12 or not any(self.profile)):
            raise ValueError("profile divides a yearly amount: it needs yearly, and twelve numbers that are not all 0")
        if any(day is not None and day.day != 1 for day in (self.valid_from, self.valid_to)):
            raise ValueError("valid_from and valid_to must be first days of months: budgets are of whole months")
        return self

    @property
    def scope(self) -> tuple[str, str]:
        """What the budget is for: the kind of owner, and its name."""
        return next((kind, name) for kind in _SCOPES if (name := getattr(self, kind)) is not None)

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
    role_arns: dict[Text, RoleArn] = Field(default_factory=dict)
