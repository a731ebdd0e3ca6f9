"""The command line: help with examples, errors as one line, and no password where nobody asked for it."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.lib import doctor, postgres
from orchestration.lib.doctor import Finding
from orchestration.lib.errors import FinopsError

SECRET_URL = "postgresql://me:very-secret@127.0.0.1:1/bills"


def commands() -> list[tuple[str, ...]]:
    """Every command with its parents: ("db", "start")."""
    found: list[tuple[str, ...]] = []
    for name, command in cli.main.commands.items():
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.commands]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli.main, [*command, "--help"])
    assert result.exit_code == 0
    assert re.search(rf"Example: finops {command[0]}\b", result.output)


def test_help_comes_without_loading_anything_heavy() -> None:
    script = "import sys; from orchestration import cli; print({'dagster', 'pandas', 'dbt'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout == "set()\n"


def test_an_error_is_one_line_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.URL_VARIABLE, SECRET_URL)
    result = CliRunner().invoke(cli.main, ["db", "start"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no connection to postgresql://me:***@127.0.0.1:1/bills")
    assert len(result.stderr.splitlines()) == 1
    assert "very-secret" not in result.output


def test_url_shows_the_password_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.URL_VARIABLE, SECRET_URL)
    assert CliRunner().invoke(cli.main, ["db", "url"]).output == "postgresql://me:***@127.0.0.1:1/bills\n"
    assert CliRunner().invoke(cli.main, ["db", "url", "--show-password"]).output == f"{SECRET_URL}\n"


def test_url_says_where_the_password_of_the_embedded_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(postgres.URL_VARIABLE, raising=False)
    monkeypatch.setattr(postgres, "database_url", lambda: SECRET_URL)
    result = CliRunner().invoke(cli.main, ["db", "url"])
    assert "very-secret" not in result.output
    assert re.search(r"The password is in .*/postgres/password", result.stderr)


def test_psql_gets_the_password_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(postgres, "ensure_running", lambda: SECRET_URL)
    monkeypatch.setattr(os, "execve", lambda _, arguments, environment: called.append((arguments, environment)))
    result = CliRunner().invoke(cli.main, ["db", "psql", "-c", "select 1", "--csv"])
    assert result.exit_code == 0
    arguments, environment = called[0]
    assert arguments[1:] == ["postgresql://me@127.0.0.1:1/bills", "-c", "select 1", "--csv"]
    assert environment["PGPASSWORD"] == "very-secret"


def test_stop_leaves_an_external_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.URL_VARIABLE, SECRET_URL)
    result = CliRunner().invoke(cli.main, ["db", "stop"])
    assert (result.exit_code, "left alone" in result.output) == (0, True)


def test_run_refuses_a_settings_file_that_is_not_there() -> None:
    result = CliRunner().invoke(cli.main, ["run", "--config", "no-such-file.yaml"])
    assert result.exit_code == 2
    assert "no-such-file.yaml" in result.output


def test_doctor_tells_all_problems_at_once_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> Finding:
        raise FinopsError("no such thing\nget one")

    checks = {"fine": lambda subject: Finding(subject, "as it should be"), "broken": broken, "also broken": broken}
    monkeypatch.setattr(doctor, "CHECKS", checks)
    result = CliRunner().invoke(cli.main, ["doctor"])
    assert result.exit_code == 1
    assert result.output.count("get one") == 2
    assert "as it should be" in result.output


def test_doctor_finds_this_installation_in_order_or_says_what_to_do() -> None:
    findings = {finding.subject: finding for finding in doctor.examine()}
    assert set(findings) == set(doctor.CHECKS)
    assert not findings["Python"].is_problem
    assert not findings["dbt"].is_problem
    assert not findings["configuration"].is_problem


def test_doctor_reports_an_unreachable_database_and_an_invalid_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "finops-config.yaml"
    config.write_text("organisation: {}\n")
    monkeypatch.setenv("FINOPS_CONFIG", str(config))
    monkeypatch.setenv(postgres.URL_VARIABLE, SECRET_URL)
    findings = {finding.subject: finding for finding in doctor.examine()}
    assert "127.0.0.1:1/bills" in findings["PostgreSQL"].found
    assert findings["PostgreSQL"].is_problem
    assert str(config) in findings["configuration"].found
    assert findings["configuration"].is_problem


def test_ui_refuses_a_taken_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = CliRunner().invoke(cli.main, ["ui", "--port", str(port)])
    assert (result.exit_code, f"port {port} is taken" in result.stderr) == (1, True)


def test_ui_refuses_settings_that_it_could_not_show(tmp_path: Path) -> None:
    config = tmp_path / "finops-config.yaml"
    config.write_text("organisation: {}\n")
    result = CliRunner().invoke(cli.main, ["ui", "--config", str(config)])
    assert result.exit_code == 1
    assert f"{config} cannot be used" in result.stderr


def test_doctor_names_a_key_that_an_api_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "finops-config.yaml"
    config.write_text(
        "organization: {name: Halden, first_billing_period: 2026-01}\nsources: [{name: ai, format: openai}]\n"
    )
    monkeypatch.setenv("FINOPS_CONFIG", str(config))
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    finding = {finding.subject: finding for finding in doctor.examine()}["configuration"]
    assert finding.found == f"{config}: without OPENAI_ADMIN_KEY of ai in the environment"
    assert finding.is_problem
