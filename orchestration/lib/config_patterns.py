"""Regular expressions of the configuration: what PostgreSQL is given, and what is refused before it sees it."""

from __future__ import annotations

import re

LONGEST_PATTERN = 200
MOST_GROUPS = 9

_BRACKETS = re.compile(r"\[\^?\]?(?:\[:.*?:\]|\[\..*?\.\]|\[=.*?=\]|\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((\?(?::|=|!|<=|<!)?)?")

_LOOKING_OR_ANY_CASE = re.compile(r"\(\?(?!:)")
_TOKEN = re.compile(
    r"(?:\((?:\?:)?|\)|(?P<literal>\\[^\w\s]|[^\\\[\].^$*+?{}()|])|"
    + _BRACKETS.pattern
    + r"|\\.|.)(?P<times>(?:[*+?]|\{[^}]*\})?)",
    re.DOTALL,
)


def count_groups(pattern: str) -> int:
    r"""How many groups a pattern captures. Raises ValueError for what this project does not hand to PostgreSQL.

    Back-references are refused: they alone can make its engine take for ever. So are the prefixes that turn the text
    into another kind of expression, save (?i).

    >>> count_groups(r"(?i)^(prod|test)-(?:[(]|\()(?=(x))(\w+)$")
    2
    """
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"is longer than {LONGEST_PATTERN} characters")
    if pattern.startswith("***"):
        raise ValueError("must not begin with ***")
    position = len("(?i)") if pattern.startswith("(?i)") else 0
    count, looking, inside = 0, 0, list[bool]()
    while position < len(pattern):
        step = 1
        if pattern[position] == "\\":
            _check_escape(pattern[position + 1 : position + 2])
            step = 2
        elif pattern[position] == "[":
            brackets = _BRACKETS.match(pattern, position)
            if brackets is None:
                raise ValueError("has a [ without its ]")
            step = len(brackets[0])
        elif group := _GROUP.match(pattern, position):
            if group[1] == "?":
                raise ValueError("may use (?i) at its beginning, and (?:…), (?=…), (?!…), (?<=…), (?<!…); no other (?")
            # What is in parentheses inside a look-around captures nothing.
            inside.append(group[1] is not None and group[1] != "?:")
            looking += inside[-1]
            count += group[1] is None and not looking
            step = len(group[0])
        elif pattern[position] == ")":
            if not inside:
                raise ValueError("has a ) without its (")
            looking -= inside.pop()
        position += step
    if inside:
        raise ValueError("has a ( without its )")
    return count


def like_pattern(pattern: str) -> str:
    r"""A pattern for LIKE that everything the regular expression matches also matches, as narrow as is easy to say.

    LIKE is many times as fast, and few names have the text of one convention in them.

    >>> like_pattern(r"^arn:aws:[a-z]+/(team_7)-([a-z]+\.x)s?-(prod|test)(ab)*$")
    '%arn:aws:%/team\\_7-%.x%-%'
    """
    # An escaped parenthesis may be taken for a real one here, which only makes the answer wider.
    if _LOOKING_OR_ANY_CASE.search(pattern):
        return "%"
    texts, outside, has_choice = [""], list[list[str]](), [False]
    for token in _TOKEN.finditer(pattern):
        if token[0].startswith("("):
            outside.append([*texts])
            has_choice.append(False)
        elif token[0].startswith(")"):
            # What may be left out, or be another text, need not be in a match.
            before = outside.pop()
            if has_choice.pop() or token["times"]:
                texts = [*before, ""]
        elif token[0].startswith("|"):  # braces that are no count may follow, as text
            has_choice[-1] = True
        elif token["literal"] and not token["times"]:
            texts[-1] += re.sub(r"([%_\\])", r"\\\1", token["literal"][-1])
        else:
            texts.append("")
    return "%" if has_choice[0] else "%".join(["", *filter(None, texts), ""])


def _check_escape(character: str) -> None:
    if not character:
        raise ValueError("ends with a single \\")
    if character in "123456789":
        raise ValueError(f"refers back to a group with \\{character}, which patterns must not")


def check_template(template: str, groups: int) -> None:
    r"""Raise ValueError where a text with `\1` for the first captured group cannot be filled from that many groups."""
    for found in re.finditer(r"\\(.?)", template, re.DOTALL):
        if found[1] not in tuple("123456789"):
            raise ValueError("has a \\ that is not followed by the number of a group, 1 to 9")
        if int(found[1]) > groups:
            raise ValueError(f"has {found[0]}, but the patterns of its rule capture {groups} groups")
