"""The command `finops`."""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import click

from orchestration.cli_ai import ai
from orchestration.cli_alerts import alerts
from orchestration.cli_anomalies import anomalies
from orchestration.cli_audit import audit
from orchestration.cli_close import close, reopen
from orchestration.cli_explain import explain
from orchestration.cli_export import export
from orchestration.cli_options import CONFIG_OPTION
from orchestration.cli_recommendations import recommendations
from orchestration.cli_rules import rules
from orchestration.cli_tags import tags
from orchestration.lib import paths, postgres
from orchestration.lib.errors import FinopsError

LOOPBACK = "127.0.0.1"
UI_PORTS = range(3000, 3100)
# `dagster dev` recommends a program that wants another layout, and Dagster calls what we use of it young.
KNOWN_WARNINGS = (
    "Function `dev_command`",
    "Parameter `backfill_policy`",
    "Function `Definitions.map_resolved_asset_specs`",
)


class _Group(click.Group):
    """Shows the errors that people are meant to read as one red text, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FinopsError as error:
            click.secho(f"error: {error}", fg="red", err=True)
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="finops-platform")
def main() -> None:
    """Cloud and AI bills in, a chargeback that finance can sign out.

    Example: finops run --config config/finops-config.yaml
    """


for command in (ai, alerts, anomalies, audit, close, reopen, export, recommendations, rules, explain, tags):
    main.add_command(command)


@main.command()
@CONFIG_OPTION
def run(config: Path | None) -> None:
    """Take in what is new, build the marts, check them and write the report.

    Example: finops run --config config/finops-config.yaml
    """
    from rich.console import Console

    from orchestration.lib.run import run_all

    run_all(config, Console(file=sys.stdout))


@main.command()
@CONFIG_OPTION
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the web interface. Default: 3000, or the next free."
)
def ui(config: Path | None, port: int | None) -> None:
    """Serve Dagster's web interface and run its daemon, on this machine only, until Ctrl-C.

    Example: finops ui --port 3001
    """
    from orchestration.lib.config import load_config
    from orchestration.lib.settings import sample_config_file

    chosen = next((candidate for candidate in ([port] if port else UI_PORTS) if _is_free(candidate)), None)
    if chosen is None:
        raise FinopsError(f"port {port or '3000 to 3099'} is taken: choose another with --port")
    chosen_config = config.absolute() if config else paths.config_file()
    # One clear error here, in place of an interface that has nothing to show.
    load_config(chosen_config or sample_config_file())
    postgres.ensure_running()
    home = paths.dagster_dir()
    shutil.copyfile(paths.project_root() / "dagster.yaml", home / "dagster.yaml")
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "FINOPS_HOME": str(paths.state_dir()),
        "FINOPS_CONFIG": str(chosen_config or ""),
        # dagster-dbt looks for dbt there.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONWARNINGS": ",".join(f"ignore:{beginning}" for beginning in KNOWN_WARNINGS),
    }
    workspace = paths.project_root() / "workspace.yaml"
    command = ["-m", "dagster", "dev", "--host", LOOPBACK, "--port", str(chosen), "--workspace", str(workspace)]
    click.echo(f"The web interface comes up at http://{LOOPBACK}:{chosen} in less than a minute. Ctrl-C stops it.")
    sys.stdout.flush()
    # Started in the background, a shell has us ignore interrupts, which is how Dagster's processes end each other.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Dagster warns when it is started beside a dagster.yaml that is not the one of its home.
    os.chdir(home)
    os.execve(sys.executable, [sys.executable, *command, "--log-level", "warning"], environment)


@main.group()
def db() -> None:
    """The PostgreSQL of the warehouse: the embedded server, or the one of FINOPS_DATABASE_URL.

    Example: finops db start
    """


@db.command()
def start() -> None:
    """Start the embedded server, and create its databases where they are missing.

    Example: finops db start
    """
    postgres.ensure_running()
    status = postgres.status()
    where = f"data in {status.directory}" if status.directory else "external"
    click.echo(f"PostgreSQL {status.version} runs at {status.url} ({where})")


@db.command()
@click.option("--delete-data", is_flag=True, help="Delete the server with the whole warehouse, for good.")
def stop(delete_data: bool) -> None:
    """Stop the embedded server. An external one is left alone.

    Example: finops db stop
    """
    if delete_data:
        postgres.remove()
        click.echo("PostgreSQL is stopped and its data deleted")
    elif postgres.is_external():
        click.echo(f"{postgres.URL_VARIABLE} names a server of its own; it is left alone")
    else:
        click.echo("PostgreSQL is stopped" if postgres.stop() else "PostgreSQL did not run")


@db.command()
@click.option("--show-password", is_flag=True, help="Print the password in the URL instead of ***.")
def url(show_password: bool) -> None:
    """Print the URL of the warehouse, as BI tools want it.

    Example: finops db url --show-password
    """
    full = postgres.database_url()
    click.echo(full if show_password else postgres.masked(full))
    if not show_password and not postgres.is_external():
        click.echo(f"The password is in {paths.postgres_dir() / 'password'}", err=True)


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql on the warehouse; further arguments are psql's. Starts the embedded server if need be.

    Example: finops db psql -c 'select team, sum(billed_cost) from finops.chargeback_reports group by 1'
    """
    url_without_password, password = postgres.split_password(postgres.ensure_running())
    program = str(postgres.psql_program())
    environment = {**os.environ, "PGPASSWORD": password} if password else dict(os.environ)
    os.execve(program, [program, url_without_password, *arguments], environment)


@main.command()
def doctor() -> None:
    """Check what this installation needs, and say what to do about each problem.

    Example: finops doctor
    """
    from rich.console import Console
    from rich.table import Table

    from orchestration.lib.doctor import examine

    findings = examine()
    table = Table("", "subject", "found", "what to do")
    for finding in findings:
        mark = "[red]problem" if finding.is_problem else "[green]ok"
        table.add_row(mark, finding.subject, finding.found, finding.advice)
    Console().print(table)
    if any(finding.is_problem for finding in findings):
        sys.exit(1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
