"""What must hold for a mart before anything is made from it: one suite for each mart, as data, by theme in modules of their own."""

from __future__ import annotations

from orchestration.lib.gate_suites_ai import AI_SUITES
from orchestration.lib.gate_suites_allocation import ALLOCATION_LINEAGE
from orchestration.lib.gate_suites_anomalies import ANOMALIES
from orchestration.lib.gate_suites_commitments import COMMITMENT_SUITES
from orchestration.lib.gate_suites_costs import (
    CHARGEBACK_BUDGETS,
    CHARGEBACK_REPORTS,
    COST_RECORDS,
    INVOICE_RECONCILIATION,
)
from orchestration.lib.gate_suites_focus import FOCUS_COST_AND_USAGE
from orchestration.lib.gate_suites_forecasts import FORECAST_SUITES
from orchestration.lib.gate_suites_recommendations import RECOMMENDATIONS
from orchestration.lib.gate_suites_tagging import TAG_COMPLIANCE, TAG_PROPOSALS

SUITES = {
    "cost_records": COST_RECORDS,
    "chargeback_reports": CHARGEBACK_REPORTS,
    "invoice_reconciliation": INVOICE_RECONCILIATION,
    "chargeback_budgets": CHARGEBACK_BUDGETS,
    "allocation_lineage": ALLOCATION_LINEAGE,
    "tag_compliance": TAG_COMPLIANCE,
    "tag_proposals": TAG_PROPOSALS,
    "focus_cost_and_usage": FOCUS_COST_AND_USAGE,
    **AI_SUITES,
    "recommendations": RECOMMENDATIONS,
    **COMMITMENT_SUITES,
    "anomalies": ANOMALIES,
    **FORECAST_SUITES,
}
GATED_MARTS = tuple(mart for mart, suite in SUITES.items() if not suite.at_the_door)
"""The marts whose gate each run goes through. Views are checked at the door: when tags are written, or a month is exported."""
