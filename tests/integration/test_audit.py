"""The audit log on a real server: it only grows, and whoever changes it all the same is found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.lib.audit import append, verify
from orchestration.lib.errors import FinopsError
from orchestration.lib.warehouse import ensure_warehouse

DISABLE = "alter table audit.events disable trigger kept"


@pytest.fixture
def log(database: str) -> Iterator[psycopg.Connection]:
    """A connection to a warehouse with four events in its log."""
    with psycopg.connect(database, autocommit=True) as connection:
        ensure_warehouse(connection)
        for number in range(1, 5):
            details = {"number": number, "cost": Decimal("12.50"), "day": date(2026, 10, 1), "text": 'é "q" \\u0000'}
            assert append(connection, action="note", subject=f"2026-0{number}", details=details, actor="Ana") == number
        yield connection


def texts(connection: psycopg.Connection) -> list[str]:
    return [problem.text for problem in verify(connection).problems]


def test_events_are_chained_and_come_back_as_written(log: psycopg.Connection) -> None:
    rows = log.execute("select actor, action, subject, details, previous_hash, hash from audit.events order by id")
    events = rows.fetchall()
    assert events[1][:4] == (
        "Ana",
        "note",
        "2026-02",
        {"number": 2, "cost": "12.50", "day": "2026-10-01", "text": 'é "q" \\u0000'},
    )
    assert [event[4] for event in events] == ["", *(event[5] for event in events[:-1])]
    found = verify(log)
    assert (found.events, found.hash, found.problems) == (4, events[-1][5], ())


@pytest.mark.parametrize(
    "statement",
    [
        "update audit.events set actor = 'x' where id = 2",
        "update audit.events set actor = 'x' where false",
        "delete from audit.events",
        "truncate audit.events",
        "delete from audit.head",
        "truncate audit.head",
        "update audit.head set id = 2",
        "set session_replication_role = replica; delete from audit.events",
    ],
)
def test_nobody_may_change_what_is_written(log: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="refused"):
        log.execute(statement.encode())
    assert texts(log) == []


def test_others_see_nothing_of_it(log: psycopg.Connection) -> None:
    granted = log.execute(
        "select has_schema_privilege('public', 'audit', 'usage') or has_table_privilege('public', 'audit.events', 'select')"
        " or has_table_privilege('public', 'audit.head', 'update')"
    ).fetchone()
    assert granted == (False,)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update audit.events set actor = 'Bob' where id = 2", ["event 2 is not as it was written"]),
        (
            "update audit.events set at = at + interval '1 microsecond' where id = 4",
            ["event 4 is not as it was written"],
        ),
        (
            "update audit.events set details = jsonb_set(details, '{cost}', '\"12.51\"') where id = 3",
            ["event 3 is not as it was written"],
        ),
        ("delete from audit.events where id in (2, 3)", ["events 2 to 3 are missing"]),
        ("delete from audit.events where id = 1", ["event 1 is missing"]),
        ("delete from audit.events where id = 4", ["event 4 is missing at the end"]),
        ("delete from audit.events", ["events 1 to 4 are missing at the end"]),
        (
            "insert into audit.events select 5, at, actor, action, subject, details, hash, hash from audit.events where id = 4",
            ["event 5 is not as it was written"],
        ),
        (
            "update audit.events set id = -id; update audit.events set id = case id when -2 then 3 when -3 then 2 else -id end",
            [
                "event 2 does not follow on event 1",
                "event 2 is not as it was written",
                "event 3 does not follow on event 2",
                "event 3 is not as it was written",
                "event 4 does not follow on event 3",
            ],
        ),
    ],
)
def test_tampering_is_found(log: psycopg.Connection, statement: str, found: list[str]) -> None:
    log.execute(DISABLE)
    log.execute(statement.encode())
    assert texts(log) == found


def test_a_forged_event_behind_the_end_is_found(log: psycopg.Connection) -> None:
    """Its hash is right, as whoever reads the code can make one."""
    with log.transaction(force_rollback=True):
        append(log, action="note", subject="2026-05", details={}, actor="Eve")
        forged = log.execute("select * from audit.events where id = 5").fetchone()
    log.execute("insert into audit.events values (%s, %s, %s, %s, %s, '{}', %s, %s)", [*forged[:5], *forged[6:]])  # type: ignore[index]
    assert texts(log) == ["event 5 was put in behind the end of the log"]


def test_a_transaction_that_is_rolled_back_leaves_no_gap(log: psycopg.Connection) -> None:
    with log.transaction(force_rollback=True):
        append(log, action="note", subject="2026-05", details={})
    assert append(log, action="note", subject="2026-06", details={}) == 5
    assert texts(log) == []


def test_concurrent_events_follow_on_each_other(database: str, log: psycopg.Connection) -> None:
    def work(number: int) -> None:
        with psycopg.connect(database) as connection:
            for _ in range(10):
                append(connection, action="load", subject=str(number), details={})
                connection.commit()

    workers = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = verify(log)
    assert (found.events, found.problems) == (64, ())


def test_what_cannot_be_kept_is_refused(log: psycopg.Connection) -> None:
    with pytest.raises(TypeError, match=r"float .* cannot be kept"):
        append(log, action="note", subject="2026-05", details={"cost": 0.1})
    for text in ("a\x00b", "a\udce4b"):
        with pytest.raises(FinopsError, match="cannot keep the text"):
            append(log, action="note", subject="2026-05", details={"reason": text})
    assert verify(log).events == 4


def test_the_actor_is_named_by_the_environment_or_the_system(
    log: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINOPS_ACTOR", "ana@example.com")
    append(log, action="note", subject="a", details={})
    monkeypatch.setenv("FINOPS_ACTOR", " ")
    monkeypatch.setenv("LOGNAME", "ops")
    append(log, action="note", subject="b", details={})
    found = log.execute("select actor from audit.events where id > 4 order by id").fetchall()
    assert found == [("ana@example.com",), ("ops",)]


@pytest.mark.usefixtures("finops_home")
def test_the_command_line_lists_and_verifies(log: psycopg.Connection) -> None:
    listed = CliRunner().invoke(cli.main, ["audit", "list"])
    assert [line.split("  ")[3:5] for line in listed.output.splitlines()] == [
        ["note", f"2026-0{n}"] for n in range(1, 5)
    ]
    assert CliRunner().invoke(cli.main, ["audit", "verify"]).output.startswith("4 events and all closed")
    log.execute(DISABLE)
    log.execute("update audit.events set actor = 'Bob' where id = 2")
    found = CliRunner().invoke(cli.main, ["audit", "verify"])
    assert found.exit_code == 1
    assert "event 2 is not as it was written" in found.output
