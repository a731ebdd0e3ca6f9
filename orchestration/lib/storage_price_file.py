"""Prices of classes of storage from a dated file: the users' own, or the list prices that come with the project."""

from __future__ import annotations

import csv
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import get_args

from ml.savings.storage_prices import Component, StoragePrice, StoragePrices
from orchestration.lib import paths
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import file_at

LIST_PRICES = Path(__file__).resolve().parents[2] / "config" / "reference" / "s3-storage-prices.csv"
_COLUMNS = ("region_id", "storage_class", "component", "unit_price", "valid_from")
_PRICE = re.compile(r"\d{1,9}(\.\d{1,15})?")


def storage_prices(config: Config) -> StoragePrices:
    """The prices that `savings.storage.prices` names, else list prices of S3. Raises FinopsError for what is wrong in the file."""
    place = config.savings.storage.prices
    if place is None:
        return read_prices(LIST_PRICES)
    with file_at(place, config.path.parent, paths.spool_dir()) as path:
        return read_prices(path)


def read_prices(path: Path) -> StoragePrices:
    found: dict[tuple[str, str, str, date], StoragePrice] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise FinopsError(f"{path}: needs the columns {', '.join(_COLUMNS)}; look at {', '.join(missing)}.")
            for number, row in enumerate(reader, start=1):
                price = _price(f"{path}: row {number}", row)
                key = price.region_id, price.storage_class, price.component, price.valid_from
                if key in found:
                    raise FinopsError(f"{path}: row {number}: this price is given twice. Keep one of them.")
                found[key] = price
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FinopsError(f"{path}: cannot be read as CSV ({error}). Check `savings.storage.prices`.") from error
    return StoragePrices(tuple(found.values()))


def _price(where: str, row: dict[str, str]) -> StoragePrice:
    components = get_args(Component)
    values = {name: (row[name] or "").strip() for name in _COLUMNS}
    empty = next((name for name in _COLUMNS if not values[name]), None)
    if empty:
        raise FinopsError(f"{where}, column {empty}: is empty.")
    if values["component"] not in components:
        raise FinopsError(f"{where}, column component: {values['component']!r} is not one of {', '.join(components)}.")
    if not _PRICE.fullmatch(values["unit_price"]):
        raise FinopsError(f"{where}, column unit_price: {values['unit_price']!r} is no number such as 0.023.")
    try:
        day = date.fromisoformat(values["valid_from"])
    except ValueError:
        raise FinopsError(
            f"{where}, column valid_from: {values['valid_from']!r} is no date such as 2026-10-01."
        ) from None
    return StoragePrice(
        values["region_id"],
        values["storage_class"],
        next(one for one in components if one == values["component"]),
        Decimal(values["unit_price"]),
        day,
    )
