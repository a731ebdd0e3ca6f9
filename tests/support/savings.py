"""Recommendations that hold what all of them hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from ml.savings.portfolio import portfolio
from ml.savings.recommendation import Estimate, Owner, Recommendation, Window

WINDOW = Window(date(2026, 10, 1), date(2026, 10, 28))


def ranked(found: Sequence[Recommendation]) -> tuple[Recommendation, ...]:
    """Recommendations on which nobody decided yet, and none of them a commitment, with what counts."""
    return portfolio(found, lambda _: ()).recommendations


def saving(group: str, saved: str = "40", **fields: Any) -> Recommendation:
    """A recommendation on a group that costs 100 a month."""
    amount = Decimal(saved)
    values: dict[str, Any] = {
        "kind": "model_substitution",
        "provider": "openai",
        "resource_type": "api_key",
        "resource_id": "key_1",
        "sub_account_id": "proj_1",
        "owner": Owner("Search", "CC1", "shop", "production"),
        "current": f"gpt-large of {group}",
        "proposed": "gpt-small at openai",
        "change": f"Send {group} to gpt-small.",
        "reason": "The same tokens would have cost less.",
        "estimate": Estimate(Decimal(100), amount, amount / 2, amount, ((WINDOW.first, Decimal(25), amount / 4),)),
        "effort": "medium",
        "risk": "medium",
        "risk_reason": "Answers differ.",
        "confidence": "high",
        "confidence_reason": "Prices are known.",
        "evidence": {"rests_on": "usage by day"},
        "exclusive_group": group,
        **fields,
    }
    return Recommendation(**values)
