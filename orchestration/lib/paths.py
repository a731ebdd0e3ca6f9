"""Where things are: the project, and the state directory that holds everything that changes."""

import os
from pathlib import Path

from orchestration.lib.errors import FinopsError


def project_root() -> Path:
    """The directory with `dbt_project/`, `dagster.yaml` and `orchestration/`."""
    return Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    """Everything mutable is below this directory: `FINOPS_HOME`, or `.finops` in the project. Created when missing.

    Raises:
        FinopsError: it cannot be made.
    """
    configured = os.environ.get("FINOPS_HOME")
    state = Path(configured).expanduser().absolute() if configured else project_root() / ".finops"
    return _made(state)


def postgres_dir() -> Path:
    """Embedded PostgreSQL: data, log, port and password. Created when missing."""
    return _below_state("postgres")


def dagster_dir() -> Path:
    """What Dagster keeps in files: compute logs and artifacts. Its records are in PostgreSQL. Created when missing."""
    return _below_state("dagster")


def sample_dir() -> Path:
    """Deliveries of the sample organisation. Created when missing."""
    return _below_state("sample")


def reports_dir() -> Path:
    """Published reports. Created when missing."""
    return _below_state("reports")


def exports_dir() -> Path:
    """Files that were exported for other programs. Created when missing."""
    return _below_state("exports")


def dbt_dir() -> Path:
    """dbt's `target` and `logs`. Created when missing."""
    return _below_state("dbt")


def spool_dir() -> Path:
    """Files downloaded from S3 while they are loaded. Created when missing."""
    return _below_state("spool")


def landing_dir(source_name: str) -> Path:
    """Pages that were fetched from the API of a source. Created when missing, closed to others: they name people."""
    landing = _below_state("landing")
    landing.chmod(0o700)
    return _made(landing / source_name)


def config_file() -> Path | None:
    """The settings file: `FINOPS_CONFIG`, else `config/finops-config.yaml` where there is one.

    None means the sample organisation, which an empty `FINOPS_CONFIG` asks for too.
    """
    configured = os.environ.get("FINOPS_CONFIG")
    if configured is not None:
        return Path(configured).expanduser().absolute() if configured else None
    usual = project_root() / "config" / "finops-config.yaml"
    return usual if usual.exists() else None


def _below_state(name: str) -> Path:
    return _made(state_dir() / name)


def _made(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FinopsError(
            f"the directory {directory} cannot be made ({error.strerror}): give this user the right to, "
            f"or set FINOPS_HOME to another directory"
        ) from None
    return directory
