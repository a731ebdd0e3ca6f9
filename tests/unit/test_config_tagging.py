"""Tag policy and virtual tag rules in the configuration file: what is taken, and how what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.lib.config_patterns import LONGEST_PATTERN, count_groups
from tests.unit.test_config import MINIMUM, load, problems

TEAMS = "teams: [{name: Search, cost_center: 1, aliases: [find]}]\n"


def test_rules_keep_the_order_of_their_patterns_and_know_their_groups(tmp_path: Path) -> None:
    text = r"""virtual_tags:
  rules:
    - name: clusters
      match: {tag:squad: ^(a)(?:b), resource_id: (c)|(d), "service_name": ' e '}
      set: {team: \3, project: x-\1}
      valid_to: 2026-02-01
    - {name: clusters, match: {resource_id: x}, set: {team: FIND }, valid_from: 2026-02-01}
"""
    rules = load(tmp_path, MINIMUM + TEAMS + text).sections()["virtual_tags"]["rules"]
    assert rules[0]["match"] == [
        {"field": "tag:squad", "pattern": "^(a)(?:b)", "group_count": 1, "like_pattern": "%ab%"},
        {"field": "resource_id", "pattern": "(c)|(d)", "group_count": 2, "like_pattern": "%"},
        # Spaces are a part of a pattern.
        {"field": "service_name", "pattern": " e ", "group_count": 0, "like_pattern": "% e %"},
    ]
    assert rules[0]["set"] == {"team": "\\3", "project": "x-\\1"}
    assert rules[1]["set"] == {"team": "FIND"}


def test_further_keys_come_after_those_of_owners(tmp_path: Path) -> None:
    text = "tag_policy: {keys: {data class: {required: true, case: lower}, team: , project: {pattern: ^p}}}"
    keys = load(tmp_path, MINIMUM + text).sections()["tag_policy"]["keys"]
    assert list(keys) == ["team", "cost_center", "project", "environment", "data class"]
    assert keys["data class"] == {"aliases": [], "required": True, "case": "lower", "exceptions": []}
    assert keys["project"]["pattern"] == "^p"


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        ("a", 0),
        ("(a)(b(c))", 3),
        ("(?i)(a)", 1),
        (r"\(a\)", 0),
        ("[(]", 0),
        ("[]()]", 0),
        ("[^]()](x)", 1),
        ("[[:alpha:](](x)", 1),
        (r"[\]](y)", 1),
        ("(?:a(b))", 1),
        # Inside a look-around nothing is captured.
        ("(?=a(b))(c)", 1),
        ("(?<!a((b)))(c)", 1),
        (r"\0", 0),
    ],
)
def test_groups_are_counted_as_postgresql_does(pattern: str, groups: int) -> None:
    assert count_groups(pattern) == groups


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"(a)\1", r"refers back to a group with \1"),
        (r"(a)[b]\9", r"refers back to a group with \9"),
        ("a\\", "ends with a single \\"),
        ("(a", "has a ( without its )"),
        ("a)", "has a ) without its ("),
        ("[a", "has a [ without its ]"),
        ("***=a", "must not begin with ***"),
        ("(?x)a", "no other (?"),
        ("(?P<n>a)", "no other (?"),
        ("a(?i)", "no other (?"),
        ("a" * (LONGEST_PATTERN + 1), f"is longer than {LONGEST_PATTERN} characters"),
    ],
)
def test_patterns_that_are_not_handed_to_postgresql_are_named(tmp_path: Path, pattern: str, expected: str) -> None:
    text = f"virtual_tags:\n  rules:\n    - name: r\n      match: {{resource_id: '{pattern}'}}\n      set: {{team: Search}}\n"
    message = problems(tmp_path, MINIMUM + TEAMS + text)
    assert "line 8: virtual_tags.rules[0].match.resource_id: found " in message
    assert expected in message


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "{name: r, match: {resource_id: x}, set: {team: Serch}}",
            "rules[0].set.team: 'Serch' of the rule 'r' is none of the teams. Did you mean 'Search'?",
        ),
        (
            "{name: r, match: {resource: x}, set: {team: find}}",
            "rules[0].match: 'resource' is no field. Did you mean 'resource_id'? Allowed: resource_id,",
        ),
        ("{name: r, match: {'tag:': x}, set: {team: find}}", "'tag:' is no field."),
        ("{name: r, match: {}, set: {team: find}}", "rules[0].match: "),
        (
            "{name: r, match: {resource_id: x}, set: {}}",
            "the rule 'r' sets nothing. Give `set` one of team, cost_center,",
        ),
        (
            "{name: r, match: {resource_id: (x)}, set: {project: a\\2}}",
            "in the rule 'r', set.project has \\2, but the patterns of its rule capture 1 groups.",
        ),
        (
            "{name: r, match: {resource_id: x}, set: {project: a\\b}}",
            "in the rule 'r', set.project has a \\ that is not followed by",
        ),
        ("{name: r, match: {resource_id: ()()()()()()()()()()}, set: {project: a}}", "captures 10 groups, at most 9"),
        ("{name: r, match: {resource_id: x}, set: {owner: a}}", "rules[0].set.owner: is no key here."),
        (
            "{name: r, match: {resource_id: x}, set: {project: a}}, {name: R , match: {resource_id: y}, set: {project: a}}",
            "rules[1].name: the rule 'R' is also virtual_tags.rules[0] on some of the same days.",
        ),
    ],
)
def test_rules_that_cannot_be_are_named(tmp_path: Path, rule: str, expected: str) -> None:
    assert expected in problems(tmp_path, f"{MINIMUM}{TEAMS}virtual_tags: {{rules: [{rule}]}}\n")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            "{teem: {aliases: [x]}}",
            "nor one of team, cost_center, project, environment. Did you mean 'team'?",
        ),
        (
            "{team: {requird: true}}",
            "tag_policy.keys.team.requird: is no key here. Did you mean 'required'? Allowed: valid_from,",
        ),
        ("{team: {required: perhaps}}", "tag_policy.keys.team.required: found 'perhaps', must be true or false."),
        ("{team: {case: Lower}}", "tag_policy.keys.team.case: found 'Lower', allowed: any, exact, lower, upper."),
        ("{team: {case: lower}}", "tag_policy.keys.team: is not checked: give it required, values or a pattern."),
        ("{team: {values: [a], pattern: b}}", "tag_policy.keys.team: may have values or a pattern, not both."),
        ("{team: {pattern: '(a'}}", "tag_policy.keys.team.pattern: found '(a', has a ( without its )."),
        ("{Cost-Center: {required: true}}", "tag_policy.keys.Cost-Center: 'Cost-Center' already means cost_center"),
        ("{data: {required: true}, Data: {required: true}}", "'Data' already means data"),
        ("{data: {required: true}, team: {aliases: [DATA]}}", "'DATA' already means data"),
        (
            "{team: {required: true, exceptions: [{owner: a@b.c, valid_to: 2026-02-01}]}}",
            "exceptions[0]: needs at least one of sub_account_ids,",
        ),
        (
            "{team: {required: true, exceptions: [{owner: a@b.c, resource_ids: [x]}]}}",
            "exceptions[0].valid_to: is missing.",
        ),
        (
            "{team: {required: true, exceptions: [{resource_ids: [x], valid_to: 2026-02-01}]}}",
            "exceptions[0].owner: is missing.",
        ),
        (
            "{team: {required: true, valid_from: 2026-02-01, valid_to: 2026-02-01}}",
            "valid_to must be later than valid_from",
        ),
    ],
)
def test_policies_that_cannot_be_are_named(tmp_path: Path, keys: str, expected: str) -> None:
    assert expected in problems(tmp_path, f"{MINIMUM}{TEAMS}tag_policy: {{keys: {keys}}}\n")
