"""Services of containers beside what the bill charges for their tasks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from ml.savings.container_sizing import Service, cluster_of
from ml.savings.holdings import bare
from ml.savings.paid import Paid
from ml.savings.recommendation import Window
from ml.savings.sizing import Use

# AWS writes the tag as aws:ecs:serviceName, and exports spell it in several ways.
_SERVICES = """
select distinct records.resource_id, tag.value
from finops.cost_records as records, jsonb_each_text(records.tags) as tag
where
    records.charge_date between %(first)s and %(last)s
    and records.resource_id like '%%:task/%%'
    and regexp_replace(lower(tag.key), '[^a-z]', '', 'g') like '%%awsecsservicename'
order by 1, 2
"""


def services_of(
    connection: psycopg.Connection[Any],
    window: Window,
    entries: Sequence[Mapping[str, Any]],
    paid: Sequence[Paid],
    used: Mapping[str, Use],
) -> list[Service]:
    """Each listed service with its tasks, which the bill names by the tag that AWS gives them."""
    values = {"first": window.first, "last": window.last}
    names = dict(connection.execute(_SERVICES, values).fetchall())
    tasks: dict[tuple[str | None, str | None, str, str], list[Paid]] = defaultdict(list)
    for one in paid:
        if name := names.get(one.resource_id):
            tasks[one.sub_account_id, one.region_id, cluster_of(one.resource_id), name].append(one)
    # Names of clusters may be the same in several accounts and regions: a measurement by name is then of nobody.
    same = Counter((cluster_of(entry["resource_id"]), bare(entry["resource_id"])) for entry in entries)
    found = []
    for entry in entries:
        cluster, name = cluster_of(entry["resource_id"]), bare(entry["resource_id"])
        own = tasks.get((entry["sub_account_id"], entry["region_id"], cluster, name), [])
        use = used.get(entry["resource_id"]) or (used.get(f"{cluster}/{name}") if same[cluster, name] == 1 else None)
        is_current = any(one.is_current for one in own)
        found.append(Service(entry, tuple(own) if is_current else (), use))
    return found
