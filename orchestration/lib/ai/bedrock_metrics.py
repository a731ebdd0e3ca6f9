"""Read CloudWatch's hourly token counts of Bedrock: the control total that tells how complete the invocation logs are.

They know models, no callers, and are the same usage as the logs: operation `metrics`, left out where logs tell the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.lib.ai.attribution import tags_of
from orchestration.lib.ai.bedrock_models import model_of
from orchestration.lib.ai.log import Log
from orchestration.lib.ai.log_rows import Row, rows_of
from orchestration.lib.ai.records import Place, count_of, tags_text
from orchestration.lib.config_sources import Source
from orchestration.lib.errors import FinopsError
from orchestration.lib.readers import Batch

# What a metric of the namespace AWS/Bedrock counts. Invocations are those that succeeded.
METRICS = {
    "Invocations": "request_count",
    "InputTokenCount": "uncached_input_tokens",
    "CacheReadInputTokens": "cache_read_tokens",
    "CacheWriteInputTokens": "cache_write_5m_tokens",
    "OutputTokenCount": "output_tokens",
}
OPERATION = "metrics"
KEYS = r"(^|/)metrics/"
_ATTRIBUTES = ("provider", "operation", "model", "delivered_model", "region", "project_id", "tags")
_NUMBERS = tuple(METRICS.values())


class BedrockMetrics:
    """The days of a month. An hour that is in two files counts once."""

    def __init__(self, source: Source, month: date | None) -> None:
        self._log = Log(month, _ATTRIBUTES, _NUMBERS)
        self._profiles = source.inference_profiles or {}
        self.rest, self.notes = self._log.rest, self._log.notes

    def read(self, path: Path, file: str) -> Iterator[Batch]:
        """The rows that became too many to keep. Raises FinopsError naming file, line, field and value."""
        for place, page in rows_of(path, file):
            try:
                self._add(page, place)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise FinopsError(
                    f"{place}: not a page of GetMetricData with its queries ({error!r}). Fetch the day again."
                ) from error
            yield from self._log.rows.overflow()

    def _add(self, page: Row, place: Place) -> None:
        queries = {query["Id"]: query["MetricStat"]["Metric"] for query in page["MetricDataQueries"]}
        for result in page["MetricDataResults"]:
            metric = queries[result["Id"]]
            column, model_id = METRICS[metric["MetricName"]], _model_id(metric)
            model = model_of(model_id, self._profiles)
            attributes = (
                "aws",
                OPERATION,
                model,
                model_id,
                page["Region"],
                page["AccountId"],
                tags_text(tags_of(project_id=page["AccountId"])),
            )
            hours = list(zip(result["Timestamps"], result["Values"], strict=True))
            ids = [f"{page['AccountId']} {page['Region']} {model_id} {column} {time}" for time, _ in hours]
            again = self._log.repeated(ids, [place.line] * len(ids), place.file)
            for position, (time, value) in enumerate(hours):
                if position not in again:
                    count = count_of(value, metric["MetricName"], place)
                    numbers = tuple(count if name == column else None for name in _NUMBERS)
                    self._log.rows.add(self._log.hour_of(time, "Timestamps", place), attributes, numbers, place)


def _model_id(metric: Mapping[str, Any]) -> str:
    return next(str(dimension["Value"]) for dimension in metric["Dimensions"] if dimension["Name"] == "ModelId")
