"""The life of recommendations: kept across runs, decided on by people, closed with why, and written to the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ml.savings.recommendation import Recommendation
from orchestration.lib import recommendation_sources
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.recommendation_exclusions import Excluded
from orchestration.lib.recommendation_run import Outcome, run_recommendations
from orchestration.lib.recommendation_sources import Found
from orchestration.lib.recommendation_states import current_states, decide
from orchestration.lib.warehouse import ensure_warehouse
from tests.support.savings import WINDOW, saving

CONFIG = Config.model_validate(
    {
        "organization": {"name": "Halden", "first_billing_period": "2026-01"},
        "sources": [{"name": "aws", "format": "cur", "location": "aws"}],
    },
    context={"path": Path("finops-config.yaml")},
)
LAST = date(2026, 10, 29)


def on_instance(name: str, kind: str = "right_sizing", saved: str = "40", **fields: Any) -> Recommendation:
    values = {"acts_on": ((name, Decimal(100)),), "resource_id": name, "resource_type": "instance", "window": WINDOW}
    return saving(f"resource/{name}", saved, kind=kind, **values, **fields)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database) as connection:
        ensure_warehouse(connection)
        connection.execute(
            """
            create schema finops;
            create table finops.cost_records (
                resource_id text, charge_date date, effective_cost numeric, consumed_quantity numeric,
                consumed_unit text default 'Hrs', charge_category text default 'Usage', source_name text default 'aws'
            )
            """
        )
        for name in ("i-1", "i-2"):
            connection.execute("insert into finops.cost_records values (%s, %s, 3, 24)", [name, LAST])
        yield connection


class Runs:
    """Runs that find what they are told to."""

    def __init__(self, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self._connection, self._patch = connection, monkeypatch
        self._patch.setattr(recommendation_sources, "COMMITMENTS", ())

    def __call__(self, *found: Recommendation, excluded: Sequence[Any] = ()) -> Outcome:
        self._patch.setattr(recommendation_sources, "SOURCES", (lambda *_: Found(found, excluded),))
        return run_recommendations(self._connection, CONFIG)


@pytest.fixture
def run(connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(connection, monkeypatch)


def life(connection: psycopg.Connection[Any], one: Recommendation) -> list[tuple[str, str | None]]:
    return connection.execute(
        "select state, reason from ml.recommendation_states where recommendation_id = %s order by event_id",
        [one.recommendation_id],
    ).fetchall()


def test_states_are_kept_across_runs(connection: psycopg.Connection[Any], run: Runs) -> None:
    one, other = on_instance("i-1"), on_instance("i-2")
    first = run(one, other)
    decide(connection, one.recommendation_id, "accepted")
    # The same advice saves another amount today.
    again = run(replace(one, estimate=saving("x", "30").estimate), other)
    assert again.run_id != first.run_id
    assert life(connection, one) == [("open", "found"), ("accepted", None)]
    assert life(connection, other) == [("open", "found")]
    assert connection.execute("select count(*) from ml.recommendations").fetchone() == (2,)


def test_what_vanishes_is_closed_with_why_and_opens_again(connection: psycopg.Connection[Any], run: Runs) -> None:
    there, gone, silent = on_instance("i-1"), on_instance("i-9"), on_instance("i-2")
    run(there, gone, silent)
    excluded = Excluded("right_sizing", "i-2", "no CPU utilisation is known of it")
    run(excluded=[excluded])
    assert life(connection, there)[-1] == ("closed", "it would no longer save anything")
    assert life(connection, gone)[-1] == ("closed", "its resource is gone: it is not on the bill")
    assert life(connection, silent)[-1] == (
        "closed",
        "nothing can be said of it any more: no CPU utilisation is known of it",
    )
    assert connection.execute("select * from ml.recommendation_exclusions").fetchall() == [
        ("right_sizing", "i-2", "no CPU utilisation is known of it")
    ]
    run(there)
    assert life(connection, there)[-1] == ("open", "found again")
    run(on_instance("i-1", proposed="a smaller one"))
    assert life(connection, there)[-1] == ("closed", "other advice took its place: a smaller one")


def test_a_dismissed_one_is_out_until_its_day_and_what_it_excluded_counts(
    connection: psycopg.Connection[Any], run: Runs
) -> None:
    delete, resize = on_instance("i-1", "idle_resource", "90", proposed="none"), on_instance("i-1")
    assert run(delete, resize).portfolio.totals == {"USD": Decimal(90)}
    decide(connection, delete.recommendation_id, "dismissed", reason="needed in March", until=date(2026, 10, 29))
    assert run(delete, resize).portfolio.totals == {"USD": Decimal(40)}
    # It stays dismissed while it is not found; from its day on it is open again.
    run(resize)
    assert run(delete, resize).portfolio.totals == {"USD": Decimal(40)}
    later = replace(WINDOW, last=date(2026, 10, 29))
    assert run(replace(delete, window=later), resize).portfolio.totals == {"USD": Decimal(90)}
    assert life(connection, delete)[-1] == ("open", "was dismissed until 2026-10-29")


def test_decisions_are_audited_and_only_those_that_make_sense_are_taken(
    connection: psycopg.Connection[Any], run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINOPS_ACTOR", "ada")
    one = on_instance("i-1")
    run(one)
    key = decide(connection, one.recommendation_id[:6], "done", on=date(2026, 10, 20))
    status = current_states(connection)[key]
    assert (status.state, status.decided_by, status.decided_on) == ("done", "ada", date(2026, 10, 20))
    assert status.facts["monthly_saving"] == "40"
    assert connection.execute(
        "select actor, action, subject, details from audit.events order by id desc limit 1"
    ).fetchone() == ("ada", "recommendation", key, {"state": "done", "before": "open", "on": "2026-10-20"})
    with pytest.raises(FinopsError, match=r"is done since 2026-10-20: it cannot become dismissed"):
        decide(connection, key, "dismissed", reason="no")
    with pytest.raises(FinopsError, match="'ffffffffff' is none"):
        decide(connection, "ffffffffff", "accepted")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="keeps what is written"):
        connection.execute("update ml.recommendation_states set state = 'open'")


def test_what_is_done_is_verified_on_the_bill(connection: psycopg.Connection[Any], run: Runs) -> None:
    """Sixteen days at half of the price, for more hours than before: what was promised is seen, whatever the sum of the bill."""
    good, bad, early = on_instance("i-3", saved="50"), on_instance("i-4", saved="50"), on_instance("i-5", saved="50")
    run(good, bad, early)
    days = {"i-3": date(2026, 10, 12), "i-4": date(2026, 10, 12), "i-5": date(2026, 10, 26)}
    for one in (good, bad, early):
        decide(connection, one.recommendation_id, "done", on=days[str(one.resource_id)])
    connection.execute(
        """
        insert into finops.cost_records (resource_id, charge_date, effective_cost, consumed_quantity)
        select name, cast(day as date), case when day > done_on then 3 else 4 end, case when day > done_on then 24 else 16 end
        from unnest(array['i-3', 'i-4', 'i-5'], array[date '2026-10-12', date '2026-10-12', date '2026-10-26'])
            as done (name, done_on)
        cross join generate_series(date '2026-10-02', date '2026-10-29', interval '1 day') as day
        where name <> 'i-4' or day <= done_on
        """
    )
    run()
    realised = connection.execute(
        """
        select resource_id, method, days_before, days_after, counterfactual_cost, actual_cost, note, is_in_band
        from ml.realised_savings order by 1
        """
    ).fetchall()
    replaced = "nothing of it was used after the change: it may have been replaced by another resource"
    assert realised == [
        ("i-3", "rate", 10, 16, Decimal(16 * 6), Decimal(16 * 3), None, False),  # 91.25 a month, of 50 at the most
        ("i-4", None, 10, 16, None, None, replaced, None),
        ("i-5", "rate", 24, 2, Decimal(2 * 6), Decimal(2 * 3), "fewer than 14 days", False),
    ]
    assert life(connection, good)[-1] == (
        "verified",
        "seen on the bill: 91.25 USD a month over 16 days, of 50.00 promised",
    )
    assert [life(connection, one)[-1][0] for one in (bad, early)] == ["done", "done"]
    run()
    assert [state for state, _ in life(connection, good)] == ["open", "done", "verified"]
