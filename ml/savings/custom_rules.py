"""The users' own rules: what a key costs on days on which a condition holds, times what could be saved of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ml.savings.inputs import Inputs
from ml.savings.recommendation import Recommendation, estimate, lower
from ml.savings.traffic import by_day, text


def rule_savings(inputs: Inputs) -> Iterator[Recommendation]:
    """For each rule and each traffic of a key that it holds for. A key's cost is the sum of its traffic's, so nothing counts twice."""
    for rule in inputs.settings.custom_rules:
        held = inputs.rule_days.get(rule.name, frozenset())
        share = rule.potential_savings_percentage / 100
        for traffic in inputs.traffics:
            days = [
                day
                for day in traffic.days
                if (day.day, traffic.provider, traffic.project_id, traffic.api_key_id) in held
            ]
            if not days:
                continue
            count = len({day.day for day in days})
            yield Recommendation(
                kind="custom_rule",
                **traffic.subject(),
                current=traffic.title,
                proposed=f"rule {rule.name}",
                change=rule.recommendation or f"See the rule {rule.name}.",
                reason=f"{rule.condition} held on {count} of {inputs.window.days} days.",
                estimate=estimate(inputs.window, by_day(days), by_day(days, [day.cost * share for day in days])),
                effort="medium",
                risk="medium",
                risk_reason="Not judged: the rule is your own.",
                confidence=lower("medium", inputs.window),
                confidence_reason=f"The days are counted; the {text(rule.potential_savings_percentage)} % are the rule's word.",
                evidence={
                    **traffic.facts(),
                    "rule": rule.name,
                    "condition": rule.condition,
                    "potential_savings_percentage": text(rule.potential_savings_percentage),
                    "days": count,
                    "cost_on_these_days": text(sum((day.cost for day in days), Decimal(0))),
                    "rests_on": "usage by day and key",
                },
            )
