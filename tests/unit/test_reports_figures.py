"""The figures of reports, made from DataFrames alone."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pandas as pd

from reports.figures import direct_and_shared, spend_over_time, top_services
from reports.page import to_script


def test_spend_over_time_stacks_each_owner_in_its_colour() -> None:
    costs = pd.DataFrame(
        {0: [Decimal("1.5"), Decimal(2)], 1: [Decimal(-1), Decimal(0)]}, index=["Dec 2025", "Jan 2026"]
    )
    figure = spend_over_time(costs, [("Search", "#111111"), ("<b>x</b>", "#222222")], "USD", last_is_open=True)
    assert [list(bar.x) for bar in figure.data] == [["Dec 2025", "Jan 2026"]] * 2
    assert [list(bar.y) for bar in figure.data] == [[1.5, 2.0], [-1.0, 0.0]]
    assert [(bar.name, bar.marker.color) for bar in figure.data] == [
        ("Search", "#111111"),
        ("&lt;b&gt;x&lt;/b&gt;", "#222222"),
    ]
    assert list(figure.layout.xaxis.ticktext) == ["Dec<br>2025", "Jan<br>2026<br><i>open</i>"]
    assert figure.layout.barmode == "relative"


def test_teams_are_listed_from_the_top() -> None:
    teams = pd.DataFrame(
        [("A", Decimal(3), Decimal(1)), ("A" * 60, Decimal(2), Decimal(0))], columns=["team", "direct", "shared"]
    )
    figure = direct_and_shared(teams, "EUR")
    assert [(bar.name, list(bar.x)) for bar in figure.data] == [("Direct", [3.0, 2.0]), ("Shared", [1.0, 0.0])]
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.layout.yaxis.ticktext) == ["A", "A" * 33 + "…"]


def test_services_are_compared_where_there_is_a_month_before() -> None:
    services = pd.DataFrame([("EC2", Decimal(3), Decimal(1))], columns=["service", "cost", "previous"])
    assert [bar.name for bar in top_services(services, "EUR", "May 2026", "April 2026").data] == [
        "May 2026",
        "April 2026",
    ]
    assert [bar.name for bar in top_services(services, "EUR", "May 2026", None).data] == ["May 2026"]


def test_a_figure_is_the_same_text_each_time_and_cannot_end_its_script() -> None:
    services = pd.DataFrame(
        [("</script><script>alert(1)", Decimal(3), Decimal(1))], columns=["service", "cost", "previous"]
    )
    texts = {to_script(top_services(services, "EUR", "May 2026", None)) for _ in range(2)}
    assert len(texts) == 1
    text = texts.pop()
    assert "<" not in text
    assert json.loads(text)["layout"]["yaxis"]["ticktext"] == ["&lt;/script&gt;&lt;script&gt;alert(1)"]


def test_reports_know_nothing_of_what_runs_them() -> None:
    code = """
import sys, reports.chargeback, reports.figures
print(sorted({"dagster", "orchestration", "plotly", "pandas", "jinja2"} & {name.split(".")[0] for name in sys.modules}))
"""
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
