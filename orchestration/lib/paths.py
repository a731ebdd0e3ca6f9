"""Where things are: the project, and the state directory that holds everything that changes."""

import os
from pathlib import Path


def project_root() -> Path:
    """The directory with `dbt_project/`, `dagster.yaml` and `orchestration/`."""
    return Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    """Everything mutable is below this directory: `FINOPS_HOME`, or `.finops` in the project. Created when missing."""
    configured = os.environ.get("FINOPS_HOME")
    state = Path(configured).expanduser().absolute() if configured else project_root() / ".finops"
    state.mkdir(parents=True, exist_ok=True)
    return state


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


def dbt_dir() -> Path:
    """dbt's `target` and `logs`. Created when missing."""
    return _below_state("dbt")


def spool_dir() -> Path:
    """Files downloaded from S3 while they are loaded. Created when missing."""
    return _below_state("spool")


def config_file() -> Path | None:
    """The settings file named by `FINOPS_CONFIG`; None means the sample organisation."""
    configured = os.environ.get("FINOPS_CONFIG")
    return Path(configured).expanduser().absolute() if configured else None


def _below_state(name: str) -> Path:
    directory = state_dir() / name
    directory.mkdir(exist_ok=True)
    return directory
