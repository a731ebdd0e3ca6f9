"""Users of AI models under pseudonyms: the same person is the same user everywhere, and no name is stored.

A pseudonym is an HMAC with a key from the environment: without the key nobody can compute or check one.
"""

from __future__ import annotations

import hmac
import logging
import os
from functools import lru_cache
from threading import Lock

KEY_VARIABLE = "FINOPS_PSEUDONYM_KEY"
_REMEMBERED = 1_000_000
_log = logging.getLogger(__name__)
_names: dict[str, str] = {}
_lock = Lock()


def pseudonym(value: str) -> str | None:
    """The pseudonym of a user id, name or address; None for an empty one, and for all where no key is set.

    An address means the same person however it is capitalised.
    """
    name = value.strip()
    key = os.environ.get(KEY_VARIABLE, "")
    if not name:
        return None
    if not key:
        _say_that_users_are_left_out()
        return None
    found = _computed(key, name.lower() if "@" in name else name)
    with _lock:
        if len(_names) < _REMEMBERED:
            _names.setdefault(found, name)
    return found


def names_seen() -> dict[str, str]:
    """Pseudonym -> name of those that this process has met since it was last asked."""
    with _lock:
        seen = dict(_names)
        _names.clear()
    return seen


def key_id() -> str:
    """Changes with the key and tells nothing of it: what was read with another key has other pseudonyms."""
    key = os.environ.get(KEY_VARIABLE, "")
    return _computed(key, "\x00key")[:18] if key else ""


@lru_cache(maxsize=200_000)
def _computed(key: str, name: str) -> str:
    return f"u_{hmac.digest(key.encode(), name.encode(), 'sha256').hex()[:32]}"


@lru_cache(maxsize=1)
def _say_that_users_are_left_out() -> None:
    _log.warning("%s is not set: usage is loaded without its users. Set it to tell users apart.", KEY_VARIABLE)
