"""What fails around a load and not in its files: the database, the disk, another load, the process itself."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from urllib.parse import urlsplit

import psycopg
import pytest

from orchestration.lib import ledger, paths, postgres
from orchestration.lib.errors import FinopsError
from orchestration.lib.ingest import Outcome, Rejected
from orchestration.lib.loader import Loaded
from tests.support.feed import Feed, terminate_backends
from tests.support.lines import MONTH, csv_bytes, focus, parquet_bytes
from tests.support.rejection import assert_refused, deliver_good

MANY = parquet_bytes(*(focus(ResourceId=f"i-{number}", BilledCost="0.01") for number in range(2_000)))


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.lib.readers.PARQUET_BATCH_ROWS", 100)


def deliver_many(feed: Feed) -> None:
    feed.deliver(f"{MONTH}/many.parquet", MANY)


class Once:
    """A progress callback that does something at the first batch."""

    def __init__(self, act: object) -> None:
        self.act, self.done = act, False

    def __call__(self, _lines: int) -> None:
        if not self.done:
            self.done = True
            assert callable(self.act)
            self.act()


def test_a_wrong_password(feed: Feed) -> None:
    parts = urlsplit(feed.url)
    login = f"{parts.username}:opensesame@{parts.hostname}:{parts.port}"
    wrong = Feed(parts._replace(netloc=login).geturl(), feed.root, name=feed.source.name)
    deliver_good(wrong, "1")
    with pytest.raises(FinopsError, match=r"warehouse cannot be reached: .*password authentication failed") as error:
        wrong.load()
    assert "opensesame" not in str(error.value)
    feed.load_one()
    with pytest.raises(FinopsError, match="password authentication failed"):
        wrong.load()
    assert len(feed.content()) == 1


def test_a_database_that_breaks_off_its_connections(feed: Feed) -> None:
    def load(feed: Feed) -> str:
        return feed.refuse_one(Once(lambda: terminate_backends(feed.url)))

    error = assert_refused(feed, deliver_many, "the database went away during the load", load=load)
    assert f"{feed.source.name} 2025-03" in error
    assert "the former delivery is as it was" in error


def test_a_reader_that_does_not_end(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_SWAP_TIMEOUT", "300ms")

    def load(feed: Feed) -> str:
        with psycopg.connect(feed.url) as reader:
            reader.execute("select count(*) from raw.focus_charges")
            return feed.refuse_one()

    assert_refused(feed, deliver_many, "somebody has been reading this month for so long", load=load)


def test_readers_see_the_former_delivery_until_the_new_one_is_whole(feed: Feed) -> None:
    deliver_good(feed, "1", "2")
    feed.load_one()
    before = feed.content(), feed.days()
    seen = []
    feed.clear()
    deliver_many(feed)
    feed.load_one(lambda _lines: seen.append((feed.content(), feed.days()) == before))
    assert len(seen) == 20
    assert all(seen)
    assert len(feed.content()) == 2_000


def test_a_delivery_whose_commit_was_not_heard_of_stays(feed: Feed) -> None:
    deliver_good(feed, "1", "2")
    feed.load_one()
    before = feed.content()
    delivery_id = feed.value("select delivery_id from raw.scopes where source_name = %s", feed.source.name)
    ledger.reject(feed.url, feed.format, delivery_id, "the database went away")
    assert feed.content() == before
    assert feed.ledger() == [("loaded", None)]


# Races


def test_a_second_load_of_a_month_that_is_being_loaded_is_refused(feed: Feed, tmp_path: Path) -> None:
    other = Feed(feed.url, tmp_path / "other", name=feed.source.name)
    deliver_good(other, "7")
    deliver_many(feed)
    outcomes: list[Outcome] = []
    feed.load_one(Once(lambda: outcomes.extend(other.load())))
    assert [getattr(outcome, "error", None) for outcome in outcomes] == [
        "another run is loading this billing month of this source. Wait for it to end, then run again."
    ]
    assert len(feed.content()) == 2_000
    assert other.load_one().changed
    assert other.lines("l.billed_cost") == [(7,)]


def test_loads_at_once_never_mix(feed: Feed, tmp_path: Path) -> None:
    feeds = [Feed(feed.url, tmp_path / f"feed-{number}", name=feed.source.name) for number in range(3)]
    for turn in range(3):
        whole = {}
        for number, one in enumerate(feeds):
            amounts = [f"{turn}.{number}{line}" for line in range(300)]
            one.deliver(f"{MONTH}/part.parquet", parquet_bytes(*(focus(BilledCost=amount) for amount in amounts)))
            whole[number] = amounts
        barrier = Barrier(len(feeds))

        def load(one: Feed, barrier: Barrier = barrier) -> list[Outcome]:
            barrier.wait()
            return one.load()

        with ThreadPoolExecutor(len(feeds)) as threads:
            outcomes = [outcome for outcomes in threads.map(load, feeds) for outcome in outcomes]
        assert any(isinstance(outcome, Loaded) for outcome in outcomes)
        assert all("another run is loading" in outcome.error for outcome in outcomes if isinstance(outcome, Rejected))
        found = {row[0] for row in feed.lines("l.billed_cost::text")}
        assert [set(amounts) == found for amounts in whole.values()].count(True) == 1
        assert feed.leftovers() == []


# Killed


@pytest.mark.parametrize("moment", ["copying", "swapping", "swapped"])
def test_a_load_that_was_killed(feed: Feed, moment: str) -> None:
    deliver_good(feed, "1", "2")
    feed.load_one()
    before = feed.content(), feed.days()
    feed.clear()
    deliver_many(feed)
    command = [sys.executable, "-m", "tests.support.killed_load", feed.url, str(feed.root), feed.source.name, moment]
    assert subprocess.run(command, cwd=paths.project_root(), check=False).returncode == -signal.SIGKILL
    if moment == "swapped":
        assert not feed.load_one().changed
        assert feed.ledger() == [("superseded", None), ("loaded", None)]
    else:
        assert (feed.content(), feed.days()) == before
        assert feed.leftovers() != []
        assert feed.load_one().changed
        assert feed.ledger() == [("superseded", None), ("rejected", ledger.CUT_OFF), ("loaded", None)]
    assert len(feed.content()) == 2_000
    assert feed.leftovers() == []


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state directory of its own; its server is gone after the test."""
    directory = Path(tempfile.mkdtemp(prefix="finops-test-"))
    directory.chmod(0o755)
    monkeypatch.setenv("FINOPS_HOME", str(directory))
    monkeypatch.delenv(postgres.URL_VARIABLE, raising=False)
    yield directory
    with suppress(FileNotFoundError):
        postgres.remove()
    shutil.rmtree(directory)


def test_a_server_that_is_killed(home: Path, tmp_path: Path) -> None:
    feed = Feed(postgres.ensure_running(), tmp_path / "bill")
    deliver_good(feed, "1.25", "2.50")
    feed.load_one()
    before = feed.content(), feed.days()
    feed.clear()
    deliver_many(feed)
    pid = postgres.status().pid
    assert pid is not None
    error = feed.refuse_one(Once(lambda: os.kill(pid, signal.SIGKILL)))
    assert "the database went away during the load" in error

    feed = Feed(postgres.ensure_running(), feed.root)
    assert (feed.content(), feed.days()) == before
    assert feed.load_one().changed
    assert len(feed.content()) == 2_000
    assert feed.ledger()[-1] == ("loaded", None)
    assert feed.leftovers() == []


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """`home` on a disk of 250 MB in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount the small disk of this test")
    mount = ["mount", "-t", "tmpfs", "-o", "size=250m,mode=0755", "tmpfs", str(home)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"the small disk of this test cannot be mounted: {mounted.stderr.strip()}")
    yield home
    with suppress(FileNotFoundError):
        postgres.remove()
    subprocess.run(["umount", "--lazy", str(home)], check=True)


def test_a_disk_that_is_full(small_disk: Path, tmp_path: Path) -> None:
    feed = Feed(postgres.ensure_running(), tmp_path / "bill")
    filler = small_disk / "filler"

    def fill() -> None:
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))

    def load(feed: Feed) -> str:
        error = feed.refuse_one(Once(fill))
        filler.unlink()
        return error

    assert_refused(feed, deliver_many, "the disk of the database is full. Free space and run again", load=load)


def test_a_column_that_the_database_does_not_have_is_told(feed: Feed) -> None:
    def load(feed: Feed) -> str:
        with psycopg.connect(feed.url, autocommit=True) as owner:
            owner.execute("alter table raw.focus_charges rename column list_cost to list_costs")
            error = feed.refuse_one()
            owner.execute("alter table raw.focus_charges rename column list_costs to list_cost")
        return error

    bad = csv_bytes(focus())
    assert_refused(feed, lambda feed: feed.deliver(f"{MONTH}/x.csv", bad), "the database refused the load", load=load)


def test_a_copy_that_fails_at_its_end_is_told(feed: Feed) -> None:
    """Both streams are past their last batch then, and nobody may wait for another."""

    def load(feed: Feed) -> str:
        with psycopg.connect(feed.url, autocommit=True) as owner:
            owner.execute(_REFUSE_INSERTS)
            try:
                return feed.refuse_one()
            finally:
                owner.execute("drop event trigger refuse_inserts")

    bad = csv_bytes(focus())
    assert_refused(feed, lambda feed: feed.deliver(f"{MONTH}/x.csv", bad), "the database refused the load", load=load)


_REFUSE_INSERTS = """
create or replace function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create or replace function refuse_inserts() returns event_trigger language plpgsql as $$
begin
    execute (
        select format('create trigger refuse after insert on %s for each statement execute function refuse()', object_identity)
        from pg_event_trigger_ddl_commands() where object_identity like 'raw.focus_charges_d%'
    );
exception when null_value_not_allowed then null;
end $$;
create event trigger refuse_inserts on ddl_command_end when tag in ('CREATE TABLE') execute function refuse_inserts();
"""
