"""The figures of reports: each a Plotly figure made from a DataFrame and nothing else.

Amounts may be Decimals; here, where they become lengths, they turn into floats. Names are shown as they
are written, not as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from reports.formatting import short

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

UNALLOCATED_COLOUR = "#4b5563"
OTHERS_COLOUR = "#c5ccd6"
DIRECT_COLOUR = "#2f5f8f"
SHARED_COLOUR = "#e0a458"
PREVIOUS_COLOUR = "#b9c4d0"
INCIDENT_COLOUR = "#a12d2d"
# Paul Tol's muted scheme: told apart with any kind of colour vision, and in print.
TEAM_COLOURS = ("#332288", "#88ccee", "#44aa99", "#117733", "#ddcc77", "#cc6677", "#882255", "#999933")

_INK = "#1f2933"
_GRID = "#e4e8ee"
_FONT = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif'
_BAR_HEIGHT = 34
_DAYS = {"type": "date", "tickformat": "%-d %b", "hoverformat": "%-d %B %Y", "automargin": True}


def spend_over_time(
    costs: pd.DataFrame, owners: Sequence[tuple[str, str]], currency: str, *, last_is_open: bool
) -> go.Figure:
    """Stacked bars, one per month.

    `costs`: a row per month, by its short name (`Oct 2026`), and a column per owner. `owners`: name and colour of each
    column. `last_is_open`: whether the last month is not complete.
    """
    import plotly.graph_objects as go

    months = list(costs.index)
    bars = [
        go.Bar(
            name=escape(short(name, 34)),
            x=months,
            y=[float(cost) for cost in costs[column]],
            marker_color=colour,
            hovertemplate=f"%{{y:,.2f}} {escape(currency)}",
        )
        for column, (name, colour) in zip(costs.columns, owners, strict=True)
    ]
    figure = go.Figure(bars, _layout(height=400, barmode="relative", hovermode="x unified"))
    labels = [_tick(month, first=month == months[0]) for month in months]
    if last_is_open:
        labels[-1] += "<br><i>open</i>"
    figure.update_xaxes(type="category", tickmode="array", tickvals=months, ticktext=labels, automargin=True)
    figure.update_yaxes(_amounts(currency))
    return figure


def _tick(month: str, *, first: bool) -> str:
    name, year = month.split()
    return f"{name}<br>{year}" if first or name == "Jan" else name


def weeks(costs: pd.DataFrame, currency: str) -> go.Figure:
    """Stacked bars, one per week: usage, and all else. `costs`: a row per week, by its Monday in words, and the columns 0 and 1."""
    import plotly.graph_objects as go

    series = {0: ("Usage", DIRECT_COLOUR), 1: ("Purchases, taxes, credits", SHARED_COLOUR)}
    bars = [
        go.Bar(
            name=name,
            x=list(costs.index),
            y=[float(cost) for cost in costs[column]],
            marker_color=colour,
            hovertemplate=f"%{{y:,.2f}} {escape(currency)}",
        )
        for column, (name, colour) in series.items()
    ]
    figure = go.Figure(bars, _layout(height=320, barmode="relative", hovermode="x unified"))
    figure.update_xaxes(type="category", automargin=True)
    figure.update_yaxes(_amounts(currency))
    return figure


def month_end(actual: pd.DataFrame, expected: pd.DataFrame, currency: str) -> go.Figure:
    """Bars of the days that are complete, a line through those to come with its band. Columns: day, cost, low, high."""
    import plotly.graph_objects as go

    to_come = [day.isoformat() for day in expected["day"]]
    unit = escape(currency)
    low, mean, high = ([float(cost) for cost in expected[column]] for column in ("low", "cost", "high"))
    figure = go.Figure(
        [
            go.Bar(
                name="Cost",
                x=[day.isoformat() for day in actual["day"]],
                y=[float(cost) for cost in actual["cost"]],
                marker_color=DIRECT_COLOUR,
                hovertemplate=f"%{{y:,.2f}} {unit}",
            ),
            go.Scatter(
                name="Band of 80%",
                x=[*to_come, *reversed(to_come)],
                y=[*high, *reversed(low)],
                mode="lines",
                line={"width": 0},
                fill="toself",
                fillcolor="rgba(224, 164, 88, 0.45)",
                hoverinfo="skip",
            ),
            go.Scatter(
                name="Expected",
                x=to_come,
                y=mean,
                mode="lines+markers",
                line={"color": SHARED_COLOUR, "width": 2},
                marker={"size": 5},
                customdata=list(zip(low, high, strict=True)),
                hovertemplate=f"%{{y:,.2f}} {unit} (%{{customdata[0]:,.2f}} to %{{customdata[1]:,.2f}})",
            ),
        ],
        _layout(height=320, hovermode="x unified"),
    )
    figure.update_xaxes(_DAYS)
    figure.update_yaxes(_amounts(currency), rangemode="tozero")
    return figure


def incident_days(days: pd.DataFrame, currency: str) -> go.Figure:
    """Bars of what the days of an incident cost, and a line of what was expected. Columns: day, actual, expected."""
    import plotly.graph_objects as go

    shown = [day.isoformat() for day in days["day"]]
    hover = f"%{{y:,.2f}} {escape(currency)}"
    figure = go.Figure(
        [
            go.Bar(
                name="Cost on its days",
                x=shown,
                y=[float(cost) for cost in days["actual"]],
                marker_color=INCIDENT_COLOUR,
                hovertemplate=hover,
            ),
            go.Scatter(
                name="Expected",
                x=shown,
                y=[float(cost) for cost in days["expected"]],
                mode="lines+markers",
                line={"color": _INK, "width": 2, "dash": "dot"},
                marker={"size": 5},
                hovertemplate=hover,
            ),
        ],
        _layout(height=300, hovermode="x unified"),
    )
    figure.update_xaxes(_DAYS)
    figure.update_yaxes(_amounts(currency))
    return figure


def direct_and_shared(teams: pd.DataFrame, currency: str) -> go.Figure:
    """Horizontal bars, one per team: its own charges and its part of the pools. Columns: team, direct, shared."""
    series = {"direct": ("Direct", DIRECT_COLOUR), "shared": ("Shared", SHARED_COLOUR)}
    return _rows(teams, "team", series, currency, "relative")


def top_services(services: pd.DataFrame, currency: str, period: str, previous: str | None) -> go.Figure:
    """Horizontal bars per service: this month and, where given, the one before. Columns: service, cost, previous."""
    series = {"cost": (period, DIRECT_COLOUR)}
    if previous is not None:
        series["previous"] = (previous, PREVIOUS_COLOUR)
    return _rows(services, "service", series, currency, "group")


def ai_by_team(costs: pd.DataFrame, models: Sequence[str], currency: str) -> go.Figure:
    """Horizontal bars, one per team, made of the costs of models. Columns: team, and a number for each of the models."""
    colours = [*TEAM_COLOURS, OTHERS_COLOUR]
    series = {str(number): (short(name, 34), colours[number]) for number, name in enumerate(models)}
    return _rows(costs, "team", series, currency, "relative")


def _rows(
    frame: pd.DataFrame, label: str, series: dict[str, tuple[str, str]], currency: str, barmode: str
) -> go.Figure:
    import plotly.graph_objects as go

    places = [str(number) for number in range(len(frame))]
    bars = [
        go.Bar(
            name=escape(name),
            y=places,
            x=[float(cost) for cost in frame[column]],
            orientation="h",
            marker_color=colour,
            customdata=[escape(short(text)) for text in frame[label]],
            hovertemplate=f"%{{customdata}}<br>{escape(name)}: %{{x:,.2f}} {escape(currency)}<extra></extra>",
        )
        for column, (name, colour) in series.items()
    ]
    height = 90 + len(frame) * _BAR_HEIGHT * (1 if barmode == "relative" else 1.25)
    figure = go.Figure(bars, _layout(height=int(height), barmode=barmode, hovermode="closest"))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(_amounts(currency))
    figure.update_yaxes(
        type="category",
        autorange="reversed",
        tickmode="array",
        tickvals=places,
        ticktext=[escape(short(name, 34)) for name in frame[label]],
        ticklabelstandoff=6,
        automargin=True,
    )
    return figure


def _amounts(currency: str) -> dict[str, Any]:
    return {
        "title": {"text": escape(currency), "font": {"size": 12}, "standoff": 10},
        "tickformat": ",~s",
        "gridcolor": _GRID,
        "zeroline": True,
        "zerolinecolor": "#9aa5b1",
        "automargin": True,
    }


def _layout(**own: Any) -> dict[str, Any]:
    return {
        "template": "none",
        "font": {"family": _FONT, "size": 12.5, "color": _INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "bargap": 0.28,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        "hoverlabel": {"font": {"family": _FONT, "size": 12.5}},
        "dragmode": False,
        **own,
    }
