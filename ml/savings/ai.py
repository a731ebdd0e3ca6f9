"""All savings on AI models: every kind behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import localcontext

from ml.savings.batch import batches
from ml.savings.custom_rules import rule_savings
from ml.savings.inputs import Inputs
from ml.savings.model_substitution import substitutions
from ml.savings.prompt_caching import caching
from ml.savings.recommendation import Recommendation, worthwhile
from ml.savings.request_caching import identical_requests
from ml.savings.waste import dearer_windows, failed_requests, idle_keys, oversized_context

Kind = Callable[[Inputs], Iterable[Recommendation]]

KINDS: tuple[Kind, ...] = (
    substitutions,
    caching,
    identical_requests,
    batches,
    oversized_context,
    dearer_windows,
    failed_requests,
    idle_keys,
    rule_savings,
)


def recommend(inputs: Inputs) -> tuple[Recommendation, ...]:
    """Every recommendation that is worth saying."""
    with localcontext(prec=60):
        found = [one for kind in KINDS for one in kind(inputs)]
        return tuple(worthwhile(found, inputs.settings.minimum_monthly_saving))
