"""Read a YAML file into plain texts, lists and mappings that remember the line each came from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from orchestration.lib.errors import FinopsError

Location = tuple[str | int, ...]
"""Where a value is in the document: keys and list positions from the top, such as ("sources", 1, "format")."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_PLAIN_TAG = re.compile(r"tag:yaml\.org,2002:\w+")
_SHOWN_PROBLEMS = 50


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a document: its line (0 where unknown), its path, and what to do about it."""

    line: int
    path: str
    text: str


@dataclass
class Document:
    """A parsed file.

    `data`: the values. A scalar is a text, so that 0123 stays the account id it is, or None where nothing is written.
    `lines`: the line of each value.
    `written`: the scalars as the file has them, before variables are put in: what may be shown.
    """

    path: Path
    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)
    written: dict[Location, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def report(self, location: Location, text: str) -> None:
        """Note a problem at a location, or at its nearest parent that the file has."""
        nearest = next((location[:end] for end in range(len(location), 0, -1) if location[:end] in self.lines), ())
        self.problems.append(Problem(self.lines.get(nearest, 0), path_text(location), text))

    def shown(self, location: Location) -> str:
        """The scalar at a location as the file has it, cut if long."""
        written = self.written.get(location, "")
        return repr(written if len(written) <= 60 else f"{written[:60]}…")

    def raise_problems(self) -> None:
        """Raise FinopsError that lists every problem noted so far, in the order of the file."""
        if not self.problems:
            return
        listed = sorted(set(self.problems))
        lines = [f"{self.path} cannot be used: {len(listed)} problem{'s' if len(listed) > 1 else ''}."]
        for problem in listed[:_SHOWN_PROBLEMS]:
            where = f"line {problem.line}" if problem.line else "file"
            lines.append(f"  {where}: {problem.path + ': ' if problem.path else ''}{problem.text}")
        if len(listed) > _SHOWN_PROBLEMS:
            lines.append(f"  … and {len(listed) - _SHOWN_PROBLEMS} more.")
        raise FinopsError("\n".join(lines))


def path_text(location: Location) -> str:
    """A location as people write it.

    >>> path_text(("sources", 1, "format"))
    'sources[1].format'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def nearest(word: str, words: list[str]) -> str:
    """A ` Did you mean …?` for the allowed word that is closest, or nothing."""
    folded = {_fold(candidate): candidate for candidate in reversed(words)}
    close = get_close_matches(_fold(word), folded, n=1, cutoff=0.6)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""


def _fold(word: str) -> str:
    return re.sub(r"[-_ ]", "", word.lower())


def read_document(path: Path, environment: Mapping[str, str] = os.environ) -> Document:
    """Read a file and put the environment's variables in place of `${NAME}`.

    Problems of the content (a key given twice, a missing variable) are noted in the document. Raises FinopsError for a
    file that cannot be read, is not UTF-8, or is no YAML mapping.
    """
    document = Document(path)
    root = _compose(path, _text(path))
    if not isinstance(root, yaml.MappingNode):
        raise FinopsError(f"{path}: is empty or no mapping. Start from config/finops-config.yaml.example.")
    document.data = _Reader(document, environment).value(root, (), ())
    return document


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FinopsError(f"{path}: cannot be read: {error.strerror}.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FinopsError(f"{path}: line {line}: is not UTF-8 text. Save the file with the encoding UTF-8.") from error


def _compose(path: Path, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "file"
        why = " ".join(part for part in (error.context, error.problem) if part)
        raise FinopsError(f"{path}: {where}: is not valid YAML: {why}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = getattr(error, "reason", "nested too deep" if isinstance(error, RecursionError) else "unreadable")
        raise FinopsError(f"{path}: is not valid YAML: {reason}.") from error


class _Reader:
    """Turns YAML nodes into values, noting lines and problems on the way."""

    def __init__(self, document: Document, environment: Mapping[str, str]) -> None:
        self._document = document
        self._environment = environment

    def value(self, node: yaml.Node, location: Location, parents: tuple[yaml.Node, ...]) -> Any:
        self._document.lines.setdefault(location, node.start_mark.line + 1)
        if any(node is parent for parent in parents):
            self._document.report(location, "refers to itself.")
            return None
        if not _PLAIN_TAG.fullmatch(node.tag):
            self._document.report(location, f"has the YAML tag {node.tag}. Write the value without it.")
            return None
        below = (*parents, node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*location, index), below) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location, below)
        return self._scalar(node, location)

    def _mapping(self, node: yaml.MappingNode, location: Location, parents: tuple[yaml.Node, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._document.report(location, f"the key on line {line} is no plain text.")
                continue
            key = str(key_node.value)
            below = (*location, key)
            if key in values:
                text = f"is given twice, first on line {self._document.lines[below]}."
                self._document.problems.append(Problem(line, path_text(below), text))
                continue
            self._document.lines[below] = line
            values[key] = self.value(value_node, below, parents)
        return values

    def _scalar(self, node: yaml.Node, location: Location) -> str | None:
        if node.tag == "tag:yaml.org,2002:null":
            return None
        written = str(node.value)
        self._document.written[location] = written
        text = _REFERENCE.sub(lambda match: self._variable(match[1], location), written)
        if _UNSTORABLE.search(text):
            self._document.report(location, "holds a character that cannot be stored: NUL or half of a surrogate pair.")
        return text

    def _variable(self, name: str, location: Location) -> str:
        if not _VARIABLE.fullmatch(name):
            self._document.report(location, f"${{{name}}} names no environment variable. Write ${{NAME}}.")
        elif name not in self._environment:
            self._document.report(location, f"the environment variable {name} is not set.")
        return self._environment.get(name, "")
