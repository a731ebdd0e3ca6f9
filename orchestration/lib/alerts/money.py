"""Amounts as messages show them. What is shown is rounded; what is kept never is."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal


def amount(value: Decimal, currency: str) -> str:
    """To the cent.

    >>> amount(Decimal("12345.678"), "EUR")
    '12,345.68 EUR'
    """
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_EVEN):,} {currency}"


def percent(actual: Decimal, expected: Decimal) -> str:
    """By how much one is above or below the other, where that says something.

    >>> percent(Decimal(150), Decimal(100)), percent(Decimal(5), Decimal(0))
    (' (+50 %)', '')
    """
    return f" ({(actual / expected - 1) * 100:+.0f} %)" if expected > 0 else ""
