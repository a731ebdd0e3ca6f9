"""What is written back to the cloud: tags that rules propose."""

from collections import Counter

import dagster as dg
import psycopg

from orchestration.defs.resources import Warehouse
from orchestration.lib.audit import ensure_audit
from orchestration.lib.config import Config
from orchestration.lib.errors import FinopsError


class TagsConfig(dg.Config):
    """Whether tags are written. Without it, a run only says what it would write."""

    apply: bool = False


def cloud_tags(configuration: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["cloud", "tags"]),
        group_name="cloud",
        kinds={"aws"},
        deps=[dg.AssetKey(["finops", "tag_proposals"])],
        description=(
            "Proposed tags of approved rules, compared with what AWS resources have. A dry run, unless its run config says "
            "`apply: true`: then missing tags are written, and each change is in the audit log."
        ),
    )
    def tags(context: dg.AssetExecutionContext, config: TagsConfig, warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.gate import require_gate
        from orchestration.lib.tag_writeback import FAILED, read_proposals, write_tags
        from orchestration.lib.tagging_api import aws

        settings = configuration.tag_write_back
        with psycopg.connect(warehouse.url(), autocommit=True) as connection:
            ensure_audit(connection)
            proposals = read_proposals(connection)
            require_gate(warehouse.url(), "tag_proposals")
            steps = write_tags(connection, proposals, settings, aws(settings), apply=config.apply)
        failed = [f"{step.resource_id} {step.tag_key}: {step.reason}" for step in steps if step.outcome == FAILED]
        counts = Counter(step.outcome for step in steps)
        if failed:
            raise FinopsError(f"{len(failed)} of {len(steps)} tags failed:\n" + "\n".join(failed))
        context.log.info(f"{dict(counts)}")
        return dg.MaterializeResult(metadata={"applied": config.apply, **counts})

    return tags
