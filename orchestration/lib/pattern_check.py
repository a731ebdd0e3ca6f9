"""Ask PostgreSQL whether it takes the patterns of a configuration, before anything is stored that it would fail on later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from orchestration.lib.config_document import Location, path_text
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError

# Some hundred characters can ask for an automaton of millions of states; a sane pattern takes less than a millisecond.
LONGEST_CHECK_MS = 2_000
_SAMPLE = "arn:aws:rds:eu-west-1:000123456789:db/" + "a0-" * 60


def check_patterns(connection: psycopg.Connection[Any], config: Config) -> None:
    """Raise FinopsError that names every pattern which PostgreSQL refuses or takes too long for, with its line."""
    problems = []
    for location, pattern in _patterns(config):
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("select set_config('statement_timeout', %s, true)", (str(LONGEST_CHECK_MS),))
                connection.execute("select regexp_match(%s, %s)", (_SAMPLE, pattern))
        except psycopg.errors.QueryCanceled:
            problems.append((location, "takes PostgreSQL too long. Use smaller repetitions"))
        except psycopg.errors.InvalidRegularExpression as error:
            problems.append((location, f"is refused by PostgreSQL: {error.diag.message_primary}"))
    if problems:
        lines = [f"  {config.line_of(location)}: {path_text(location)}: {text}." for location, text in problems]
        raise FinopsError("\n".join([f"{config.path} cannot be used: patterns are wrong.", *lines]))


def _patterns(config: Config) -> Iterator[tuple[Location, str]]:
    for key, settings in config.tag_policy.keys.items():
        if settings.pattern is not None:
            yield ("tag_policy", "keys", key, "pattern"), settings.pattern
    for index, rule in enumerate(config.virtual_tags.rules):
        for field, pattern in rule.match.items():
            yield ("virtual_tags", "rules", index, "match", field), pattern
