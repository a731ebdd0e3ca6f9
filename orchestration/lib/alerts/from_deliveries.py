"""Alerts to the operators of deliveries that were refused, each told once: which, and never why, which may hold data."""

from __future__ import annotations

from typing import Any

import psycopg

from orchestration.lib.alerts.alert import Alert
from orchestration.lib.ledger import CUT_OFF

# What was taken in later of the same source and month settles it.
_REFUSED = """
select distinct on (refused.source_name, refused.fingerprint)
    refused.source_name,
    refused.billing_period,
    refused.fingerprint,
    cast(refused.finished_at at time zone %(zone)s as date) as refused_on
from raw.deliveries as refused
where
    refused.status = 'rejected'
    and refused.error <> %(cut_off)s
    and not exists (
        select from raw.deliveries as taken
        where
            taken.source_name = refused.source_name
            and taken.billing_period is not distinct from refused.billing_period
            and taken.status in ('loaded', 'superseded')
            and taken.delivery_id > refused.delivery_id
    )
order by refused.source_name asc, refused.fingerprint asc, refused.delivery_id asc
"""


def from_deliveries(connection: psycopg.Connection[Any], zone: str) -> list[Alert]:
    """An alert for each delivery that was refused, and that no later one of its month has replaced. `zone`: the organisation's."""
    return [
        Alert(
            alert_id=f"delivery:{source}:{fingerprint}",
            kind="gate",
            severity="high",
            team=None,
            title=f"Delivery refused: {source}{f', {month:%B %Y}' if month else ''}",
            facts=(("source", source), *((("month", f"{month:%Y-%m}"),) if month else ())),
            text="What was delivered last could not be taken in. Figures stay those of the delivery before. "
            "`finops run` says why, and where.",
            occurred_on=day,
        )
        for source, month, fingerprint, day in connection.execute(_REFUSED, {"zone": zone, "cut_off": CUT_OFF})
    ]
