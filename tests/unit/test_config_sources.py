"""Settings of sources that are APIs."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.lib.config import Config, load_config
from orchestration.lib.errors import FinopsError


def config_of(tmp_path: Path, source: str) -> Config:
    path = tmp_path / "finops-config.yaml"
    path.write_text(f"organization: {{name: Halden, first_billing_period: 2026-01}}\nsources: [{source}]\n")
    return load_config(path)


@pytest.mark.parametrize("format_name", ["openai", "anthropic"])
def test_an_api_needs_a_name_and_a_format(tmp_path: Path, format_name: str) -> None:
    config = config_of(tmp_path, f"{{name: ai, format: {format_name}}}")
    source = config.sources[0]
    assert (source.is_api, source.is_fetched, source.is_s3) == (True, True, False)
    assert config.location_of(source) == f"the API of {format_name}"


def test_pages_that_lie_somewhere_are_not_fetched(tmp_path: Path) -> None:
    source = config_of(
        tmp_path, "{name: ai, format: openai, location: 's3://bucket/pages', region: eu-west-1}"
    ).sources[0]
    assert (source.is_api, source.is_fetched, source.is_s3) == (True, False, True)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{name: a, format: cur}", "sources[0]: a source of the format cur needs a location: a folder or s3://"),
        (
            "{name: a, format: focus, location: b, refetch_days: 3}",
            "refetch_days: only for the formats openai, anthropic",
        ),
        ("{name: a, format: openai, refetch_days: 0}", "sources[0].refetch_days: found '0', must be greater than"),
        ("{name: a, format: openai, region: x}", "region belongs to a location that starts with s3://"),
        ("{name: a, format: openai, constants: {a: b}}", "constants: the pages of openai leave no column out"),
        ("{name: a, format: openai, location: b, api_key_env: KEY}", "api_key_env and refetch_days are of fetching"),
        (
            "{name: a, format: openai, endpoint_url: 'http://proxy.example.com'}",
            "endpoint_url must be https://, except",
        ),
        ("{name: a, format: openai, endpoint_url: 'http://127.0.0.1.example.com'}", "endpoint_url must be https://"),
        ("{name: a, format: openai, currencies: [usd]}", "currencies[0]: found 'usd', must be a currency code"),
    ],
)
def test_settings_that_do_not_belong_together_are_refused(tmp_path: Path, source: str, told: str) -> None:
    with pytest.raises(FinopsError) as caught:
        config_of(tmp_path, source)
    assert told in str(caught.value)


@pytest.mark.parametrize("written", ["sk-admin-2f7c91d4", "${PASTED}"])
def test_a_key_in_place_of_its_variable_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("PASTED", "sk-admin-2f7c91d4")
    with pytest.raises(FinopsError) as caught:
        config_of(tmp_path, f"{{name: a, format: openai, api_key_env: '{written}'}}")
    assert "api_key_env must be the name of an environment variable" in str(caught.value)
    assert "2f7c91d4" not in str(caught.value)
