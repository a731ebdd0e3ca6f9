"""Settings of commitments: what may be bought, at which risk, how it is spread, and reference rates."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from orchestration.lib.config_base import Settings, Text, shaped

RateFile = Annotated[str, shaped(r"(?!\w+://).+", "the path of a file on this machine")]
Term = Annotated[int, Field(ge=1, le=120)]
Share = Annotated[Decimal, Field(gt=0, le=1, max_digits=9, decimal_places=6)]


class Ladder(Settings):
    """A purchase in so many parts, so many days apart, so that not all of it expires at once."""

    purchases: Annotated[int, Field(ge=1, le=12)] = 4
    days_between: Annotated[int, Field(ge=1, le=366)] = 30


class Commitments(Settings):
    """What commitments are worked out from, and which may be bought."""

    lookback_days: Annotated[int, Field(ge=1, le=366)] = 60
    minimum_history_days: Annotated[int, Field(ge=7, le=366)] = 28
    terms_months: Annotated[tuple[Term, ...], Field(min_length=1)] = (12, 36)
    payment_options: Annotated[tuple[Text, ...], Field(min_length=1)] = ("No Upfront", "Partial Upfront", "All Upfront")
    risk: Annotated[Decimal, Field(gt=0, lt=Decimal("0.5"), max_digits=9, decimal_places=6)] = Decimal("0.05")
    unseen_change_per_year: Annotated[Decimal, Field(ge=0, le=1, max_digits=9, decimal_places=6)] = Decimal("0.1")
    maximum_coverage: Share = Decimal(1)
    ladder: Ladder = Ladder()
    expiry_notice_days: Annotated[int, Field(ge=0, le=366)] = 90
    reference_rates: tuple[RateFile, ...] = ()
