"""Both usage and cost APIs on this machine, small: they page, and go wrong in the ways that they are told to."""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

OPENAI_KEY, ANTHROPIC_KEY = "sk-admin-openai-2f7c91d4", "sk-ant-admin01-8e5b03aa"
_HEADERS = {"authorization": f"Bearer {OPENAI_KEY}", "x-api-key": ANTHROPIC_KEY}


@dataclass
class Asked:
    """A request as it came."""

    path: str
    parameters: list[tuple[str, str]]
    headers: dict[str, str]

    def of(self, name: str) -> list[str]:
        return [value for key, value in self.parameters if key == name]


@dataclass
class AiServer:
    """`buckets`: last part of a path -> its buckets. `faults`: last part of a path -> what goes wrong, request by request.

    A fault is a status, a status with a header (429, "7"), or one of cut, truncated, no_next_page, empty_page, loop; None is none.
    """

    address: str = ""
    page_size: int = 1000
    buckets: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    asked: list[Asked] = field(default_factory=list)

    def fail(self, kind: str, *faults: Any) -> None:
        self.faults[kind].extend(faults)

    def of(self, kind: str) -> list[Asked]:
        return [one for one in self.asked if one.path.endswith(f"/{kind}")]


def exact(digits: str) -> str:
    """A number that is sent with just these digits."""
    return f"#{digits}#"


def hour(day: date, number: int, *results: dict[str, Any], hours: int = 1) -> dict[str, Any]:
    """A bucket as OpenAI gives it."""
    start = datetime(day.year, day.month, day.day, number, tzinfo=UTC)
    end = start + timedelta(hours=hours)
    return {
        "object": "bucket",
        "start_time": int(start.timestamp()),
        "end_time": int(end.timestamp()),
        "results": list(results),
    }


def span(day: date, number: int, *results: dict[str, Any], hours: int = 1) -> dict[str, Any]:
    """A bucket as Anthropic gives it."""
    start = datetime(day.year, day.month, day.day, number, tzinfo=UTC)
    end = start + timedelta(hours=hours)
    return {
        "starting_at": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "ending_at": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "results": list(results),
    }


@contextmanager
def ai_server() -> Iterator[AiServer]:
    """A server of its own."""
    state = AiServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(parts.path, parse_qsl(parts.query), {k.lower(): v for k, v in self.headers.items()})
            state.asked.append(asked)
            _answer(self, state, asked)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, state: AiServer, asked: Asked) -> None:
    kind = asked.path.rpartition("/")[2]
    fault = state.faults[kind].popleft() if state.faults[kind] else None
    if not any(asked.headers.get(name) == value for name, value in _HEADERS.items()):
        fault = 401
    if isinstance(fault, tuple):
        return _send(handler, fault[0], b'{"error": {"message": "slow down"}}', {"Retry-After": fault[1]})
    if isinstance(fault, int):
        echo = asked.headers.get("authorization", "") + asked.headers.get("x-api-key", "")
        return _send(handler, fault, json.dumps({"error": {"message": f"not so with {echo}"}}).encode(), {})
    body = json.dumps(_page(state, kind, asked, fault))
    content = re.sub(r'"#([^"]*)#"', r"\1", body).encode()
    if fault == "cut":
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.close_connection = True
        return None
    return _send(handler, 200, content[: len(content) // 2] if fault == "truncated" else content, {})


def _page(state: AiServer, kind: str, asked: Asked, fault: Any) -> dict[str, Any]:
    found = [bucket for bucket in state.buckets[kind] if _is_asked(bucket, asked)]
    first = int((asked.of("page") or ["p0"])[0].removeprefix("p"))
    if fault == "empty_page":
        return {"object": "page", "data": [], "has_more": True, "next_page": f"p{first:03}"}
    if fault == "loop":
        return {"object": "page", "data": [], "has_more": True, "next_page": "p0"}
    if fault == "no_next_page":
        return {"object": "page", "data": found, "has_more": True, "next_page": None}
    after = first + state.page_size
    more = after < len(found)
    return {
        "object": "page",
        "data": found[first:after],
        "has_more": more,
        "next_page": f"p{after}" if more else None,
    }


def _is_asked(bucket: dict[str, Any], asked: Asked) -> bool:
    if "start_time" in bucket:
        return bool(int(asked.of("start_time")[0]) <= bucket["start_time"] < int(asked.of("end_time")[0]))
    if "date" in bucket:
        return bool(bucket["date"].startswith(asked.of("starting_at")[0]))
    return bool(asked.of("starting_at")[0] <= bucket["starting_at"] < asked.of("ending_at")[0])


def _send(handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
