"""What all files of a delivery of a usage log share while they are read: rows, requests that were seen, notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from orchestration.lib.ai.records import Place, moment_of
from orchestration.lib.ai.roll_up import RollUp, Texts
from orchestration.lib.ai.seen import Seen
from orchestration.lib.errors import FinopsError

# A record may lie in the folder of the hour in which it was delivered, or be written by a clock that is off.
TOLERANCE = timedelta(days=1)
# Where providers begin to ask more for long prompts. What a request's prompt was cannot be told from an hour's sum.
_LONG_CONTEXT = 200_000
_TIMES_KEPT = 200_000
REPEATED = "requests that were delivered before are counted once"
OTHER_MONTH = "records of another month than their folder are shown in the month of their timestamp"


class Notes:
    """What a person should know about a delivery that was taken: each matter once, with how often and where first."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, Place] = {}

    def add(self, matter: str, place: Place) -> None:
        self._counts[matter] += 1
        self._first.setdefault(matter, place)

    def texts(self) -> tuple[str, ...]:
        return tuple(
            f"{matter}: {count:,}, first in {self._first[matter]}" for matter, count in sorted(self._counts.items())
        )


def _is_of(moment: datetime, month: date) -> bool:
    return (moment.year, moment.month) == (month.year, month.month)


class Log:
    """The records of one month (None: of any). `attributes`, `numbers`: columns of AI_USAGE, in the order of what is added."""

    def __init__(self, month: date | None, attributes: Sequence[str], numbers: Sequence[str]) -> None:
        self._month = month
        self.rows = RollUp(attributes, numbers)
        self._seen, self._notes = Seen(), Notes()
        self.note = self._notes.add
        self._hours: dict[str, datetime] = {}
        self.rest, self.notes = self.rows.rest, self._notes.texts

    def hour_of(self, text: object, field: str, place: Place) -> datetime:
        """The UTC hour of a time of the month, or near it. Raises FinopsError for another, and for what is none."""
        hour = self._known_hour(text) or self._hour(text, field, place)
        if self._month and not _is_of(hour, self._month):
            if not any(_is_of(moment, self._month) for moment in (hour - TOLERANCE, hour + TOLERANCE)):
                why = (
                    f"is more than a day outside {self._month:%Y-%m}, the month of its folder or name. "
                    "Put the file where its month is, or correct the clock that wrote it."
                )
                raise place.error(field, text, why)
            self.note(OTHER_MONTH, place)
        return hour

    def hours_within_month(self, texts: Sequence[object]) -> list[datetime] | None:
        """The hours of times; None where one of them has to be looked at by itself."""
        try:
            hours = [self._known_hour(text) or self._hour(text, "", Place("", 0)) for text in texts]
        except FinopsError:
            return None
        return hours if not self._month or all(_is_of(hour, self._month) for hour in hours) else None

    def _known_hour(self, text: object) -> datetime | None:
        return self._hours.get(text) if isinstance(text, str) else None

    def _hour(self, text: object, field: str, place: Place) -> datetime:
        hour = moment_of(text, field, place).replace(minute=0, second=0, microsecond=0)
        if len(self._hours) >= _TIMES_KEPT:
            self._hours.clear()
        self._hours[str(text)] = hour
        return hour

    def repeated(self, ids: Sequence[object], lines: Sequence[int], file: str) -> set[int]:
        """Positions of requests whose id was in this file or an earlier one of the delivery. Without an id none is."""
        told = [position for position, id_ in enumerate(ids) if id_ is not None and id_ != ""]
        again = {told[position] for position in self._seen.repeated([str(ids[position]) for position in told])}
        for position in sorted(again):
            self._notes.add(REPEATED, Place(file, lines[position]))
        return again

    def add_unknown(self, hour: datetime, attributes: Texts, counts: Mapping[str, int], place: Place) -> None:
        """Keep counts that the normal form does not know, and say so."""
        for name in counts:
            self._notes.add(f"{name} is not known: kept in unknown_usage, without a price", place)
        if counts:
            self.rows.add_unknown(hour, attributes, counts)

    @staticmethod
    def context_window(prompt_tokens: int) -> str:
        """The class of a request's prompt, in the words of the normal form."""
        return "0-200k" if prompt_tokens <= _LONG_CONTEXT else "200k-1M"
