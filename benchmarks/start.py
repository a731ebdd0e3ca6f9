"""Cold start of the code location."""

from __future__ import annotations

import sys
from statistics import median

from benchmarks.measure import Measurement, in_new_process


def measure() -> list[Measurement]:
    in_new_process("benchmarks.start")  # makes the sample and the manifest, which a second start finds
    seconds = [in_new_process("benchmarks.start")["seconds"] for _ in range(3)]
    return [Measurement("cold start of the code location", f"{median(seconds):.1f} s", to_hold="seconds")]


if __name__ == "__main__":
    import json
    import time

    began = time.perf_counter()
    from orchestration.definitions import defs

    defs().resolve_asset_graph()
    heavy = {"great_expectations", "prophet", "pandas._testing", "dbt.cli", "plotly"} & sys.modules.keys()
    print(json.dumps({"seconds": time.perf_counter() - began, "heavy_modules": len(heavy)}))
