"""The generator as a source of benchmark data: any number of lines, to the line."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from orchestration.sample import generate, write_month


@pytest.mark.parametrize(
    ("source", "lines", "file_format"),
    [
        ("aws_main", 30_000, None),
        ("aws_main", 260_007, None),
        ("aws_subsidiary", 40_001, "csv"),
        ("aws_subsidiary", 150_000, "parquet"),
        ("azure", 100_123, None),
    ],
)
def test_a_month_has_exactly_the_lines_asked_for(
    tmp_path: Path, source: str, lines: int, file_format: str | None
) -> None:
    total = write_month(
        tmp_path / "month", source=source, period=date(2026, 9, 1), lines=lines, file_format=file_format
    )
    assert total.lines == lines
    assert Decimal(total.effective_cost) > 0
    files = [path for path in (tmp_path / "month").rglob("*") if path.suffix in (".parquet", ".csv")]
    assert sum(_lines(path) for path in files) == lines
    assert len(files) == total.files


def _lines(path: Path) -> int:
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    return int(pyarrow.csv.read_csv(path).num_rows)


def test_larger_factors_give_more_lines_for_the_same_money(tmp_path: Path) -> None:
    small = generate(tmp_path / "small", factor=0.5, months=1)
    large = generate(tmp_path / "large", factor=2.0, months=1)
    hourly = generate(tmp_path / "hourly", factor=24.0, months=1)
    assert 3 < large.lines / small.lines < 4.5
    assert 9 < hourly.lines / large.lines < 15
    for one, other in zip(small.totals, hourly.totals, strict=True):
        assert Decimal(one.billed_cost) == pytest.approx(Decimal(other.billed_cost), rel=Decimal("0.25"))


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    period = date(2026, 9, 1)
    with pytest.raises(ValueError, match="no source"):
        write_month(tmp_path / "m", source="gcp", period=period, lines=100_000)
    with pytest.raises(ValueError, match="cannot be written as"):
        write_month(tmp_path / "m", source="aws_main", period=period, lines=100_000, file_format="csv")
    with pytest.raises(ValueError, match="at least"):
        write_month(tmp_path / "m", source="aws_main", period=period, lines=100)
