"""dbt in a process forked from one that has imported it, given the project as it was parsed once.

The suite runs dbt more than a hundred times: importing it and parsing the project each time cost more than the builds.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from orchestration.lib import dbt

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.postgres.impl"])
_PARSED_FOR = "test_000000000000"
_HANDLED, _NOT_HANDLED = 1, 2
"""dbt's own statuses of a failure."""


def run_dbt(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run dbt, and return its status and what it printed."""
    printed = folder / "printed.txt"
    # Variables of the command line are part of what is parsed.
    parsed = None if "--vars" in arguments else _parsed_project(environment["FINOPS_PG_DATABASE"])
    process = _FORKS.Process(target=_be_dbt, args=(list(arguments), dict(environment), printed, parsed))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, printed.read_text()


def _be_dbt(arguments: list[str], environment: dict[str, str], printed: Path, parsed: bytes | None) -> None:
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    gc.disable()  # what a build makes lives until its process ends
    with printed.open("w") as output:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    project = Manifest.from_msgpack(parsed, decoder=extended_mashumuro_decoder) if parsed else None
    if project:
        project.build_flat_graph()  # type: ignore[no-untyped-call]  # what macros see as `graph`
    result = dbtRunner(manifest=project).invoke(arguments)
    if result.exception:
        print(result.exception)
    sys.stdout.flush()
    if not result.success:
        sys.exit(_NOT_HANDLED if result.exception else _HANDLED)


def _parsed_project(database: str) -> bytes:
    """The parsed project, as for this database: dbt notes the database in every relation's name."""
    assert len(database) == len(_PARSED_FOR), "another length would not do where bytes are replaced in packed text"
    return _parse().replace(_PARSED_FOR.encode(), database.encode())


@cache
def _parse() -> bytes:
    """What dbt itself keeps of the parsed project, to parse the less the next time."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"DBT_TARGET_PATH": f"{folder}/target", "DBT_LOG_PATH": f"{folder}/logs"}
        done = subprocess.run(
            [str(dbt.executable()), "parse", "--no-partial-parse", "--project-dir", str(dbt.project_dir())],
            env={**os.environ, **dbt.environment(f"postgresql://127.0.0.1/{_PARSED_FOR}"), **own},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Path(folder, "target", "partial_parse.msgpack").read_bytes()
