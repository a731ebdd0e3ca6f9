"""Holidays that forecasts know of: of a country, or from a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from ml.forecasting.settings import Event
from orchestration.lib import paths
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import file_at

_WHAT_TO_DO = "A holiday file is CSV with the columns date (such as 2026-12-25) and name."


def holidays_of(config: Config, years: range) -> tuple[Event, ...]:
    """The holidays of the configured country in these years, and all that the file names, in order of days."""
    settings = config.forecasts
    found = {*_of_country(settings.holidays_country, years)} if settings.holidays_country else set()
    if settings.holidays_file:
        with file_at(settings.holidays_file, config.path.parent, paths.spool_dir()) as path:
            location = settings.holidays_file.location
            found |= {*_of_file(location if location.startswith("s3://") else str(path), path)}
    return tuple(Event(name=name, first=day, last=day) for day, name in sorted(found))


def _of_country(country: str, years: range) -> Iterator[tuple[date, str]]:
    import holidays

    try:
        calendar = holidays.country_holidays(country, years=list(years), language="en_US")
    except NotImplementedError as error:
        raise FinopsError(
            f"forecasts.holidays_country: no holidays are known of {country!r}. Name a country such as DE, or give a holidays_file."
        ) from error
    yield from ((day, str(name)) for day, name in calendar.items())


def _of_file(shown: str, path: Path) -> Iterator[tuple[date, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            if not {"date", "name"} <= {*(reader.fieldnames or ())}:
                raise FinopsError(f"{shown}: has no columns date and name. {_WHAT_TO_DO}")
            rows = list(enumerate(reader, start=1))
    except OSError as error:
        raise FinopsError(f"{shown}: cannot be read: {error.strerror}. Check `forecasts.holidays_file`.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FinopsError(f"{shown}: is no CSV in UTF-8: {error}. {_WHAT_TO_DO}") from error
    for number, row in rows:
        name = (row["name"] or "").strip()
        if not name:
            raise FinopsError(f"{shown}: row {number}, column name: is empty. {_WHAT_TO_DO}")
        try:
            yield date.fromisoformat((row["date"] or "").strip()), name
        except ValueError as error:
            raise FinopsError(
                f"{shown}: row {number}, column date: {row['date']!r} is no date. {_WHAT_TO_DO}"
            ) from error
