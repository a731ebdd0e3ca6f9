"""Match the header of a delivered file to the columns of its format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Column, Format, squash


@dataclass(frozen=True)
class Layout:
    """Where each column of a format is found in a file.

    `direct`: header -> column. `folded`: map column name -> {header: key in the map}. `ignored`: headers of no known column.
    `constants`: column -> the value the configuration declares for a column that the file does not have.
    """

    direct: dict[str, Column]
    folded: dict[str, dict[str, str]]
    ignored: tuple[str, ...]
    constants: dict[Column, str]

    @property
    def headers(self) -> list[str]:
        """The headers that are read."""
        return [*self.direct, *(header for keys in self.folded.values() for header in keys)]


def match_header(format_: Format, headers: Sequence[str], constants: Mapping[str, str | None], *, file: str) -> Layout:
    """Match headers to columns, whatever their case and punctuation.

    Raises FinopsError for a header that occurs twice, and for a column that the format needs and neither file nor
    configuration has.
    """
    twice = [header for header, count in Counter(headers).items() if count > 1]
    if twice:
        raise FinopsError(
            f"{file}: the header has the column {twice[0]!r} twice. Remove one of them and deliver again."
        )
    direct: dict[str, Column] = {}
    folded: dict[str, dict[str, str]] = {}
    ignored: list[str] = []
    for header in headers:
        column = format_.by_header.get(squash(header))
        if column is not None:
            same = next((other for other, found in direct.items() if found is column), None)
            if same is not None:
                raise FinopsError(
                    f"{file}: the columns {same!r} and {header!r} are both {column.name}. Remove one of them."
                )
            direct[header] = column
        elif (target := _folded_key(format_, header)) is not None:
            folded.setdefault(target[0], {})[header] = target[1]
        else:
            ignored.append(header)
    found = {column.name for column in direct.values()}
    declared = _constants(format_, constants, found)
    found |= {column.name for column in declared}
    unknown = {squash_name(format_, name) for name, value in constants.items() if value is None}
    found |= unknown - {column.name for column in format_.columns if column.filled}
    missing = [column.name for column in format_.columns if column.needed and column.name not in found]
    missing += [" or ".join(group) for group in format_.one_of if not found.intersection(group)]
    if missing:
        raise FinopsError(
            f"{file}: no column for {', '.join(missing)}. A {format_.name} delivery must have it; if your provider leaves it "
            f"out, declare its value under `constants` of the source in the configuration. The header has: {_few(headers)}."
        )
    return Layout(direct, folded, tuple(ignored), declared)


def squash_name(format_: Format, name: str) -> str:
    """The column that a name in the configuration means. Raises FinopsError for a name the format does not have."""
    column = format_.by_header.get(squash(name))
    if column is None:
        raise FinopsError(f"constants: {name!r} is no column of the format {format_.name}.")
    return column.name


def _constants(format_: Format, constants: Mapping[str, str | None], found: set[str]) -> dict[Column, str]:
    declared = {}
    for name, value in constants.items():
        column = format_.by_header[squash(squash_name(format_, name))]
        if value is not None and column.name not in found:
            declared[column] = value
    return declared


def _folded_key(format_: Format, header: str) -> tuple[str, str] | None:
    """(map column, key) of a header such as `resourceTags/user:team` or `product_region`."""
    for prefix, column in format_.folded:
        pattern = "_?".join(map(re.escape, prefix.split("_"))) + r"[/_](.+)"
        match = re.fullmatch(pattern, header, flags=re.IGNORECASE)
        if match:
            key = match[1]
            # Product attributes have one spelling in CUR 2.0; tag and cost category names are the users' own.
            return column, _snake(key) if column == "product" else key
    return None


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _few(headers: Sequence[str]) -> str:
    shown = ", ".join(headers[:8])
    return f"{shown}, … ({len(headers)} columns)" if len(headers) > 8 else shown or "nothing"
