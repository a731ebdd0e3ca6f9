"""Months are read from paths, and nothing that merely looks like one is taken for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from orchestration.lib.deliveries import Delivery, check_delivery, discover, period_of_path
from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import StoredFile

MARCH = date(2025, 3, 1)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("exports/data/BILLING_PERIOD=2025-03/part-0.parquet", MARCH),
        ("billing_period=202503/x.csv", MARCH),
        ("cur/20250301-20250401/assembly/cur-00001.csv.gz", MARCH),
        ("2025-03/part.csv", MARCH),
        ("2025_03.csv", MARCH),
        ("focus-202503.csv.gz", MARCH),
        ("2025-03-04T05.csv", MARCH),
        ("2024-12/2025-03.csv", MARCH),
        ("2024-12/BILLING_PERIOD=2025-03/2024-11.csv", MARCH),
        ("march.csv", None),
        ("2025-13/part.csv", None),
        ("1999-03/part.csv", None),
        ("000202503123/part.csv", None),
        ("part-00000-1f20250a-c0de-4abc-8def-a202503b1c2d-c000.csv", None),
        ("2025-03/part-00000-abcd2011-1112-4abc-8def-a201112b1c2d.parquet", MARCH),
        ("2025-03/d41d8cd98f00b201112fecf8427e.parquet", MARCH),
    ],
)
def test_the_month_that_a_path_names(key: str, expected: date | None) -> None:
    assert period_of_path(key) == expected


@dataclass(frozen=True)
class Files:
    """A storage of files that are known by name alone."""

    keys: tuple[str, ...]
    version: str = "1"

    def files(self) -> list[StoredFile]:
        return [StoredFile(key, 1, self.version) for key in sorted(self.keys)]

    def read(self, key: str) -> bytes:
        raise AssertionError(key)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        yield Path(key)


def rows_tell_march(file: StoredFile) -> date:
    if "broken" in file.key:
        raise FinopsError(f"{file.key}: broken")
    return MARCH


def keys(delivery: Delivery) -> list[str]:
    return [file.key for file in delivery.files]


def test_only_data_files_are_deliveries() -> None:
    found = discover(
        Files(("2025-03/a.csv", "2025-03/b.txt", "2025-03/_SUCCESS", "2025-03/c.PARQUET")), rows_tell_march
    )
    assert [keys(delivery) for delivery in found] == [["2025-03/a.csv", "2025-03/c.PARQUET"]]


def test_nothing_delivered_is_nothing_found() -> None:
    assert discover(Files(()), rows_tell_march) == []


@pytest.mark.parametrize("other", [Files(("2025-03/a.csv",)), Files(("2025-03/a.csv", "2025-03/b.csv"), "2")])
def test_a_fingerprint_changes_with_any_file(other: Files) -> None:
    (before,) = discover(Files(("2025-03/a.csv", "2025-03/b.csv")), rows_tell_march)
    (again,) = discover(Files(("2025-03/b.csv", "2025-03/a.csv")), rows_tell_march)
    (after,) = discover(other, rows_tell_march)
    assert before.fingerprint == again.fingerprint != after.fingerprint


def test_a_file_that_cannot_be_read_holds_back_what_lies_beside_it_and_nothing_else() -> None:
    files = Files(("a/broken.csv", "a/x.csv", "a/2025-04.csv", "b/2025-05/y.csv", "b/z.csv"))
    problems = {tuple(keys(delivery)): delivery.problem for delivery in discover(files, rows_tell_march)}
    assert problems == {
        ("a/broken.csv",): "a/broken.csv: broken",
        ("a/x.csv", "b/z.csv"): "2025-03: waits for a/broken.csv, a file beside it that may belong to it and cannot be "
        "read. Deliver that file again, or remove it.",
        ("a/2025-04.csv",): None,
        ("b/2025-05/y.csv",): None,
    }


@pytest.mark.parametrize(
    ("period", "why"),
    [(date(2024, 12, 1), "first_billing_period"), (date(2025, 4, 1), "has not begun"), (MARCH, None), (None, None)],
)
def test_the_range_of_months(period: date | None, why: str | None) -> None:
    delivery = Delivery(period, (StoredFile("x.csv", 1, "1"),), "f")
    if why is None:
        check_delivery(delivery, date(2025, 1, 1), MARCH)
    else:
        with pytest.raises(FinopsError, match=rf"x\.csv: billing period .* is outside 2025-01 to 2025-03\. .*{why}"):
            check_delivery(delivery, date(2025, 1, 1), MARCH)
