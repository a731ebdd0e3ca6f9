"""Exports against the published rules of FOCUS 1.2, and the compiler of those rules against the validator's own samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from orchestration.lib.focus_export import export_focus
from orchestration.sample.generator import generate
from tests.dbt.conftest import new_database
from tests.dbt.project import Project
from tests.real_data.test_loader_real import LEFT_OUT
from tests.real_data.test_pipeline_real import COMMITMENTS, CUR_FILES, FOCUS_FILES
from tests.support.feed import Feed
from tests.support.focus_files import load_texts
from tests.support.focus_rules import DEMANDS, RuleSet, failures, read_rules


@pytest.fixture(scope="module")
def rule_set(real_data: Path) -> RuleSet:
    path = real_data / "focus" / "focus_1.2_rules.json"
    if not path.is_file():
        pytest.skip(f"no rules of FOCUS in {path}")
    return read_rules(path)


@pytest.fixture(scope="module")
def files(real_data: Path, warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Exports in the 1.2 profile of every month of the sample organisation and of the bills that others wrote."""
    folder = tmp_path_factory.mktemp("conformance")
    generate(folder / "sample", factor=0.02, months=2)
    with new_database(warehouse_url) as url:
        project = Project(url, folder / "dbt")
        bills = [(name, real_data / "focus" / file, key, "focus", {}) for name, (file, key) in FOCUS_FILES.items()]
        bills += [(name, real_data / "billing_aws" / file, key, "cur", {}) for name, (file, key) in CUR_FILES.items()]
        examples = sorted((real_data / "focus" / "spec_examples_1.2").glob(f"{COMMITMENTS}*.csv"))
        bills += [(f"example_{n}", path, "2023-01/bill.csv", "focus", LEFT_OUT) for n, path in enumerate(examples)]
        for name, path, key, format_name, constants in bills:
            feed = Feed(url, folder / name, format_name, name=name, constants=constants)
            feed.deliver(key, path.read_bytes())
            feed.load_one()
        for name, format_name in (("aws_main", "cur"), ("aws_subsidiary", "focus"), ("azure", "focus")):
            Feed(url, folder / "sample" / "deliveries" / name, format_name, name=name).load()
        project.build()
        months = [row[0] for row in project.rows("select distinct billing_period from finops.daily_costs order by 1")]
        assert len(months) >= 8
        yield [export_focus(url, month, "1.2", "csv", folder / "out").path for month in months]


def test_tmp(files, rule_set, warehouse_url):
    by = {r.rule_id: r for r in rule_set.rules}
    for path in files:
        with psycopg.connect(warehouse_url) as connection:
            table = load_texts(connection, path)
            print("==", path.name)
            for k, v in failures(connection, table, rule_set.rules, rule_set.criteria).items():
                if by[k].keyword != "MAY":
                    print(k, v, by[k].keyword, by[k].says[:100])
    assert 0
