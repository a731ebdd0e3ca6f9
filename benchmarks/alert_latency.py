"""From a delivery with a critical spike to the message that tells of it, over a real mail server and a real webhook."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from benchmarks.measure import Measurement
from orchestration.lib.settings import sample_config_file
from orchestration.sample.money import RATES_FILE
from orchestration.sample.single_month import write_month
from tests.support.receivers import LOOPBACK, HttpReceiver, MailReceiver, http_receiver, mail_receiver

LINES = 1_013_334
_MONTHS = (date(2026, 8, 1), date(2026, 9, 1))
_SPIKE = date(2026, 9, 28)
"""Late in the month, with days after it, so that it is complete when it is looked at."""
_TIMES = 12
"""So often is the service charged on that day."""


def measure(work: Path) -> list[Measurement]:
    """Land a month as history, then one of `LINES` lines with a spike, and wait for both messages."""
    folder = work / "alerts"
    with http_receiver() as hook, mail_receiver() as mail:
        config = _settings(folder, hook.url, mail.port)
        write_month(folder / "deliveries", source="aws_main", period=_MONTHS[0], lines=LINES // 4)
        _run(config)
        told_before = len(hook.requests), len(mail.mails)
        write_month(folder / "landing", source="aws_main", period=_MONTHS[1], lines=LINES)
        _plant(folder / "landing")
        for one in sorted((folder / "landing").iterdir()):
            _merge(one, folder / "deliveries" / one.name)
        began = time.monotonic()
        arrived = _arrivals(_start(config), hook, mail, told_before)
    told = [alert["occurred_on"] for request in hook.requests[told_before[0] :] for alert in request.json["alerts"]]
    if _SPIKE.isoformat() not in told:
        raise RuntimeError(f"the messages tell of {told}, and not of {_SPIKE}, on which the spike is")
    what = f"delivery of {LINES:,} CUR lines with a spike to the message"
    return [
        Measurement(f"{what}, webhook", f"{arrived[0] - began:.1f} s", to_hold="< 120 s"),
        Measurement(f"{what}, e-mail with its picture", f"{arrived[1] - began:.1f} s", to_hold="< 120 s"),
    ]


def _settings(folder: Path, hook: str, port: int) -> Path:
    """The sample organisation's settings, with one source and these receivers."""
    folder.mkdir(parents=True)
    settings = yaml.safe_load(sample_config_file().read_text())
    settings["currencies"]["rates"]["location"] = str(sample_config_file().with_name(RATES_FILE))
    settings["sources"] = [{"name": "bench_month", "format": "cur", "location": "deliveries"}]
    for absent in ("inventory", "utilisation"):  # lists of resources that this bill does not have
        settings.pop(absent, None)
    settings["organization"]["first_billing_period"] = f"{_MONTHS[0]:%Y-%m}"
    settings["alerting"] = {
        "email": {
            "smtp_server": LOOPBACK,
            "smtp_port": port,
            "starttls": False,
            "sender": "finops@example.com",
            "recipients": {"everyone": ["oncall@example.com"]},
        },
        "webhooks": [{"name": "bench", "url": hook, "secret": "${BENCH_SECRET}"}],
        "routes": [{"to": ["email.everyone", "webhooks.bench"], "kinds": ["anomaly"]}],
    }
    config = folder / "finops-config.yaml"
    config.write_text(yaml.safe_dump(settings))
    return config


def _plant(folder: Path) -> None:
    """Charge the dearest service of the day `_TIMES` times."""
    day_after = _SPIKE + timedelta(days=1)
    dearest = ""
    for file in sorted(folder.rglob("*.parquet")):
        table = pq.read_table(file)
        start = table["line_item_usage_start_date"]
        as_day = pa.scalar(_SPIKE).cast(start.type), pa.scalar(day_after).cast(start.type)
        on_day = pc.and_(
            pc.and_(pc.greater_equal(start, as_day[0]), pc.less(start, as_day[1])),
            pc.equal(table["line_item_line_item_type"], "Usage"),
        )
        rows = table.filter(on_day)
        if not rows.num_rows:
            continue
        if not dearest:
            costs = rows.select(["line_item_product_code", "line_item_unblended_cost"]).to_pandas()
            costs["line_item_unblended_cost"] = costs["line_item_unblended_cost"].astype(float)
            dearest = str(costs.groupby("line_item_product_code")["line_item_unblended_cost"].sum().idxmax())
        spiked = rows.filter(pc.equal(rows["line_item_product_code"], dearest))
        pq.write_table(pa.concat_tables([table, *[spiked] * (_TIMES - 1)]), file)
    if not dearest:
        raise RuntimeError(f"the month has no usage on {_SPIKE}")


def _merge(source: Path, target: Path) -> None:
    """Move a folder into another that may be there."""
    if source.is_dir() and target.exists():
        for one in sorted(source.iterdir()):
            _merge(one, target / one.name)
    else:
        source.rename(target)


def _command(config: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("finops")), "run", "--config", str(config)]


def _environment() -> dict[str, str]:
    return {**os.environ, "BENCH_SECRET": "of the benchmark"}


def _run(config: Path) -> None:
    subprocess.run(_command(config), env=_environment(), check=True, capture_output=True)


def _start(config: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(_command(config), env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _arrivals(
    run: subprocess.Popen[bytes], hook: HttpReceiver, mail: MailReceiver, before: tuple[int, int]
) -> tuple[float, float]:
    """When the first new message came over each of the two. Raises where the run ends without."""
    came: list[float | None] = [None, None]
    while None in came:
        has_ended = run.poll() is not None
        for place, count in enumerate((len(hook.requests), len(mail.mails))):
            if came[place] is None and count > before[place]:
                came[place] = time.monotonic()
        if has_ended and None in came:
            raise RuntimeError(f"the run ended with status {run.returncode}, and a message has not come")
        time.sleep(0.02)
    run.wait()
    webhook, email = came
    assert webhook is not None
    assert email is not None
    return webhook, email
