"""Calls of models on Bedrock: who makes them, in which region, with what in the request's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from ..calendar import WEEKLY, Month, day_number, milliseconds
from ..estate import seeded
from .prices import CACHE_READ, CACHE_WRITE_5M, OUTPUT, UNCACHED
from .traffic import SHAPES

# For how long calls have been made, in days before the end; before that nobody used models on Bedrock in these accounts.
SINCE = 150
# Logging was switched on a while after the first calls.
LOGGED_SINCE = 140
# From this day on, the bill counts in millions of tokens instead of thousands.
MILLIONS_SINCE = 80
_GROWTH_OF_A_MONTH = 0.08
# A stream of an answer that breaks off has cost what was written so far, and is asked for again.
BROKEN, THROTTLED = "ModelStreamErrorException", "ThrottlingException"


@dataclass(frozen=True)
class Caller:
    """A role that calls one model. `requests` are those of a mean day at the end of the window, tokens are of one request.

    `serving` are the regions that answer. `broken` is the share of answers that break off, `named` whether requests say
    for which team they are.
    """

    name: str
    account_id: str
    teams: tuple[str, ...]
    model: str
    by_profile: bool
    region: str
    serving: tuple[str, ...]
    operation: str
    requests: int
    read: int
    cached: float
    written: float
    output: int
    hours: tuple[int, ...]
    weekly: int
    broken: float = 0.0
    named: bool = True
    logged: bool = True
    application_profile: str | None = None

    @property
    def role_arn(self) -> str:
        """The role, as the bill names who called."""
        return f"arn:aws:iam::{self.account_id}:role/{self.name}"

    @property
    def model_name(self) -> str:
        """The model without the geography that serves it."""
        return self.model.removeprefix("eu.")

    @property
    def model_id(self) -> str:
        """The model as a log names it: its id, or the ARN of the inference profile that was called."""
        if self.application_profile:
            return f"{self._profiles}:application-inference-profile/{self.application_profile}"
        return f"{self._profiles}:inference-profile/{self.model}" if self.by_profile else self.model

    @property
    def resource_arn(self) -> str:
        """What the bill charges: the profile that was called, else the model."""
        is_arn = self.by_profile or self.application_profile
        return self.model_id if is_arn else f"arn:aws:bedrock:{self.region}::foundation-model/{self.model}"

    @property
    def _profiles(self) -> str:
        return f"arn:aws:bedrock:{self.region}:{self.account_id}"


_EU = ("eu-west-1", "eu-central-1", "eu-north-1")
_WORLD = ("eu-west-1", "us-east-1", "ap-northeast-1")
_SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
_HAIKU, _PRO = "eu.anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-pro-v1:0"
_HERE, _AMERICA = "eu-west-1", "us-east-1"


def _caller(row: tuple[str, str, tuple[str, ...], str, str, tuple[str, ...]], numbers: str) -> Caller:
    name, account, teams, model, region, serving = row
    operation, requests, read, cached, written, output, hours, week = numbers.split()
    return Caller(
        name,
        account,
        teams,
        model,
        len(serving) > 1,
        region,
        serving,
        operation,
        int(requests),
        int(read),
        float(cached),
        float(written),
        int(output),
        tuple(map(int, hours.split(","))),
        SHAPES[week],
    )


_GATEWAY_TEAMS = ("Payments", "Checkout", "Mobile", "Logistics", "Search")
CALLERS = (
    _caller(
        ("search-relevance", "000314159265", ("Search",), _HAIKU, _HERE, _EU),
        "Converse 48 14000 .55 .05 700 8,13,19 retail",
    ),
    replace(
        _caller(
            ("lakehouse-enrichment", "100200300404", ("Data Platform",), _PRO, _HERE, (_HERE,)),
            "InvokeModel 36 60000 0 0 1800 2 night",
        ),
        named=False,
        application_profile="lk7m2x9q4vtz",
    ),
    _caller(
        ("model-gateway", "027182818284", _GATEWAY_TEAMS, f"global.{_SONNET}", _HERE, _WORLD),
        "ConverseStream 52 26000 .4 .06 1500 9,12,16 office",
    ),
    replace(
        _caller(
            ("basket-copy", "100200300402", ("Checkout",), f"eu.{_SONNET}", _HERE, _EU),
            "ConverseStream 30 21000 .1 0 2400 10,18 retail",
        ),
        broken=0.12,
    ),
    # Nobody switched logging on in the second region: the bill has its calls, no log has.
    replace(
        _caller(
            ("lakehouse-trial", "100200300404", ("Data Platform",), "amazon.nova-lite-v1:0", _AMERICA, (_AMERICA,)),
            "InvokeModel 20 190000 0 0 2500 14 office",
        ),
        logged=False,
        named=False,
    ),
)


@dataclass(frozen=True)
class Call:
    """One request. One that asks again for what broke off has the trace of the first."""

    caller: Caller
    at: datetime
    request_id: str
    served_in: str
    team: str
    counts: dict[str, int]
    error: str | None
    trace_id: str

    @property
    def day(self) -> date:
        """The day that it is charged to."""
        return self.at.date()


def calls_of(month: Month, end: date, seed: int, factor: float) -> Iterator[Call]:
    """Return the calls in the delivered days of a month, caller by caller; a sample below full size has fewer."""
    for caller in CALLERS:
        rng = seeded(seed, "bedrock", caller.name, month.label)
        for number in range(month.days):
            day = month.first + timedelta(days=number)
            if day < end - timedelta(days=SINCE):
                continue
            grown = np.exp(_GROWTH_OF_A_MONTH / 30.4 * (day_number(day) - day_number(end)))
            level = caller.requests * min(factor, 1.0) * grown * WEEKLY[caller.weekly, day.weekday()]
            yield from _day(caller, day, max(2, round(level * float(np.exp(rng.normal(0, 0.12))))), rng)


def _day(caller: Caller, day: date, size: int, rng: np.random.Generator) -> Iterator[Call]:
    hours = np.sort(rng.integers(0, len(caller.hours), size))
    seconds = rng.integers(0, 3540, size).tolist()
    lengths = np.exp(rng.normal(0.0, 0.35, (size, 2))).tolist()
    fate = rng.random(size).tolist()
    places = rng.integers(0, len(caller.serving), size).tolist()
    teams = rng.integers(0, len(caller.teams), size).tolist()
    ids = rng.bytes(size * 32).hex()
    midnight = milliseconds(day) // 1000
    for index in range(size):
        at = datetime.fromtimestamp(midnight + caller.hours[int(hours[index])] * 3600 + seconds[index], UTC)
        counts = _counts(caller, *lengths[index])
        first, second = ids[index * 64 : index * 64 + 32], ids[index * 64 + 32 : index * 64 + 64]
        trace = second[:16]
        where, team = caller.serving[places[index]], caller.teams[teams[index]]
        if fate[index] > 0.985:
            yield Call(caller, at, _uuid(first), where, team, {}, THROTTLED, trace)
            continue
        if fate[index] < caller.broken:
            partly = counts | {OUTPUT: counts[OUTPUT] // 2 + 1}
            yield Call(caller, at, _uuid(second), where, team, partly, BROKEN, trace)
            yield Call(caller, at + timedelta(seconds=20), _uuid(first), where, team, counts, None, trace)
            continue
        yield Call(caller, at, _uuid(first), where, team, counts, None, trace)


def _counts(caller: Caller, read_length: float, output_length: float) -> dict[str, int]:
    read = round(caller.read * read_length)
    cached, written = round(read * caller.cached), round(read * caller.written)
    counts = {
        UNCACHED: read - cached - written,
        CACHE_READ: cached,
        CACHE_WRITE_5M: written,
        OUTPUT: round(caller.output * output_length) + 1,
    }
    return {name: count for name, count in counts.items() if count}


def _uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], f"4{digits[13:16]}", f"a{digits[17:20]}", digits[20:32]))
