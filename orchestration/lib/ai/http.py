"""Pages of a provider's API over HTTP: every page or an error, with patience, and without its key in any message."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.auth import AuthBase

from orchestration.lib.ai.pages import parse
from orchestration.lib.config_sources import API_KEYS, Source
from orchestration.lib.errors import FinopsError
from orchestration.lib.retry_after import seconds_to_wait

Parameters = Sequence[tuple[str, str]]

MAX_BUCKETS = {"1d": 31, "1h": 168, "1m": 1440}
"""Bucket width -> how many of them both APIs give in a page at most."""
_ATTEMPTS = 6
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
# A provider that asks for more than this has something else to tell than "a little slower".
_LONGEST_RETRY_AFTER = 300.0
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0
_TOO_MANY, _GONE = 429, 410
_SECRET = re.compile(r"\b(sk|sess)-[\w*.-]{4,}")


class UnusableError(FinopsError):
    """Nothing can be fetched from this source now: its key is missing or refused, or nobody answers."""


class ExpiredCursorError(FinopsError):
    """The pages that were begun cannot be continued; they can be read again from the first."""


@dataclass(frozen=True)
class Api:
    """An API of a provider. `headers`: those that carry a key. `scope`: what the key must be allowed, in words."""

    provider: str
    address: str
    headers: Callable[[str], dict[str, str]]
    key_kind: str
    scope: str


class _Key(AuthBase):
    """Puts the key into the headers of a request. As `auth`, no .netrc of this machine can take its place."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def key_variable(source: Source) -> str:
    """The environment variable with the key of a source."""
    return source.api_key_env or API_KEYS[source.format]


@dataclass
class Client:
    """Asks one API for the pages of one source. `per_second`: the most requests that it sends in a second."""

    source: Source
    api: Api
    per_second: float = 5.0
    sleep: Callable[[float], None] = time.sleep
    requests_sent: int = 0
    _earliest: float = 0.0
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def pages(self, path: str, parameters: Parameters) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """Every page as it came, and what is in it. An empty page is no end; only `has_more` false is.

        Raises ExpiredCursorError where the pages have to be read from the first again, FinopsError where they cannot be read.
        """
        cursors: set[str] = set()
        cursor: str | None = None
        while True:
            body, page = self._page(path, [*parameters, *([("page", cursor)] if cursor else [])])
            yield body, page
            if not page["has_more"]:
                return
            cursor = page.get("next_page")
            if not isinstance(cursor, str) or not cursor:
                raise self._error(path, "says has_more and names no next_page: the rest of the day is not told.")
            if cursor in cursors:
                raise self._error(path, f"names the page {cursor[:40]!r} a second time: its pages run in a circle.")
            cursors.add(cursor)

    def _page(self, path: str, parameters: Parameters) -> tuple[bytes, dict[str, Any]]:
        """One page, asked for again while what goes wrong may pass."""
        wait, why = 0.0, ""
        for attempt in range(1, _ATTEMPTS + 1):
            self.sleep(wait)
            # Random, so that several clients that were refused together do not come again together.
            wait = random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt))  # noqa: S311
            try:
                response = self._send(path, parameters)
            except requests.exceptions.SSLError as error:
                raise self._error(path, f"its certificate is not trusted ({_cause(error)}).", UnusableError) from None
            except requests.exceptions.RequestException as error:
                why = f"nobody answers, or the connection was cut ({_cause(error)})"
                continue
            if response.status_code == requests.codes.ok:
                try:
                    page = parse(response.content.decode())
                except (ValueError, RecursionError):
                    why = "the answer is no whole JSON"
                    continue
                return response.content, self._checked(path, page)
            # Providers and what stands before them have statuses of their own from 500 on, such as 529 for "overloaded".
            if response.status_code != _TOO_MANY and response.status_code < 500:
                raise self._refusal(path, response, has_cursor=any(name == "page" for name, _ in parameters))
            why = f"HTTP {response.status_code}"
            asked = seconds_to_wait(response.headers.get("Retry-After"))
            if asked is not None and asked > _LONGEST_RETRY_AFTER:
                raise self._error(path, f"{why}; it asks to wait {asked:.0f} seconds. Run again then.", UnusableError)
            wait = wait if asked is None else asked
        raise self._error(
            path, f"{why}, {_ATTEMPTS} times in a row. Run again later; what was loaded stays.", UnusableError
        )

    def _send(self, path: str, parameters: Parameters) -> requests.Response:
        key = os.environ.get(key_variable(self.source), "").strip()
        if not key:
            raise UnusableError(
                f"{self.source.name}: the environment variable {key_variable(self.source)} is not set. It holds "
                f"{self.api.key_kind}, which {self.api.provider} gives to administrators of an organisation."
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise UnusableError(
                f"{self.source.name}: what is in {key_variable(self.source)} is no key: it has spaces or other characters."
            )
        now = time.monotonic()
        if now < self._earliest:
            self.sleep(self._earliest - now)
        self._earliest = max(now, self._earliest) + 1 / self.per_second
        self.requests_sent += 1
        return self._session.get(
            self._address(path),
            params=list(parameters),
            auth=_Key(self.api.headers(key)),
            headers={"Accept": "application/json", "User-Agent": "finops-platform"},
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            # Whoever is redirected to would be given the key.
            allow_redirects=False,
        )

    def _address(self, path: str) -> str:
        return f"{(self.source.endpoint_url or self.api.address).rstrip('/')}{path}"

    def _checked(self, path: str, page: Any) -> dict[str, Any]:
        if isinstance(page, dict) and isinstance(page.get("data"), list) and isinstance(page.get("has_more"), bool):
            return page
        raise self._error(path, "answers without `data` and `has_more`: not the API that is expected there.")

    def _refusal(self, path: str, response: requests.Response, *, has_cursor: bool) -> FinopsError:
        status, variable = response.status_code, key_variable(self.source)
        if status == requests.codes.unauthorized:
            what = (
                f"HTTP 401: the key in {variable} is refused: revoked, or not {self.api.key_kind}. "
                f"Make a new one, with {self.api.scope}, and put it there."
            )
            return self._error(path, what, UnusableError)
        if status == requests.codes.forbidden:
            what = f"HTTP 403: the key in {variable} lacks a permission: {self.api.key_kind} with {self.api.scope} is needed."
            return self._error(path, what + self._said(response))
        if status == _GONE and has_cursor:
            return self._error(path, "HTTP 410: the cursor has expired, again and again.", ExpiredCursorError)
        if 300 <= status < 400:
            return self._error(
                path, f"HTTP {status}: it redirects. Set `endpoint_url` to the address itself.", UnusableError
            )
        return self._error(path, f"HTTP {status}.{self._said(response)}")

    def _said(self, response: requests.Response) -> str:
        """What the API says of an error, without anything that looks like a key."""
        try:
            error = parse(response.content.decode())["error"]
            text = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
        key = os.environ.get(key_variable(self.source), "").strip()
        text = _SECRET.sub("…", text.replace(key, "…") if key else text)
        return f" It says: {' '.join(text.split())[:200]}"

    def _error(self, path: str, what: str, kind: type[FinopsError] = FinopsError) -> FinopsError:
        return kind(f"{self.source.name}: {self._address(path)}: {what}")


def _cause(error: BaseException) -> str:
    """The innermost cause in a few words: the outer ones repeat the whole address with its parameters."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return getattr(error, "strerror", None) or str(error)[:120] or type(error).__name__
