"""The unit tests of the models' rules, which dbt runs in the database."""

from tests.dbt.project import Project


def test_rules_hold_and_an_empty_warehouse_builds(project: Project) -> None:
    printed = project.run("build")
    assert "unit test" in printed
    assert project.rows("select count(*) from finops.cost_records") == [(0,)]
