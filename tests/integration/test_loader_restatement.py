"""A restated month equals a clean load of it, and its digests tell which days have changed."""

import random
from pathlib import Path

import pytest

from tests.support.feed import Feed
from tests.support.lines import MONTH, Line, bill_bytes, csv_bytes, focus, gzip_bytes

DAYS = [f"2025-03-{day:02d}" for day in range(1, 11)]


def line(day: str, number: int, cost: str = "1.10") -> Line:
    return focus(ChargePeriodStart=f"{day}T0{number}:00:00Z", ResourceId=f"i-{number}", BilledCost=cost)


def bill() -> list[Line]:
    return [line(day, number) for day in DAYS for number in range(9)]


def restated() -> list[Line]:
    """The bill with a line less on the 3rd, one changed on the 5th, one more on the 7th; a day gone and a new one."""
    changed = [
        one
        for one in bill()
        if one["ChargePeriodStart"] != "2025-03-03T04:00:00Z" and "-03-10T" not in one["ChargePeriodStart"]
    ]
    changed[changed.index(line("2025-03-05", 2))] = line("2025-03-05", 2, "1.11")
    return [*changed, line("2025-03-07", 3), line("2025-03-11", 1)]


@pytest.fixture
def clean(module_database: str, source_name: str, tmp_path: Path) -> Feed:
    """A source that has never seen the first version of the bill."""
    return Feed(module_database, tmp_path / "clean", name=f"{source_name}_clean")


@pytest.mark.parametrize("file_format", ["csv", "csv.gz", "parquet"])
def test_a_restated_month_equals_a_clean_load(feed: Feed, clean: Feed, file_format: str) -> None:
    feed.deliver(f"{MONTH}/part.{file_format}", bill_bytes(file_format, *bill()))
    feed.load_one()
    before = feed.days()

    feed.deliver(f"{MONTH}/part.{file_format}", bill_bytes(file_format, *restated()))
    feed.load_one()
    clean.deliver(f"{MONTH}/part.{file_format}", bill_bytes(file_format, *restated()))
    clean.load_one()
    assert feed.content() == clean.content()
    assert feed.days() == clean.days()
    after = feed.days()
    changed = {day for day in before | after if before.get(day) != after.get(day)}
    assert changed == {f"2025-03-{day}" for day in ("03", "05", "07", "10", "11")}
    assert feed.ledger() == [("superseded", None), ("loaded", None)]
    assert feed.leftovers() == []


def test_neither_order_nor_files_nor_batches_change_a_digest(
    feed: Feed, clean: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        *bill(),
        focus(ChargePeriodStart="2025-03-04T05:00:00.123456Z"),
        focus(BillingPeriodEnd="2025-04-01T00:00:00.5Z"),
    ]
    feed.deliver(f"{MONTH}/part.csv", csv_bytes(*lines))
    feed.load_one()

    monkeypatch.setattr("orchestration.lib.readers.CSV_BLOCK_BYTES", 4_000)
    random.Random(7).shuffle(lines)
    clean.deliver(f"{MONTH}/part-0.csv", csv_bytes(*lines[:31]))
    clean.deliver(f"{MONTH}/part-1.csv.gz", gzip_bytes(*lines[31:]))
    clean.load_one()
    assert clean.days() == feed.days()
    assert clean.content() == feed.content()


def test_the_same_lines_twice_differ_from_once(feed: Feed, clean: Feed) -> None:
    feed.deliver(f"{MONTH}/part.csv", csv_bytes(line(DAYS[0], 1, "0"), line(DAYS[0], 2, "0")))
    clean.deliver(f"{MONTH}/part.csv", csv_bytes(line(DAYS[0], 1, "0"), line(DAYS[0], 1, "0")))
    feed.load_one()
    clean.load_one()
    assert feed.days()[DAYS[0]][:3] == clean.days()[DAYS[0]][:3]
    assert feed.days()[DAYS[0]][3] != clean.days()[DAYS[0]][3]


def test_attributes_that_were_forgotten_are_kept_once(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.lib.interning._REMEMBERED", 3)
    monkeypatch.setattr("orchestration.lib.maps._REMEMBERED", 3)
    monkeypatch.setattr("orchestration.lib.readers.CSV_BLOCK_BYTES", 4_000)
    lines = [focus(ResourceId=f"i-{n % 7}", Tags=f'{{"n":"{n % 5}"}}') for n in range(200)]
    feed.deliver(f"{MONTH}/part.csv", csv_bytes(*lines))
    feed.load_one()
    found = feed.lines("a.resource_id", "(select map ->> 'n' from raw.maps where map_id = a.tags_id)", order_by="1, 2")
    assert found == sorted((f"i-{n % 7}", str(n % 5)) for n in range(200))
