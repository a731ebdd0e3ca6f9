"""A spike planted in a bill: one resource costs many times as much on one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Spike:
    """What was added to the bill."""

    service: str
    account: str
    resource: str
    lines: int
    billed: Decimal
    effective: Decimal


def plant(file: Path, day: date, times: int) -> Spike:
    """Charge the dearest resource with usage of that day `times` times, in a FOCUS file."""
    table = pq.read_table(file)
    is_on_day = pc.equal(pc.cast(table["ChargePeriodStart"], pa.date32()), pa.scalar(day))
    is_usage = pc.and_(pc.equal(table["ChargeCategory"], "Usage"), pc.is_valid(table["SubAccountId"]))
    is_own = pc.and_(is_usage, pc.is_null(table["CommitmentDiscountId"]))
    rows = table.filter(pc.and_(is_on_day, is_own))
    by_resource = rows.group_by("ResourceId").aggregate([("EffectiveCost", "sum")]).sort_by("EffectiveCost_sum")
    resource = by_resource["ResourceId"][-1].as_py()
    dearest = rows.filter(pc.equal(rows["ResourceId"], resource))
    added = pa.concat_tables([dearest] * (times - 1))
    pq.write_table(pa.concat_tables([table, added]), file)
    return Spike(
        service=dearest["ServiceName"][0].as_py(),
        account=dearest["SubAccountId"][0].as_py(),
        resource=resource,
        lines=added.num_rows,
        billed=pc.sum(added["BilledCost"]).as_py(),
        effective=pc.sum(added["EffectiveCost"]).as_py(),
    )
