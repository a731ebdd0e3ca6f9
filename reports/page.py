"""The chargeback report as one HTML page, with its style, its figures and Plotly inside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import figures, formatting, words
from reports.ai import CURRENCY, AiReport
from reports.anomalies import Unusual
from reports.forecast import Day, MonthEnd
from reports.statement import UNALLOCATED, Report, Statement

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_CHARTED_TEAMS = 15
_NO_SERVICE = "(no service named)"


def render(report: Report, csv_names: Sequence[str]) -> str:
    """A report as HTML. Every text is escaped; the page asks for nothing outside itself."""
    from plotly.offline import get_plotlyjs

    colours: dict[str, str] = {}
    return (
        environment()
        .get_template("chargeback.html.j2")
        .render(
            report=report,
            basis=words.BASES[report.basis],
            parts=[
                _part(number, statement, report, colours) for number, statement in enumerate(report.statements, start=1)
            ],
            ai_figures=_ai_figures(report.ai),
            end_figures=_end_figures(report.ends),
            unusual_figures=_unusual_figures(report.unusual),
            notes=words.notes(report),
            progress=words.progress(report),
            csv_names=csv_names,
            no_service=_NO_SERVICE,
            plotlyjs=get_plotlyjs(),
        )
    )


def environment() -> Environment:
    """What templates are rendered with: texts escaped, names that are not there refused, and how numbers are written."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        {name: getattr(formatting, name) for name in ("money", "change", "month", "day", "listed", "short")}
    )
    made.globals.update({name: getattr(formatting, name) for name in ("percent", "growth", "counted")})
    made.globals["bar_width"] = _bar_width
    return made


def _part(number: int, statement: Statement, report: Report, colours: dict[str, str]) -> dict[str, Any]:
    """What the template needs for a currency: the statement, its sentences and its figures as JSON by their ids."""
    drawn = {
        "history": _history(statement, report, colours),
        "teams": _teams(statement),
        "services": _services(statement, report),
    }
    rules: dict[str, str] = {}
    for rule in report.rules:  # versions of a rule have one name
        rules[rule["name"]] = f"{rules.get(rule['name'], '')} {words.rule_in_words(rule)}".strip()
    return {
        "id": f"currency-{number}",
        "statement": statement,
        "brief": words.brief(statement, report),
        "figures": {name: (f"figure-{number}-{name}", to_script(figure)) for name, figure in drawn.items() if figure},
        "pools": [
            (pool, rules.get(pool.rule, "This rule is no longer in the configuration.")) for pool in statement.pools
        ],
    }


def _ai_figures(ai: AiReport | None) -> dict[str, tuple[str, str]]:
    """The dearest models by name, the others as one; the dearest teams."""
    import pandas as pd

    if ai is None or not ai.total:
        return {}
    models: dict[str, Decimal] = defaultdict(Decimal)
    for costs in ai.by_team.values():
        for model, cost in costs.items():
            models[model] += cost
    ranked = sorted(models, key=lambda model: (-models[model], model))
    named, others = ranked[: len(figures.TEAM_COLOURS)], ranked[len(figures.TEAM_COLOURS) :]
    rows = []
    for team, costs in sorted(ai.by_team.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:_CHARTED_TEAMS]:
        rest = [sum((costs.get(model, Decimal(0)) for model in others), Decimal(0))] if others else []
        rows.append([team, *(costs.get(model, Decimal(0)) for model in named), *rest])
    shown = [*named, *([formatting.counted(len(others), "other model")] if others else [])]
    frame = pd.DataFrame(rows, columns=["team", *map(str, range(len(shown)))])
    return {"ai": ("figure-ai", to_script(figures.ai_by_team(frame, shown, CURRENCY)))}


def _end_figures(ends: Sequence[MonthEnd]) -> dict[str, tuple[str, str]]:
    """The days of a month in progress, by currency."""
    return {
        end.currency: (
            f"figure-end-{number}",
            to_script(figures.month_end(_days(end.actual), _days(end.expected), end.currency)),
        )
        for number, end in enumerate(ends, start=1)
    }


def _days(days: Sequence[Day]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [(one.day, one.cost, one.low, one.high) for one in days], columns=["day", "cost", "low", "high"]
    )


def _unusual_figures(unusual: Unusual) -> dict[str, tuple[str, str]]:
    """The days of the gravest incident; none where it has not two of them, as the table then says it all."""
    import pandas as pd

    if len(unusual.days) < 2:
        return {}
    frame = pd.DataFrame(
        [(line.day, line.actual, line.expected) for line in unusual.days], columns=["day", "actual", "expected"]
    )
    figure = figures.incident_days(frame, unusual.incidents[0].currency)
    return {"unusual": ("figure-unusual", to_script(figure))}


def _bar_width(part: Decimal, whole: Decimal) -> str:
    """The length of a bar that shows a share, in per cent of its cell."""
    share = float(100 * part / whole) if whole > 0 else 0.0
    return f"{min(max(share, 0.0), 100.0):.1f}"


def to_script(figure: go.Figure) -> str:
    """A figure as JSON that cannot end the script element that it stands in."""
    return str(figure.to_json()).replace("<", "\\u003c")


def _history(statement: Statement, report: Report, colours: dict[str, str]) -> go.Figure | None:
    """The dearest teams of the whole history by name, the others as one, and what has no team on top.

    `colours`: of teams in the figures before; a team keeps its colour where it can.
    """
    import pandas as pd

    if not statement.months:
        return None
    teams = sorted(
        (team for team in statement.history if team != UNALLOCATED),
        key=lambda team: (-sum(abs(cost) for cost in statement.history[team]), team),
    )
    named, others = teams[: len(figures.TEAM_COLOURS)], teams[len(figures.TEAM_COLOURS) :]
    own = _colours(named, colours)
    series = [(team, own[team], statement.history[team]) for team in named]
    if others:
        sums = tuple(
            sum(costs, Decimal(0)) for costs in zip(*(statement.history[team] for team in others), strict=True)
        )
        series.append((formatting.counted(len(others), "other team"), figures.OTHERS_COLOUR, sums))
    if UNALLOCATED in statement.history:
        series.append(("Unallocated", figures.UNALLOCATED_COLOUR, statement.history[UNALLOCATED]))
    costs = pd.DataFrame(
        dict(enumerate(costs for _, _, costs in series)),
        index=[formatting.short_month(month) for month in statement.months],
    )
    owners = [(name, colour) for name, colour, _ in series]
    is_open = not report.complete and statement.months[-1] == report.period
    return figures.spend_over_time(costs, owners, statement.currency, last_is_open=is_open)


def _colours(teams: Sequence[str], known: dict[str, str]) -> dict[str, str]:
    """A colour for each team, no two the same. Those that are new become known.

    By name and not by size, so that a team has the same colour in the reports of other months.
    """
    own: dict[str, str] = {}
    for team in teams:
        if team in known and known[team] not in own.values():
            own[team] = known[team]
    free = (colour for colour in figures.TEAM_COLOURS if colour not in own.values())
    for team, colour in zip(sorted(team for team in teams if team not in own), list(free), strict=False):
        own[team] = colour
        known.setdefault(team, colour)
    return own


def _teams(statement: Statement) -> go.Figure | None:
    import pandas as pd

    lines = statement.teams[:_CHARTED_TEAMS]
    if not lines:
        return None
    rows = [(line.team, line.direct, line.shared) for line in lines]
    rest = statement.teams[_CHARTED_TEAMS:]
    if rest:
        name = formatting.counted(len(rest), "other team")
        rows.append(
            (name, sum((line.direct for line in rest), Decimal(0)), sum((line.shared for line in rest), Decimal(0)))
        )
    return figures.direct_and_shared(pd.DataFrame(rows, columns=["team", "direct", "shared"]), statement.currency)


def _services(statement: Statement, report: Report) -> go.Figure | None:
    import pandas as pd

    if not statement.services:
        return None
    rows = [(line.name or _NO_SERVICE, line.cost, line.previous or Decimal(0)) for line in statement.services]
    frame = pd.DataFrame(rows, columns=["service", "cost", "previous"])
    compared = statement.services[0].previous is not None
    before = formatting.month(formatting.month_before(report.period)) if compared else None
    return figures.top_services(frame, statement.currency, formatting.month(report.period), before)
