"""How numbers and dates are written in reports."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def money(amount: Decimal | None) -> str:
    """An amount to the cent with thousands separators, or a dash where there is none.

    >>> money(Decimal("1234.567"))
    '1,234.57'
    """
    if amount is None:
        return NOTHING
    cents = to_cents(amount)
    return f"{cents:,.2f}".replace("-", MINUS)


def change(amount: Decimal | None) -> str:
    """An amount with its sign: what went up or down.

    >>> change(Decimal("12"))
    '+12.00'
    """
    if amount is None:
        return NOTHING
    return f"+{money(amount)}" if to_cents(amount) > 0 else money(amount)


def percent(part: Decimal, whole: Decimal | None) -> str:
    """A part of a whole in per cent. A dash where the whole is nothing or less: there is no share of it.

    >>> percent(Decimal(1), Decimal(8))
    '12.5%'
    """
    if whole is None or whole <= 0:
        return NOTHING
    # Added to nothing, so that what rounds to nothing has no sign.
    return f"{(100 * part / whole).quantize(Decimal('0.1'), ROUND_HALF_UP) + 0:,}%".replace("-", MINUS)


def growth(now: Decimal, before: Decimal | None) -> str:
    """A change against a month before, in per cent of it. "new" where there was nothing.

    >>> growth(Decimal(11), Decimal(10))
    '+10.0%'
    """
    if before is None:
        return NOTHING
    if before == 0:
        return "new" if to_cents(now) else NOTHING
    text = percent(now - before, before)
    return text if text[0] in (MINUS, NOTHING) or text == "0.0%" else f"+{text}"


def to_cents(amount: Decimal) -> Decimal:
    """An amount rounded to the cent; what rounds to nothing has no sign."""
    return amount.quantize(_CENT, ROUND_HALF_UP) + 0


def month(day: date) -> str:
    """The month of a day: `October 2026`, whatever the machine's language."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def short_month(day: date) -> str:
    """The month of a day where there is little room: `Oct 2026`."""
    return f"{_MONTHS[day.month - 1][:3]} {day.year}"


def day(value: date) -> str:
    """A day: `9 October 2026`."""
    return f"{value.day} {month(value)}"


def listed(words: list[str], last: str = "and") -> str:
    """Words as a sentence lists them: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def short(name: str, length: int = 80) -> str:
    """A name, cut if it is too long to be one."""
    return name if len(name) <= length else f"{name[: length - 1]}…"


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 team`, `1,200 teams`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def month_before(period: date, months: int = 1) -> date:
    """The first day of the month so many months before."""
    count = period.year * 12 + period.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
