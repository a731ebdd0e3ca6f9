"""Who owns a charge by tags and names, what that says of the rules, and what happens when rules change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import psycopg

from orchestration.lib.virtual_tag_report import rule_usage, usage_text
from tests.dbt.bills import APRIL, MARCH, in_april
from tests.dbt.conftest import new_database
from tests.dbt.project import SETTINGS, Project
from tests.dbt.test_builds import assert_as_built_clean
from tests.support.lines import Line, focus

NAMES: dict[str, Any] = {
    "name": "names",
    "match": {"resource_name": "(?i)^(FIND|shop)-"},
    "set": {"team": "\\1", "project": "by name"},
}
NOBODYS_ACCOUNT = "000000000099"


def named(resource: str, cost: str, *, day: int = 1, account: str = NOBODYS_ACCOUNT, **tags: str) -> Line:
    """A line of a resource by its name; `own` and `allocated` are tags as JSON."""
    return focus(
        ResourceId=f"id/{resource}",
        ResourceName=resource,
        SubAccountId=account,
        ChargePeriodStart=f"2025-03-{day:02}T05:00:00Z",
        ChargePeriodEnd=f"2025-03-{day:02}T06:00:00Z",
        BilledCost=cost,
        EffectiveCost=cost,
        Tags=tags.get("own", "{}"),
        AllocatedTags=tags.get("allocated", "{}"),
    )


LINES = [
    named("find-1", "1", own='{"team":"Checkout"}'),
    named("find-2", "2", allocated='{"team":"checkout","project":"given"}'),
    named("find-3", "4.5"),
    named("find-3", "4.5", day=2),
    named("other-1", "8", account="000000000042"),
    named("other-2", "16", own='{"team":"nobody"}'),
    named("shop-1", "32"),
]


def virtual(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"virtual_tags": {"rules": list(rules)}}


def owners(project: Project) -> set[tuple[Any, ...]]:
    return set(
        project.rows("select resource_name, charge_date::text, team, project, owner_source from finops.cost_records")
    )


@contextmanager
def copy_of(project: Project) -> Iterator[Project]:
    with new_database(project.url, like=urlsplit(project.url).path.removeprefix("/")) as url:
        yield Project(url, project.folder / "copy")


def test_owners_are_found_in_order(project: Project) -> None:
    project.configure(**virtual(NAMES))
    project.deliver("azure", MARCH, LINES)
    project.build()
    assert owners(project) == {
        ("find-1", "2025-03-01", "Checkout", "by name", "own_tag"),
        ("find-2", "2025-03-01", "Checkout", "given", "allocated_tag"),
        ("find-3", "2025-03-01", "Search", "by name", "virtual_tag:names"),
        ("find-3", "2025-03-02", "Search", "by name", "virtual_tag:names"),
        ("other-1", "2025-03-01", "Checkout", "shop", "account"),
        ("other-2", "2025-03-01", "unallocated", None, "unallocated"),
        # The rule yields `shop`, which is no team; its project counts all the same.
        ("shop-1", "2025-03-01", "unallocated", "by name", "unallocated"),
    }
    assert project.rows("select sum(effective_cost) from finops.chargeback_reports") == [(Decimal("68.0"),)]


def test_rules_say_what_they_do_and_what_they_do_in_vain(project: Project) -> None:
    project.configure(
        **virtual(
            NAMES,
            {"name": "finds again", "match": {"resource_name": "^find"}, "set": {"team": "Search"}},
            {"name": "tagged", "match": {"resource_id": "/find-1$"}, "set": {"team": "Search"}},
            {"name": "no team", "match": {"resource_name": "^(shop)-"}, "set": {"team": "\\1"}},
            {
                "name": "nothing",
                "match": {"resource_name": "^find", "service_name": "Lambda"},
                "set": {"team": "Search"},
            },
            {"name": "past", "match": {"resource_name": "."}, "set": {"team": "Search"}, "valid_to": "2020-01-01"},
            {"name": "by tag", "match": {"tag:Squad": "^no(body)$"}, "set": {"environment": "\\1"}},
        )
    )
    project.deliver("azure", MARCH, LINES)
    project.build()
    found = project.rows(
        "select virtual_tag_rule, status, delivery_period::text, billing_currency, matched_resource_count,"
        " decided_resource_count, shadowed_resource_count, tagged_resource_count, no_value_resource_count, matched_cost,"
        " decided_cost from finops.virtual_tag_rule_usage order by rule_position"
    )
    month = ("2025-03-01", "USD")
    assert found == [
        # Of find-1 and find-2 it decides the project or nothing; of shop-1 the project, not the team.
        ("names", "decides", *month, 4, 3, 0, 2, 1, Decimal("44.0"), Decimal("42.0")),
        ("finds again", "shadowed", *month, 3, 0, 1, 2, 0, Decimal("12.0"), Decimal(0)),
        ("tagged", "tagged", *month, 1, 0, 0, 1, 0, Decimal(1), Decimal(0)),
        ("no team", "no_value", *month, 1, 0, 0, 0, 1, Decimal(32), Decimal(0)),
        ("nothing", "no_match", *month, 0, 0, 0, 0, 0, Decimal(0), Decimal(0)),
        ("past", "not_in_force", None, None, 0, 0, 0, 0, 0, Decimal(0), Decimal(0)),
        # `squad` is another spelling of team.
        ("by tag", "decides", *month, 1, 1, 0, 0, 0, Decimal(16), Decimal(16)),
    ]
    with psycopg.connect(project.url) as connection:
        assert usage_text(rule_usage(connection)).splitlines() == [
            "names: in use; 4 resources match in 2025-03, it decides 3",
            "finds again: never decides: an earlier rule does wherever it could; 3 resources match in 2025-03, it decides 0",
            "tagged: never decides: tags of the charges do; 1 resources match in 2025-03, it decides 0",
            "no team: never decides: it yields no declared team, or an empty text; 1 resources match in 2025-03, it decides 0",
            "nothing: never matches",
            "past: holds in no delivered month",
            "by tag: in use; 1 resources match in 2025-03, it decides 1",
        ]


def test_changed_and_back_dated_rules_tag_history_again(project: Project) -> None:
    project.deliver("azure", MARCH, LINES)
    project.deliver("azure", APRIL, in_april(LINES))
    project.build()
    assert {row[2] for row in owners(project) if row[0] == "find-3"} == {"unallocated"}

    project.configure(
        **virtual(
            NAMES | {"valid_from": "2025-03-02", "valid_to": "2025-04-02"},
            NAMES | {"set": {"team": "Checkout"}, "valid_from": "2025-04-02"},
        )
    )
    project.build()
    assert {row[1:3] for row in owners(project) if row[0] == "find-3"} == {
        ("2025-03-01", "unallocated"),
        ("2025-03-02", "Search"),
        ("2025-04-01", "Search"),
        ("2025-04-02", "Checkout"),
    }
    assert_as_built_clean(project)


def test_what_a_pattern_found_is_kept_until_the_rules_change(project: Project) -> None:
    def known() -> dict[str, str]:
        return dict(project.rows("select value, xmin::text from intermediate.int_virtual_tag_matches"))

    project.configure(**virtual(NAMES))
    project.deliver("azure", MARCH, LINES)
    project.build()
    before = known()
    project.deliver("azure", MARCH, [*LINES[2:], named("shop-2", "1", day=3)])
    project.build()
    assert {value for value, version in known().items() if before.get(value) != version} == {"shop-2"}
    assert_as_built_clean(project)

    project.configure(**virtual(NAMES | {"match": {"resource_name": "^(find)-"}}))
    project.build()
    assert set(known().values()).isdisjoint(before.values())
    assert_as_built_clean(project)


def test_compliance_is_measured_exactly(project: Project) -> None:
    policy = {
        "team": {
            "required": True,
            "exceptions": [{"owner": "a@b.c", "resource_ids": ["id/shop-1"], "valid_to": "2025-03-02"}],
        },
        "data class": {"values": ["public"]},
    }
    project.configure(tag_policy={"keys": policy}, **virtual(NAMES))
    project.deliver("azure", MARCH, [*LINES, named("x", "0.01", own='{"Data-Class":"Public"}')])
    project.build()

    def compliance() -> list[tuple[Any, ...]]:
        return project.rows(
            "select tag_key, sum(in_scope_cost), sum(compliant_cost), sum(excepted_cost), sum(missing_cost), sum(invalid_cost),"
            " sum(resource_count)::int, sum(compliant_resource_count)::int from finops.tag_compliance group by 1 order by 1"
        )

    everything = Decimal("68.01")
    assert compliance() == [
        ("data class", Decimal("0.01"), Decimal("0.01"), Decimal(0), Decimal(0), Decimal(0), 1, 1),
        # A virtual tag does not make a resource comply: find-3 (two days), find-2, other-1 and x have no team tag.
        ("team", everything, Decimal(33), Decimal(32), Decimal("19.01"), Decimal(16), 8, 2),
    ]
    project.configure(
        tag_policy={"keys": {"team": {"required": True, "sub_account_ids": ["000000000042"]}}}, **virtual(NAMES)
    )
    project.build()
    assert compliance() == [("team", Decimal(8), Decimal(0), Decimal(0), Decimal(8), Decimal(0), 1, 0)]
    assert_as_built_clean(project)


def test_months_can_be_rebuilt_with_the_rules_as_they_were(project: Project) -> None:
    project.configure(**virtual(NAMES))
    project.deliver("azure", MARCH, LINES)
    project.build()
    former = project.marts()
    ((then,),) = project.rows("select clock_timestamp()::text")
    project.configure(
        teams=[*SETTINGS["teams"], {"name": "Shop", "cost_center": "CC3"}], **virtual(NAMES | {"set": {"team": "Shop"}})
    )
    project.build()
    assert project.marts() != former
    with copy_of(project) as copy:
        copy.build("--vars", f"{{rules_as_of: '{then}'}}")
        assert copy.marts() == former


def test_proposals_are_what_rules_decide_and_nobody_tagged(project: Project) -> None:
    project.configure(**virtual(NAMES | {"set": {"team": "Search"}}))
    project.deliver("azure", MARCH, [*LINES, named("find-4", "0.5", day=31, own='{"squad":"find"}')])
    project.build()
    assert project.rows(
        "select source_name, sub_account_id, resource_id, tag_key, tag_value, virtual_tag_rule, confidence, effective_cost"
        " from finops.tag_proposals order by 3"
    ) == [
        # find-1 says Checkout, find-4 agrees.
        ("azure", NOBODYS_ACCOUNT, f"id/{name}", "team", "Search", "names", Decimal("0.5"), Decimal(cost))
        for name, cost in (("find-3", "9.0"), ("shop-1", "32"))
    ]


def test_tags_of_a_resource_are_known_over_time(project: Project) -> None:
    project.deliver("azure", MARCH, [named("a", "1", day=30), named("a", "1", day=31, own='{"team":"find"}')])
    project.deliver("azure", APRIL, in_april([named("a", "1", day=1, own='{"team":"find"}'), named("a", "1", day=9)]))
    project.build()
    assert project.rows(
        "select resource_id, tags->>'team', first_day::text, last_day::text from finops.resource_tags order by first_day"
    ) == [
        ("id/a", None, "2025-03-30", "2025-03-30"),
        ("id/a", "find", "2025-03-31", "2025-04-01"),
        ("id/a", None, "2025-04-09", "2025-04-09"),
    ]
