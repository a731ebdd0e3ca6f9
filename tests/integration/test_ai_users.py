"""Users are pseudonyms; their names are kept where that is asked for, apart, and erased for good."""

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.lib.ai.pseudonyms import KEY_VARIABLE, key_id, names_seen, pseudonym
from orchestration.lib.config_models import Config
from orchestration.lib.config_privacy import Privacy
from tests.support.feed import Feed
from tests.support.usage_logs import FOLDER, KEY, bedrock, log_object, usage

JANE = "jane@example.com"


@pytest.fixture
def logs(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """A source of logs in a database of its own."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    names_seen()
    feed = Feed(database, tmp_path / "logs", "bedrock_logs", name="bedrock")
    feed.deliver(f"{FOLDER}/04/05/part.json.gz", log_object(bedrock()))
    return feed


def keep_names(feed: Feed) -> None:
    feed.config = Config(
        organization=feed.config.organization, sources=feed.config.sources, privacy=Privacy(keep_user_names=True)
    )


def test_a_pseudonym_depends_on_the_key_and_on_the_person_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "one")
    first, id_ = pseudonym(JANE), key_id()
    assert first == pseudonym(" Jane@Example.com ") != pseudonym("joe")
    assert pseudonym("joe") != pseudonym("Joe"), "only addresses are the same in any case"
    assert "jane" not in str(first)
    monkeypatch.setenv(KEY_VARIABLE, "two")
    assert pseudonym(JANE) not in (first, None)
    assert key_id() != id_
    monkeypatch.delenv(KEY_VARIABLE)
    assert pseudonym(JANE) is None
    assert pseudonym("") is None


def test_no_name_is_kept_unless_asked_for(logs: Feed) -> None:
    logs.load_one()
    assert logs.rows("select 1 from pg_namespace where nspname = 'personal'") == []


def test_names_are_apart_listed_and_forgotten(logs: Feed, finops_home: Path) -> None:
    keep_names(logs)
    logs.load_one()
    ((user_id,),) = usage(logs, "a.user_id")
    assert logs.rows("select user_id, user_name from personal.ai_users") == [(user_id, JANE)]
    with psycopg.connect(logs.url) as connection:
        # Roles are of the whole server: this one is gone with the transaction.
        connection.execute("create role bi_reader")
        connection.execute("set role bi_reader")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from personal.ai_users")
        connection.rollback()

    runner = CliRunner()
    assert runner.invoke(main, ["ai", "users"]).output == f"{user_id}  {JANE}\n"
    assert user_id in runner.invoke(main, ["ai", "forget", JANE]).output
    assert runner.invoke(main, ["ai", "users"]).output == ""
    assert runner.invoke(main, ["ai", "forget", JANE]).exit_code == 1
    assert [row[:2] for row in logs.rows("select action, subject, details from audit.events order by id")] == [
        ("read_names", "ai_users"),
        ("forget", user_id),
        ("read_names", "ai_users"),
    ]
    assert JANE not in str(logs.rows("select * from audit.events"))

    # The name comes again with the next delivery, and is not kept again.
    logs.deliver(f"{FOLDER}/04/05/more.json.gz", log_object(bedrock("r2")))
    logs.load_one()
    assert logs.rows("select * from personal.ai_users") == []
    assert usage(logs, "a.user_id", "l.request_count") == [(user_id, 2)]
