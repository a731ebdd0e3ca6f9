"""What is added a block at a time is what is added record by record: the same rows, for whatever records."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.ai import bedrock_logs
from orchestration.lib.ai.bedrock_blocks import Cut, Parser, cut_bodies
from orchestration.lib.ai.bedrock_logs import BedrockLogs
from orchestration.lib.config_sources import Source
from orchestration.lib.errors import FinopsError
from tests.support.usage_logs import bedrock, json_lines

SOURCE = Source(name="bedrock", format="bedrock_logs", location="logs")
TEXTS = st.sampled_from(["a", "", 'é"\\', 'x","inputTokenCount":1', "},", "null", "inputBodyJson", "2025-03-01"])
BODIES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["inputTokenCount", "outputTokenCount", "inputBodyJson", "input", "a"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
COUNTS = st.integers(0, 300_000)


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A record, most like one of Bedrock's."""
    record = bedrock(
        draw(st.sampled_from("abcdefgh")),
        tokens=tuple(draw(COUNTS) for _ in range(4)),
        timestamp=f"2025-03-04T0{draw(st.integers(0, 3))}:10:00Z",
        modelId=draw(st.sampled_from(["amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0"])),
        requestMetadata=draw(
            st.none() | st.dictionaries(st.sampled_from(["team", "app", "at"]), TEXTS | st.none(), max_size=2)
        ),
    )
    record["input"]["inputBodyJson"] = draw(BODIES)
    record["output"]["outputBodyJson"] = draw(BODIES)
    if draw(st.booleans()):
        for name in draw(st.lists(st.sampled_from(["output", "errorCode", "inferenceRegion", "identity"]), max_size=2)):
            record[name] = None
    if draw(st.integers(0, 5)) == 0:
        record["input"] = dict(reversed(record["input"].items()))
    if draw(st.integers(0, 9)) == 0:
        record["output"] = {"newTokenCount": draw(COUNTS), "outputTokenCount": 5}
    if draw(st.integers(0, 9)) == 0:
        record["errorCode"] = "ThrottlingException"
        del record["input"]
    return record


def loaded(path: Path) -> list[Any]:
    log = BedrockLogs(SOURCE, date(2025, 3, 1))
    batches = [*log.read(path, "log.json"), *log.rest()]
    rows = []
    for batch in batches:
        columns = {name: array.to_pylist() for name, array in batch.columns.items()}
        rows += [
            json.dumps({name: str(values[row]) for name, values in columns.items()}, sort_keys=True)
            for row in range(batch.rows)
        ]
    return [sorted(rows), log.notes()]


@settings(max_examples=60, deadline=None)
@given(st.lists(records(), min_size=1, max_size=8))
def test_blocks_and_single_records_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, some: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.json"
    # Of two records with one id the first is kept, and records of a block that are usual come first.
    some = [record | {"requestId": f"r{number}"} for number, record in enumerate(some)]
    path.write_bytes(json_lines(*some))
    together = loaded(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bedrock_logs, "cut_bodies", lambda block: Cut(b"", cut_bodies(b"\n").positions[:0], []))
        assert loaded(path) == together


def test_usual_records_are_added_together() -> None:
    cut = cut_bodies(json_lines(*(bedrock(f"r{number}") for number in range(50))))
    assert cut.others == []
    assert b"Body" not in cut.records
    parsed = Parser().parse(cut.records, len(cut.positions))
    assert parsed is not None
    assert [int(numbers.sum()) for numbers in parsed.numbers] == [200, 150, 100, 1900]


def test_a_negative_count_in_a_block_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(json_lines(*(bedrock(f"r{number}") for number in range(9)), bedrock("x", tokens=(0, 0, 0, -1))))
    with pytest.raises(FinopsError, match="line 10, outputTokenCount: '-1' is negative"):
        loaded(path)
