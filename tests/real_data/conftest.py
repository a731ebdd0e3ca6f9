"""The bills that others wrote, and the sample organisation, in one warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import pytest

from orchestration.sample.generator import generate
from tests.dbt.conftest import new_database
from tests.dbt.project import Project
from tests.real_data.test_loader_real import LEFT_OUT
from tests.real_data.test_pipeline_real import COMMITMENTS, CUR_FILES, FOCUS_FILES
from tests.support.feed import Feed

SAMPLE: tuple[tuple[str, Literal["cur", "focus"]], ...] = (
    ("aws_main", "cur"),
    ("aws_subsidiary", "focus"),
    ("azure", "focus"),
)


@dataclass(frozen=True)
class BilledMonths:
    """A warehouse whose marts are built, and the months that have charges."""

    url: str
    months: tuple[date, ...]


@pytest.fixture(scope="session")
def billed(real_data: Path, warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BilledMonths]:
    folder = tmp_path_factory.mktemp("billed")
    generate(folder / "sample", factor=0.02, months=2)
    with new_database(warehouse_url) as url:
        project = Project(url, folder / "dbt")
        focus, aws = real_data / "focus", real_data / "billing_aws"
        feeds = [(Feed(url, folder / name, name=name), focus / file, key) for name, (file, key) in FOCUS_FILES.items()]
        feeds += [
            (Feed(url, folder / name, "cur", name=name), aws / file, key) for name, (file, key) in CUR_FILES.items()
        ]
        for feed, path, key in feeds:
            feed.deliver(key, path.read_bytes())
            feed.load_one()
        for number, path in enumerate(sorted((focus / "spec_examples_1.2").glob(f"{COMMITMENTS}*.csv"))):
            example = Feed(url, folder / f"example_{number}", name=f"example_{number}", constants=LEFT_OUT)
            example.deliver("2023-01/bill.csv", path.read_bytes())
            example.load_one()
        for name, format_name in SAMPLE:
            Feed(url, folder / "sample" / "deliveries" / name, format_name, name=name).load()
        project.build()
        months = project.rows("select distinct billing_period from finops.daily_costs order by 1")
        assert len(months) >= 8
        yield BilledMonths(url, tuple(row[0] for row in months))
