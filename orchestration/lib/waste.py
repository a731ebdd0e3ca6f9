"""From the marts, the inventory and utilisation to recommendations on waste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from ml.savings.holdings import Holdings
from ml.savings.recommendation import Recommendation
from ml.savings.sizing import Exclusion
from ml.savings.waste_kinds import find_waste
from ml.savings.waste_settings import WasteSettings
from orchestration.lib.config import Config
from orchestration.lib.inventory.store import ensure_inventory, stored_lists
from orchestration.lib.savings_inputs import paid_costs, resource_window
from orchestration.lib.storage_price_file import storage_prices
from orchestration.lib.utilisation.hours import hours_of_week
from orchestration.lib.utilisation.tables import ensure_utilisation
from orchestration.lib.utilisation.uses import uses


@dataclass(frozen=True)
class Waste:
    """What is recommended, and which resources nothing can be said of, with the reason."""

    recommendations: tuple[Recommendation, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


def waste_recommendations(connection: psycopg.Connection[Any], config: Config) -> list[Recommendation]:
    """What is idle, left over, running at night for nobody, or in too dear a class of storage."""
    return list(waste(connection, config).recommendations)


def waste(connection: psycopg.Connection[Any], config: Config) -> Waste:
    """Recommendations on waste, and the reasons where there is none."""
    window = resource_window(connection, config.savings.lookback_days)
    if window is None:
        return Waste()
    ensure_utilisation(connection)
    ensure_inventory(connection)
    holdings = Holdings(
        window=window,
        paid=paid_costs(connection, window),
        lists=stored_lists(connection),
        settings=settings_of(config),
        uses=uses(connection, window),
        hours=hours_of_week(connection, window),
        prices=storage_prices(config),
    )
    return Waste(*find_waste(holdings))


def settings_of(config: Config) -> WasteSettings:
    """The section `savings` as savings on waste want it."""
    section = config.savings
    return WasteSettings(
        **section.idle.model_dump(),
        schedule_environments=section.schedule.environments,
        schedule_cpu_percent=section.schedule.cpu_percent,
        **section.storage.model_dump(exclude={"prices"}),
    )
