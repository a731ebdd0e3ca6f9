"""Take in what the configured sources have delivered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from orchestration.lib import ledger
from orchestration.lib.config_models import Config
from orchestration.lib.config_sources import Source
from orchestration.lib.deliveries import Delivery, check_delivery, discover
from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Format
from orchestration.lib.formats.registry import READINGS, Reading
from orchestration.lib.loader import Loaded, Progress, load_delivery, quiet
from orchestration.lib.readers import billing_period_of
from orchestration.lib.storage import Bucket, Folder, Selected, Storage, StoredFile, s3_client
from orchestration.lib.warehouse import ensure_warehouse

# Raise it when the same files would be loaded differently: every delivery is then taken in again.
LOADER_VERSION = 1


@dataclass(frozen=True)
class Rejected:
    """A delivery that was not taken, and why. The former delivery of its month is as it was."""

    source_name: str
    billing_period: date | None
    error: str


Outcome = Loaded | Rejected


def open_storage(source: Source, config_path: Path, spool: Path) -> Storage:
    """The folder or bucket of a source. A relative folder is relative to the configuration file."""
    if not source.location.startswith("s3://"):
        return Folder((config_path.parent / source.location).resolve())
    bucket, _, prefix = source.location.removeprefix("s3://").partition("/")
    client = s3_client(source.endpoint_url, source.region)
    return Bucket(client, bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else "", spool)


def find_deliveries(source: Source, storage: Storage) -> list[Delivery]:
    """What lies at a source's location, by billing month. Raises FinopsError where it cannot be listed."""
    settings = _settings(source)
    found: list[Delivery] = []
    for reading in READINGS[source.format]:
        files: Any = Selected(storage, reading.keys)  # hashed by where it is

        def period_of_rows(file: StoredFile, files: Any = files, reading: Reading = reading) -> date:
            return _period_of_rows(files, file, reading.format, settings)

        found += [
            replace(
                delivery,
                part=reading.part,
                fingerprint=sha256(f"{delivery.fingerprint}{settings}".encode()).hexdigest(),
            )
            for delivery in discover(files, period_of_rows)
        ]
    return found


def _settings(source: Source) -> str:
    """What decides, besides the files, how a delivery is loaded."""
    return json.dumps(
        {"constants": source.constants, "format": source.format, "loader": LOADER_VERSION}, sort_keys=True
    )


@lru_cache(maxsize=10_000)
def _period_of_rows(storage: Any, file: StoredFile, format_: Format, settings: str) -> date:
    constants = json.loads(settings)["constants"]
    with storage.local(file.key) as path:
        return billing_period_of(path, format_, constants, file=file.key)


def new_deliveries(database_url: str, source: Source, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Those that are not what is loaded now."""
    with ledger.connect(database_url) as connection:
        ensure_warehouse(connection)
        current = {
            reading.part: ledger.current_fingerprints(connection, source.name + reading.part)
            for reading in READINGS[source.format]
        }
    return [d for d in deliveries if d.billing_period is None or current[d.part].get(d.billing_period) != d.fingerprint]


def take_in(
    database_url: str,
    config: Config,
    source: Source,
    deliveries: Iterable[Delivery],
    storage: Storage,
    *,
    run_id: str | None = None,
    progress: Progress = quiet,
) -> list[Outcome]:
    """Load deliveries one after the other; one that is rejected does not keep the others out.

    Raises FinopsError only where the warehouse itself cannot be used.
    """
    with ledger.connect(database_url) as connection:
        ensure_warehouse(connection)
    first = date.fromisoformat(f"{config.organization.first_billing_period}-01")
    last = datetime.now(UTC).date().replace(day=1)
    readings = {reading.part: reading for reading in READINGS[source.format]}
    outcomes: list[Outcome] = []
    for delivery in deliveries:
        reading, scope = readings[delivery.part], source.name + delivery.part
        try:
            check_delivery(delivery, first, last)
        except FinopsError as error:
            with ledger.connect(database_url) as connection:
                ledger.reject_unloaded(connection, scope, delivery, run_id, str(error))
            outcomes.append(Rejected(scope, delivery.billing_period, str(error)))
            continue
        try:
            loaded = load_delivery(
                database_url,
                storage,
                delivery,
                reading.format,
                source_name=scope,
                constants=source.constants,
                settings=_settings(source),
                run_id=run_id,
                progress=progress,
                read=partial(reading.read, source),
            )
            outcomes.append(loaded)
        except FinopsError as error:
            outcomes.append(Rejected(scope, delivery.billing_period, str(error)))
    return outcomes
