"""Usage of AI models in a month: what it costs by team, model and product, and how that agrees with what was charged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reports.queries import Row

CURRENCY = "USD"
"""Prices of models are in US dollars."""
_SHOWN_LINES = 20

# One row per team, product, provider and model: what its usage costs at the known prices. Repeated usage would count twice.
AI_COSTS = """
select
    team,
    coalesce(project, '') as product,
    provider,
    coalesce(model, delivered_model, operation) as model,
    coalesce(sum(computed_cost), 0) as cost,
    sum(token_count) as tokens,
    sum(request_count) as requests,
    coalesce(sum(token_count) filter (where price_status <> 'priced'), 0) as unpriced_tokens
from finops.ai_usage
where not is_repeated and charge_date >= %(period)s and charge_date < %(period)s + interval '1 month'
group by 1, 2, 3, 4
"""

# One row per provider and currency: sums of the month by the reason for which computed and charged differ.
AI_RECONCILIATION = """
select
    provider,
    billing_currency as currency,
    sum(computed_cost) as computed,
    sum(charged_cost) as charged,
    sum(priority_tier_cost) as priority_tier,
    sum(missing_price_cost) as missing_price,
    sum(web_search_cost) as web_search,
    sum(code_execution_cost) as code_execution,
    sum(tool_call_cost) as tool_call,
    sum(rounding_cost) as rounding,
    sum(discount_cost) as discount,
    sum(usage_not_charged_cost) as usage_not_charged,
    sum(cost_without_usage_cost) as cost_without_usage,
    sum(unexplained_cost) as unexplained
from finops.ai_cost_reconciliation
where billing_period = %(period)s
group by 1, 2
order by 1, 2
"""

_REASONS = {
    "priority_tier": "priority tier, in no cost report",
    "missing_price": "models without a price",
    "web_search": "web searches",
    "code_execution": "code execution",
    "tool_call": "other tools",
    "rounding": "rounding",
    "discount": "discounts and credits",
    "usage_not_charged": "used and not charged",
    "cost_without_usage": "charged without usage",
    "unexplained": "not explained",
}


@dataclass(frozen=True)
class AiLine:
    """Usage of a model by a team for a product. `unpriced_tokens`: of what has no price, or not of all of it."""

    team: str
    product: str
    provider: str
    model: str
    cost: Decimal
    tokens: Decimal
    requests: Decimal | None
    unpriced_tokens: Decimal


@dataclass(frozen=True)
class AiProvider:
    """What the usage of a provider costs at the known prices and what it charged. `reasons` add up to the difference."""

    name: str
    currency: str
    computed: Decimal
    charged: Decimal
    reasons: tuple[tuple[str, Decimal], ...]

    @property
    def difference(self) -> Decimal:
        """What was charged above the computed cost."""
        return self.charged - self.computed


@dataclass(frozen=True)
class AiReport:
    """The dearest lines, the number and cost of the others, costs by team and model for the figure, and the providers."""

    lines: tuple[AiLine, ...]
    others: tuple[int, Decimal]
    by_team: dict[str, dict[str, Decimal]]
    providers: tuple[AiProvider, ...]
    total: Decimal


def ai_report(costs: Sequence[Row], reconciliation: Iterable[Row]) -> AiReport | None:
    """None where no model was used in the month and nothing was charged for any."""
    lines = sorted(
        (AiLine(**row) for row in costs),
        key=lambda line: (-line.cost, -line.tokens, line.team, line.model, line.product),
    )
    providers = tuple(_provider(row) for row in reconciliation)
    if not lines and not providers:
        return None
    by_team: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for line in lines:
        by_team[line.team][line.model] += line.cost
    rest = lines[_SHOWN_LINES:]
    return AiReport(
        tuple(lines[:_SHOWN_LINES]),
        (len(rest), sum((line.cost for line in rest), Decimal(0))),
        {team: dict(models) for team, models in by_team.items()},
        providers,
        sum((line.cost for line in lines), Decimal(0)),
    )


def _provider(row: Row) -> AiProvider:
    reasons = tuple((words, row[name]) for name, words in _REASONS.items() if row[name])
    return AiProvider(row["provider"], row["currency"], row["computed"], row["charged"], reasons)
