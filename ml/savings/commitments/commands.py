"""Commands that would buy a commitment, as text: nothing is executed."""

from __future__ import annotations

from decimal import Decimal

from ml.savings.commitments.usage import Offer

_MONTH_SECONDS = 365 * 24 * 3600 // 12
# What the provider's offering is chosen by is written out; its id is not on a bill.
_SAVINGS_PLAN = (
    "aws savingsplans describe-savings-plans-offerings --payment-options '{payment}' --durations {seconds} --currencies {currency}\n"
    "aws savingsplans create-savings-plan --savings-plan-offering-id <id of the offering> --commitment {committed}"
)
_RESERVATIONS = {
    "ec2": "aws ec2 purchase-reserved-instances-offering --reserved-instances-offering-id <id of the offering> --instance-count {units}",
    "rds": (
        "aws rds purchase-reserved-db-instances-offering --reserved-db-instances-offering-id <id of the offering>"
        " --db-instance-count {units}"
    ),
}


def purchase_command(provider: str, offer: Offer, committed: Decimal, currency: str) -> str | None:
    """The command for a part of a purchase; None where the provider's is not known."""
    if provider != "AWS" or offer.term_months is None or offer.payment is None:
        return None
    if offer.is_spend:
        return _SAVINGS_PLAN.format(
            payment=offer.payment,
            seconds=offer.term_months * _MONTH_SECONDS,
            currency=currency,
            committed=f"{committed:.3f}",
        )
    # The service is the third part of the ARN of a reservation of the same kind.
    service = offer.like.split(":")[2] if offer.like.startswith("arn:") else ""
    template = _RESERVATIONS.get(service)
    if template is None or offer.unit_price is None:
        return None
    return template.format(units=int((committed / offer.unit_price).to_integral_value()))
