"""Which configuration is in force: the user's, or that of the sample organisation."""

from __future__ import annotations

from pathlib import Path

from orchestration.lib import paths
from orchestration.lib.config import Config, load_config


def active_config() -> Config:
    """The configuration named by FINOPS_CONFIG; without, the sample organisation, which is made on first use.

    Raises FinopsError for a configuration that is not valid.
    """
    return load_config(paths.config_file() or sample_config_file())


def sample_config_file() -> Path:
    """The sample organisation's configuration, with its deliveries beside it."""
    from orchestration.sample.generator import generate

    out = paths.sample_dir() / "organization"
    config = out / "finops-config.yaml"
    if not config.exists():
        generate(out)
    return config
