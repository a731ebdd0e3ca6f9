"""Exports in the 1.0 profile before the official validator of FOCUS, in an environment of its own.

Its release for FOCUS 1.0 needs pandas 2 and numpy 1.26, this project pandas 3 and numpy 2: they cannot live together. What
it needs is installed once, beside other temporary files, from the package registry that pip is set to.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from itertools import filterfalse
from pathlib import Path
from xml.etree import ElementTree

import pytest

from orchestration.lib.focus_export import export_focus
from tests.real_data.conftest import BilledMonths

# The months of the sample organisation, of which the file is large enough for every column to be read as what it is.
SAMPLE_YEAR = 2026
# Without the older multimethod its own import fails.
PACKAGES = ("focus_validator==1.0.0", "multimethod<2")
# What no file can pass: the release lacks its list of currencies, and its rules of 1.0 still hold five of the names of 0.5.
IMPOSSIBLE = {
    "BillingCurrency_IsCurrencyCode",
    "InvoiceIssuer_Required",
    "Provider_Required",
    "Publisher_Required",
    "ResourceID_Required",
    "SkuPriceId_Nullable",
}


@pytest.fixture(scope="session")
def validator() -> Path:
    """The command `focus-validator`."""
    folder = Path(tempfile.gettempdir()) / f"finops-{PACKAGES[0].replace('==', '-')}"
    command, done = folder / "bin" / "focus-validator", folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        installed = subprocess.run(
            [str(folder / "bin" / "pip"), "install", "--quiet", *PACKAGES], capture_output=True, text=True, check=False
        )
        if installed.returncode:
            pytest.skip(f"the FOCUS validator cannot be installed: {installed.stderr.strip().splitlines()[-1]}")
        done.touch()
    return command


def failing(validator: Path, path: Path, folder: Path) -> set[str]:
    """The rules that a file fails, of those that it could hold."""
    report = folder / f"{path.stem}.xml"
    command = [str(validator), "--data-file", str(path), "--validate-version", "1.0"]
    subprocess.run(
        [*command, "--output-type", "unittest", "--output-destination", str(report)], capture_output=True, check=False
    )
    cases = ElementTree.parse(report).getroot().iter("testcase")  # noqa: S314
    failed = {case.attrib["name"].split(" :: ")[0] for case in cases if case.find("failure") is not None}
    assert failed >= IMPOSSIBLE
    return failed - IMPOSSIBLE


def is_guess(rule: str) -> bool:
    """Whether a rule is about types: pandas takes a column of a CSV whose values are all whole numbers for integers."""
    return rule.endswith(("_IsString", "_IsDecimal"))


def test_the_official_validator_finds_what_providers_left_out_and_nothing_else(
    billed: BilledMonths, validator: Path, tmp_path: Path
) -> None:
    found: dict[str, set[str]] = {}
    for month in billed.months:
        export = export_focus(billed.url, month, "1.0", "csv", tmp_path).path
        failed = failing(validator, export, tmp_path)
        found[f"{month:%Y-%m}"] = failed if month.year == SAMPLE_YEAR else set(filterfalse(is_guess, failed))
    as_delivered = {"ContractedCost_NotNull", "ChargeFrequency_Enum"}
    assert {month: rules for month, rules in found.items() if rules} == {
        "2023-01": {"ContractedCost_NotNull"},
        "2024-09": as_delivered,
        "2024-10": as_delivered,
    }
    sample = tmp_path / "focus-1.0-2026-10.csv"
    sample.write_text(sample.read_text().replace("Usage-Based", "Now and then"))
    assert failing(validator, sample, tmp_path) == {"ChargeFrequency_Enum"}
