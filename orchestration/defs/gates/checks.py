"""Great Expectations in front of what leaves: a failed gate stops the reports, and the last good ones stay."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import Warehouse
from orchestration.lib.gate_suites import GATED_MARTS
from orchestration.lib.progress import watcher

# Views of dbt on what Python works out of marts that have passed.
_FILLED_BY_PYTHON = {
    "recommendations": dg.AssetKey(["ml", "recommendations"]),
    "anomalies": dg.AssetKey(["ml", "anomalies"]),
}


def mart_key(name: str) -> dg.AssetKey:
    """The asset that fills a mart."""
    return _FILLED_BY_PYTHON.get(name, dg.AssetKey(["finops", name]))


def gates() -> list[dg.AssetChecksDefinition]:
    """One for the marts, and one for what Python makes of them, which waits for the first."""
    made_by_dbt = tuple(mart for mart in GATED_MARTS if mart not in _FILLED_BY_PYTHON)
    return [_gate("gate", made_by_dbt), _gate("gate_of_outputs", tuple(_FILLED_BY_PYTHON))]


def _gate(name: str, marts: tuple[str, ...]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=name,
        pool="warehouse",
        specs=[
            dg.AssetCheckSpec(
                "gate",
                asset=mart_key(mart),
                blocking=True,
                description="Expectations on what is published, validated in the database. Reports wait for it.",
            )
            for mart in marts
        ],
    )
    def check_marts(warehouse: Warehouse) -> Iterator[dg.AssetCheckResult]:
        from orchestration.lib.gate import gate_markdown, run_gate

        watcher().step("Check what leaves")
        url = warehouse.url()
        for mart in marts:
            result = run_gate(url, mart)
            watcher().note(mart)
            yield dg.AssetCheckResult(
                asset_key=mart_key(mart),
                check_name="gate",
                passed=result.success,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={
                    "expectations": len(result.results),
                    "failed": sum(not one.success for one in result.results),
                    "result": dg.MetadataValue.md(gate_markdown(result)),
                },
            )

    return check_marts
