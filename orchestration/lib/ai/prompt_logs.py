"""Logs of prompts whose blocks are hashed: JSON lines, gzipped or not, read as a stream."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from ml.savings.prompt_caching import minimum_tokens
from ml.savings.prompt_reuse import PromptLog, PromptRequest, prompt_reuse
from orchestration.lib.config import Config
from orchestration.lib.config_ai_rules import PromptLogFile
from orchestration.lib.errors import FinopsError

_LIVES = (("cache_write_5m_tokens", timedelta(minutes=5)), ("cache_write_1h_tokens", timedelta(hours=1)))


def read_prompt_logs(config: Config) -> tuple[PromptLog, ...]:
    """What repeats in each log of the configuration. Raises FinopsError that names file and line for what is no request."""
    return tuple(
        _read(log, config.path.parent / Path(log.location).expanduser())
        for log in config.ai_api_optimization.prompt_logs
    )


def _read(log: PromptLogFile, path: Path) -> PromptLog:
    found = []
    for life, span in _LIVES:
        requests = _requests(path)
        try:
            reuse = prompt_reuse(
                requests, span, block_tokens=log.block_tokens, minimum_tokens=minimum_tokens(log.model)
            )
        except ValueError as error:
            raise FinopsError(f"{path.name}: {error}. Sort the log by its timestamps.") from error
        found.append((life, reuse))
    return PromptLog(path.name, log.provider, log.model, log.api_key_id, tuple(found))


def _requests(path: Path) -> Iterator[PromptRequest]:
    import orjson

    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):  # noqa: B007
                yield _request(orjson.loads(line))
    except (OSError, EOFError) as error:
        raise FinopsError(f"{path}: the log of prompts cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FinopsError(
            f"{path.name}, line {number}: {error}. A request needs timestamp (milliseconds), input_length (tokens) and hash_ids "
            "(a list of numbers or texts)."
        ) from error


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _request(row: dict[str, Any]) -> PromptRequest:
    at, length, blocks = row["timestamp"], row["input_length"], row["hash_ids"]
    if not isinstance(at, int) or not isinstance(length, int) or length < 0 or not isinstance(blocks, list):
        raise TypeError("is no request")
    return PromptRequest(at, length, tuple(blocks))
