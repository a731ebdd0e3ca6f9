"""Settings of personal data."""

from __future__ import annotations

from orchestration.lib.config_base import Settings


class Privacy(Settings):
    """Whether the names behind the pseudonyms of AI users are kept, in a schema that only its owner may read."""

    keep_user_names: bool = False
