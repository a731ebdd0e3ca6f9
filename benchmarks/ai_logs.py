"""Bedrock's invocation logs read, rolled up and loaded, against DuckDB's JSON reader on the same gzipped files.

DuckDB only counts the records and adds up their tokens. What is loaded must agree with that, to the last token.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from pathlib import Path
from random import Random

from benchmarks.measure import Measurement, in_new_process, peak_resident_mb, timed
from orchestration.lib import postgres

RECORDS_IN_FILE = 50_000
_MONTH = "2026/09"
_WORDS = ("the", "invoice", "does", "not", "add", "up", "because", "some", "requests", "were", "counted", "twice")
_MODELS = (
    "amazon.nova-lite-v1:0",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-3-7-sonnet-20250219-v1:0",
)
_RECORD = (
    '{{"schemaType":"ModelInvocationLog","schemaVersion":"1.0","timestamp":"2026-09-{day:02}T{hour:02}:{minute:02}:{second:02}Z",'
    '"accountId":"123456789012","identity":{{"arn":"arn:aws:sts::123456789012:assumed-role/team-{team}/session-{session}"}},'
    '"region":"us-east-1","requestId":"{id:032x}","operation":"Converse","modelId":"{model}","input":{{"inputContentType":'
    '"application/json","inputBodyJson":{prompt},"inputTokenCount":{read},"cacheReadInputTokenCount":{cached},'
    '"cacheWriteInputTokenCount":0}},"output":{{"outputContentType":"application/json","outputBodyJson":{answer},'
    '"outputTokenCount":{written}}},"inferenceRegion":"us-east-1","requestMetadata":{{"team":"team-{team}","app":"app-{app}"}}}}\n'
)


def measure(work: Path, records: int) -> list[Measurement]:
    """Write the logs of a month, read them with DuckDB and load them, each in a process of its own."""
    folder = work / "bedrock"
    write_logs(folder, records)
    duckdb = in_new_process("benchmarks.ai_logs", "duckdb", str(folder))
    ours = in_new_process("benchmarks.ai_logs", "load", str(folder))
    for what in ("records", "read", "written"):
        if ours[what] != duckdb[what]:
            raise RuntimeError(f"loaded {ours[what]} {what} where DuckDB found {duckdb[what]}")
    rate, other = records / ours["seconds"], records / duckdb["seconds"]
    cpu = duckdb["cpu_seconds"] / ours["cpu_seconds"]
    return [
        Measurement(
            f"load Bedrock logs, {records:,} records in {files_of(records)} files",
            f"{rate:,.0f} records/s",
            f"DuckDB reads them {other:,.0f} records/s",
            f"{rate / other:.2f}",
        ),
        Measurement(
            "  processor time", f"{ours['cpu_seconds']:,.1f} s", f"{duckdb['cpu_seconds']:,.1f} s", f"{cpu:.2f}"
        ),
        Measurement(
            "  peak resident memory", f"{ours['peak_mb']:,.0f} MB", f"{duckdb['peak_mb']:,.0f} MB", to_hold="≤ 1,024 MB"
        ),
        Measurement("  rows in the warehouse", f"{ours['rows']:,.0f}"),
    ]


def files_of(records: int) -> int:
    return -(-records // RECORDS_IN_FILE)


def write_logs(folder: Path, records: int) -> None:
    """Files as Bedrock writes them: each of some minutes, in the folder of its hour. The same records each time."""
    random = Random(7)  # noqa: S311 numbers for a benchmark
    prompts = [json.dumps(_body(random), separators=(",", ":")) for _ in range(200)]
    answers = [
        json.dumps({"output": {"message": _body(random)}, "stopReason": "end_turn", "usage": {"inputTokens": 4}})
        for _ in range(200)
    ]
    for number in range(files_of(records)):
        # A month of 30 days has 720 hours; more files than that share them.
        hour = number * 720 // files_of(records)
        in_file = min(RECORDS_IN_FILE, records - number * RECORDS_IN_FILE)
        path = (
            folder
            / f"AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/{_MONTH}/{hour // 24 + 1:02}/{hour % 24:02}"
        )
        path.mkdir(parents=True, exist_ok=True)
        with gzip.GzipFile(path / f"{number:05}.json.gz", "wb", compresslevel=1, mtime=0) as stream:
            for begin in range(0, in_file, 1000):
                rows = range(begin, min(begin + 1000, in_file))
                stream.write("".join(_record(random, hour, row, in_file, prompts, answers) for row in rows).encode())


def _body(random: Random) -> dict[str, object]:
    return {
        "messages": [{"role": "user", "content": [{"text": " ".join(random.choices(_WORDS, k=random.randint(5, 60)))}]}]
    }


def _record(random: Random, hour: int, row: int, rows: int, prompts: list[str], answers: list[str]) -> str:
    pick, second = random.getrandbits(64), row * 3600 // rows
    return _RECORD.format(
        day=hour // 24 + 1, hour=hour % 24, minute=second // 60, second=second % 60, id=random.getrandbits(128),
        team=pick % 12, session=(pick >> 8) % 4, model=_MODELS[(pick >> 12) % 3], app=(pick >> 16) % 3,
        read=(pick >> 20) % 5000, cached=(pick >> 34) % 500, written=(pick >> 44) % 900,
        prompt=prompts[(pick >> 54) % 200], answer=answers[(pick >> 50) % 200],
    )  # fmt: skip


def _duckdb(folder: Path) -> dict[str, float]:
    import duckdb

    columns = {
        "timestamp": "VARCHAR", "accountId": "VARCHAR", "identity": "STRUCT(arn VARCHAR)", "region": "VARCHAR",
        "requestId": "VARCHAR", "modelId": "VARCHAR", "requestMetadata": "JSON",
        "input": "STRUCT(inputTokenCount BIGINT, cacheReadInputTokenCount BIGINT)", "output": "STRUCT(outputTokenCount BIGINT)",
    }  # fmt: skip
    with timed() as clock:
        row = duckdb.execute(
            "select count(*), sum(input.inputTokenCount + input.cacheReadInputTokenCount), sum(output.outputTokenCount)"
            " from read_ndjson($files, columns = $columns)",
            {"files": str(folder / "**" / "*.json.gz"), "columns": columns},
        ).fetchone()
    assert row is not None
    return {"seconds": clock.seconds, "records": row[0], "read": int(row[1]), "written": int(row[2]), "rows": 0}


def _load(folder: Path) -> dict[str, float]:
    import psycopg

    from orchestration.lib.config_models import Config, Organization
    from orchestration.lib.config_sources import Source
    from orchestration.lib.ingest import find_deliveries, open_storage, take_in
    from orchestration.lib.loader import Loaded

    url = postgres.ensure_running()
    source = Source(name=f"bench_{time.time_ns()}", format="bedrock_logs", location=str(folder))
    config = Config(organization=Organization(name="bench", first_billing_period="2026-01"), sources=(source,))
    with timed() as clock:
        storage = open_storage(source, folder / "finops-config.yaml", folder.with_name("spool"))
        (outcome,) = take_in(url, config, source, find_deliveries(source, storage), storage)
    if not isinstance(outcome, Loaded):
        raise RuntimeError(outcome.error)
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select sum(request_count), sum(uncached_input_tokens + cache_read_tokens), sum(output_tokens), count(*)"
            " from raw.ai_usage_records join raw.scopes using (scope_id) where source_name = %s",
            [source.name],
        ).fetchone()
    assert row is not None
    return {
        "seconds": clock.seconds,
        "records": int(row[0]),
        "read": int(row[1]),
        "written": int(row[2]),
        "rows": row[3],
    }


if __name__ == "__main__":
    found = {"duckdb": _duckdb, "load": _load}[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(found | {"peak_mb": peak_resident_mb(), "cpu_seconds": time.process_time()}))
