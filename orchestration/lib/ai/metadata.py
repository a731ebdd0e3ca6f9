"""What callers write beside a request, as tags that tell no names of people."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from orchestration.lib.ai.pseudonyms import pseudonym

_PERSON = re.compile(r"(^|[._-])(user|user_?(id|name|email)|e?mail|end_?user(_?id)?|ip(_?address)?)$", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def metadata_tags(metadata: Mapping[str, Any], left_out: Collection[str] = ()) -> dict[str, str | None]:
    """Texts of metadata. Who a key or an address names is under a pseudonym, and missing where there is no key for it."""
    tags: dict[str, str | None] = {}
    for key, value in metadata.items():
        if key in left_out or value is None or value == "":
            continue
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        personal = _PERSON.search(key) or _ADDRESS.fullmatch(text.strip())
        tags[key] = pseudonym(text) if personal else text
    return tags
