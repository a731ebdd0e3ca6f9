"""The small picture of a series: what was, what was expected, and where they part."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any

from orchestration.lib.alerts.alert import Figure

_INK, _GREY, _RED, _BLUE = "#1f2933", "#8a94a3", "#c81e1e", "#2563a8"
# matplotlib keeps state between threads.
_LOCK = Lock()


def picture(figure: Figure) -> bytes:
    """A PNG of a figure, drawn once however many are sent it; the same figure has the same bytes."""
    with _LOCK:
        return _drawn(figure)


@lru_cache(maxsize=64)
def _drawn(figure: Figure) -> bytes:
    # Not pyplot, which keeps every figure that it made.
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure as Canvas
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    canvas = Canvas(figsize=(6.4, 2.7), dpi=144, facecolor="white", layout="constrained")
    # As Any: the types of matplotlib know no dates.
    axes: Any = canvas.add_subplot()
    days = list(figure.dates)
    # Positions on a picture, not amounts: here alone they may be floats.
    actual, expected = (
        [float("nan") if value is None else float(value) for value in values]
        for values in (figure.actual, figure.expected)
    )
    axes.plot(days, actual, color=_BLUE, linewidth=1.8, label="actual", solid_capstyle="round", zorder=3)
    axes.plot(days, expected, color=_GREY, linewidth=1.6, linestyle=(0, (4, 2)), label="expected", zorder=2)
    is_marked = [day in figure.marked for day in days]
    axes.fill_between(days, actual, expected, where=is_marked, color=_RED, alpha=0.16, linewidth=0)
    marked = [(day, value) for day, value in zip(days, actual, strict=True) if day in figure.marked]
    if marked:
        at, values = zip(*marked, strict=True)
        axes.scatter(at, values, color=_RED, s=20, zorder=4, label="incident")
    axes.set_title(figure.title, loc="left", fontsize=9.5, color=_INK, fontweight="bold", wrap=True)
    axes.set_ylabel(f"{figure.currency} a day", fontsize=8, color=_INK)
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4f}".rstrip("0").rstrip(".")))
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#cbd2d9")
    axes.xaxis.get_offset_text().set(size=8, color=_INK)
    axes.margins(x=0.02, y=0.2)
    if min((value for value in (*figure.actual, *figure.expected) if value is not None), default=0) >= 0:
        axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", fontsize=8, frameon=False, ncols=3, labelcolor=_INK)
    out = BytesIO()
    canvas.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
