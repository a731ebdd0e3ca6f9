"""What goes wrong with an API: it passes, or there is one clear error and what was loaded stays. The key is told to nobody."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.ai import openai_api
from orchestration.lib.ai.http import Client
from tests.integration.test_ai_openai import COMPLETION, COST
from tests.support.ai_feed import AiFeed, server_with_keys
from tests.support.ai_server import ANTHROPIC_KEY, OPENAI_KEY, AiServer, hour, span

DAY = date(2025, 10, 2)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AiServer]:
    with server_with_keys(monkeypatch, tmp_path / "home") as running:
        running.buckets["completions"] = [hour(DAY, number, COMPLETION) for number in range(5)]
        running.buckets["costs"] = [hour(DAY, 0, COST, hours=24)]
        yield running


@pytest.fixture
def feed(module_database: str, source_name: str, server: AiServer) -> AiFeed:
    return AiFeed(module_database, "openai", source_name, server.address)


def requests_loaded(feed: AiFeed) -> int:
    return sum(row[0] for row in feed.usage("request_count", "usage_start"))


@pytest.mark.parametrize("fault", [429, 500, 502, 503, 504, 529, "cut", "truncated"])
def test_what_passes_is_tried_again(feed: AiFeed, server: AiServer, fault: Any) -> None:
    server.page_size = 2
    server.fail("completions", None, fault, fault, None, fault)
    feed.run()
    assert requests_loaded(feed) == 25
    # Day 1, then pages of day 2: the second was asked for three times, and the third is one of a new cursor.
    cursors = [one.of("page") for one in server.of("completions")]
    assert cursors == [[], [], [], [], ["p2"], ["p2"], ["p4"], []]


def test_a_server_that_says_when_is_asked_again_then(feed: AiFeed, server: AiServer) -> None:
    server.fail("costs", (429, "7"), (503, "Wed, 01 Jan 2020 00:00:00 GMT"))
    feed.run()
    assert 7.0 in feed.waits
    assert all(wait <= 7.0 for wait in feed.waits)
    server.fail("costs", (429, "7200"))
    (error,) = feed.fetch()
    assert error.endswith("/v1/organization/costs: HTTP 429; it asks to wait 7200 seconds. Run again then.")


def test_requests_keep_a_distance(feed: AiFeed, server: AiServer) -> None:
    waits: list[float] = []
    day = [("start_time", "1759363200"), ("end_time", "1759449600")]
    with Client(feed.source, openai_api.API, per_second=0.001, sleep=waits.append) as client:
        for _ in range(2):
            list(client.pages("/v1/organization/costs", day))
    assert [round(wait, -2) for wait in waits if wait] == [1000]
    assert len(server.asked) == 2


def test_pages_end_where_they_say_so(feed: AiFeed, server: AiServer) -> None:
    server.page_size = 2
    server.fail("completions", None, None, "empty_page")
    feed.run()
    assert requests_loaded(feed) == 25


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("no_next_page", "says has_more and names no next_page: the rest of the day is not told."),
        ("loop", "names the page 'p0' a second time: its pages run in a circle."),
    ],
)
def test_pages_without_an_end_are_an_error(feed: AiFeed, server: AiServer, fault: str, told: str) -> None:
    feed.run()
    files = feed.files()
    server.fail("completions", None, fault, fault)
    assert feed.fetch() == [f"{feed.source.name}: {server.address}/v1/organization/usage/completions: {told}"]
    assert feed.files() == files


def test_an_expired_cursor_begins_the_day_again_once(feed: AiFeed, server: AiServer) -> None:
    server.page_size = 2
    server.fail("completions", None, None, 410)
    feed.run()
    assert requests_loaded(feed) == 25
    server.fail("completions", None, None, 410, None, 410)
    (error,) = feed.fetch()
    assert error.endswith("usage/completions: HTTP 410: the cursor has expired, again and again.")


def test_a_revoked_key_stops_the_source_and_what_was_loaded_stays(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    server.asked.clear()
    server.fail("completions", 401)
    (error,) = feed.fetch()
    assert error == (
        f"{feed.source.name}: {server.address}/v1/organization/usage/completions: HTTP 401: the key in OPENAI_ADMIN_KEY is"
        " refused: revoked, or not an admin key (sk-admin-…). Make a new one, with the scope api.usage.read, and put it there."
    )
    assert len(server.asked) == 1
    feed.load()
    assert requests_loaded(feed) == 25


def test_a_missing_permission_keeps_only_its_own_kind_out(feed: AiFeed, server: AiServer) -> None:
    server.fail("completions", 403)
    (error,) = feed.fetch()
    assert "HTTP 403: the key in OPENAI_ADMIN_KEY lacks a permission: an admin key (sk-admin-…) with" in error
    assert OPENAI_KEY not in error
    feed.load()
    assert (len(feed.charges("1", "2")), feed.usage("1", "2")) == (1, [])


def test_a_missing_key_is_named(feed: AiFeed, server: AiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    assert feed.fetch() == [
        f"{feed.source.name}: the environment variable OPENAI_ADMIN_KEY is not set. It holds an admin key (sk-admin-…), "
        "which OpenAI gives to administrators of an organisation."
    ]
    assert server.asked == []


def test_an_endpoint_that_is_not_there_is_one_error(module_database: str, source_name: str, server: AiServer) -> None:
    feed = AiFeed(module_database, "anthropic", source_name, "http://127.0.0.1:9")
    (error,) = feed.fetch()
    assert error.endswith("Connection refused), 6 times in a row. Run again later; what was loaded stays.")
    assert error.startswith(f"{source_name}: http://127.0.0.1:9/v1/organizations/usage_report/messages: ")
    assert feed.load() == []


def test_a_folder_that_cannot_be_written_is_one_error(feed: AiFeed) -> None:
    (feed.landing / "completions").write_bytes(b"in the way")
    (error,) = feed.fetch()
    assert error == f"{feed.source.name}: {feed.landing} cannot be written: Not a directory."


def test_a_redirect_gets_no_key(feed: AiFeed, server: AiServer) -> None:
    server.fail("completions", 302)
    (error,) = feed.fetch()
    assert "HTTP 302" in error
    assert len(server.asked) == 1


def test_a_crash_leaves_the_former_day(feed: AiFeed, server: AiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    feed.run()
    files = feed.files()
    server.buckets["completions"] = [hour(DAY, 1, COMPLETION)]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            feed.fetch()
    assert feed.files() == files
    feed.run()
    assert requests_loaded(feed) == 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"output_tokens": -5}, "output_tokens: '-5' is negative"),
        ({"input_tokens": 1.5}, "input_tokens: '1.5' is no whole number"),
        ({"input_tokens": 300, "input_uncached_tokens": None}, "input_tokens: '300' is less than its cached"),
        ({"input_uncached_tokens": 501}, "input_uncached_tokens: '501' is not input_tokens less cached"),
        ({"output_audio_tokens": 501}, "output_audio_tokens: '501' is more than the 500 left of output_tokens"),
        ({"model": 7}, "model: '7' is no text"),
    ],
)
def test_impossible_usage_is_refused_by_its_place(
    feed: AiFeed, server: AiServer, change: dict[str, Any], told: str
) -> None:
    feed.run()
    server.buckets["completions"] = [hour(DAY, 5, COMPLETION, COMPLETION | change)]
    error = feed.refused()
    place = "completions/2025-10/2025-10-02.jsonl.gz: page 1, bucket 2025-10-02T05:00:00Z, result 2, "
    assert error.startswith(place + told), error
    assert requests_loaded(feed) == 25


def test_costs_that_cannot_be_are_refused(feed: AiFeed, server: AiServer) -> None:
    server.buckets["costs"] = [hour(DAY, 0, COST | {"amount": {"value": 1, "currency": "eur"}}, hours=24)]
    assert feed.refused().endswith(
        f"amount.currency: 'EUR' is a currency that is not configured. Add it to `currencies` of the source {feed.source.name},"
        " if it is meant."
    )
    server.buckets["costs"] = [hour(DAY, 0, COST | {"amount": {"currency": "usd"}}, hours=24)]
    assert "amount.value: 'None' is no amount." in feed.refused()
    server.buckets["costs"] = [hour(DAY, 0, COST, COST, hours=24)]
    assert "result 2: is there twice, and would be counted twice." in feed.refused()


def test_a_damaged_file_is_refused(feed: AiFeed) -> None:
    feed.run()
    path = feed.landing / "costs/2025-10/2025-10-02.jsonl.gz"
    content = path.read_bytes()
    for bad, told in (
        (content[:-9], "the gzip stream is cut off or damaged"),
        (gzip.compress(gzip.decompress(content)[:-20], mtime=0), "a page is not whole JSON"),
        (gzip.compress(gzip.decompress(content).replace(b"0.06", b"NaN "), mtime=0), "NaN is no number"),
    ):
        path.write_bytes(bad)
        (error,) = [one.error for one in feed.load() if hasattr(one, "error")]
        assert error.startswith("costs/2025-10/2025-10-02.jsonl.gz: "), error
        assert told in error
        assert len(feed.charges("1", "2")) == 1
    path.write_bytes(content)
    path.rename(path.with_name("2025-10-01.jsonl.gz"))
    (error,) = [one.error for one in feed.load() if hasattr(one, "error")]
    assert "not of the day that the file is named after" in error


@pytest.mark.parametrize("format_name", ["openai", "anthropic"])
def test_keys_are_nowhere(
    module_database: str,
    source_name: str,
    server: AiServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    format_name: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.buckets["messages"] = [span(DAY, 4, {"output_tokens": 1})]
    feed = AiFeed(module_database, format_name, source_name, server.address)
    feed.run()
    told = []
    for status in (400, 401, 403, 404, 418):
        kind = "completions" if format_name == "openai" else "messages"
        server.fail(kind, status)
        told += feed.fetch()
    feed.load()
    assert len(told) == 5
    secrets = (OPENAI_KEY, ANTHROPIC_KEY)
    said = "\n".join([*told, caplog.text, repr(feed.source), str(feed.ledger()), str(feed.config.sections())])
    assert not [secret for secret in secrets if secret in said]
    assert feed.landing.parent.stat().st_mode & 0o077 == 0
    for path in filter(Path.is_file, tmp_path.rglob("*")):
        content = path.read_bytes()
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        assert not [secret for secret in secrets if secret.encode() in content], path
