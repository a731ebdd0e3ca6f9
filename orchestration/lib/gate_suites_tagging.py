"""What must hold for how tags comply, and for the tags that may be written to resources."""

from __future__ import annotations

from orchestration.lib.gate_checks import CURRENCY, TEAM, Check, Suite, filled, no_rows, unique

TAG_COMPLIANCE = Suite(
    period="delivery_period",
    shown=("source_name", "charge_date", "sub_account_id", "service_name", "tag_key"),
    checks=(
        *filled("source_name", "charge_date", "delivery_period", "billing_currency", "team", "tag_key"),
        *filled("in_scope_cost", "compliant_cost", "missing_cost", "invalid_cost", "resource_count"),
        TEAM,
        CURRENCY,
        no_rows(
            "costs and resources in scope are compliant, missing or invalid to the last digit, and exceptions comply",
            """
            select
                source_name, charge_date, sub_account_id, service_name, team, tag_key, in_scope_cost, compliant_cost,
                missing_cost, invalid_cost, resource_count, compliant_resource_count, excepted_resource_count,
                missing_resource_count, invalid_resource_count
            from {batch}
            where {delivered} and (
                in_scope_cost is distinct from compliant_cost + missing_cost + invalid_cost
                or resource_count
                is distinct from compliant_resource_count + missing_resource_count + invalid_resource_count
                or not excepted_resource_count between 0 and compliant_resource_count
                or least(missing_resource_count, invalid_resource_count) < 0
            )
            """,
        ),
        no_rows(
            "shares that comply are those of resources and costs, and empty where there is nothing to divide",
            """
            select
                source_name, charge_date, sub_account_id, service_name, team, tag_key, compliant_resource_share,
                compliant_cost_share
            from {batch}
            where {delivered} and (
                compliant_resource_share
                is distinct from cast(compliant_resource_count as numeric) / nullif(resource_count, 0)
                or compliant_cost_share is distinct from compliant_cost / nullif(in_scope_cost, 0)
            )
            """,
        ),
    ),
)

# Each query makes the view anew: what can be asked together is.
TAG_PROPOSALS = Suite(
    at_the_door=True,
    shown=("proposal_id", "resource_id", "tag_key", "tag_value"),
    checks=(
        *filled("proposal_id", "source_name", "resource_id", "tag_key", "tag_value", "virtual_tag_rule"),
        Check("tag_value is not blank", "ExpectColumnValuesToMatchRegex", {"column": "tag_value", "regex": r"\S"}),
        Check(
            "confidence is between 0 and 1",
            "ExpectColumnValuesToBeBetween",
            {"column": "confidence", "min_value": 0, "max_value": 1},
        ),
        unique("source_name", "sub_account_id", "resource_id", "tag_key"),
    ),
)
