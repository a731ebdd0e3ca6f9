"""What holds of every delivery that is refused."""

from collections.abc import Callable

from tests.support.feed import Feed
from tests.support.lines import MONTH, csv_bytes, cur, focus

Deliver = Callable[[Feed], object]


def assert_refused(feed: Feed, deliver: Deliver, *parts: str, load: Callable[[Feed], str] = Feed.refuse_one) -> str:
    """Deliver a good month, then a bad one, then a better one; returns the error.

    The bad one is refused with every one of `parts` in the error, the ledger holds the same text, nothing of it stays
    behind, the former delivery is as it was, and the better one is taken in.
    """
    deliver_good(feed, "1.25", "2.50")
    feed.load_one()
    before = feed.content(), feed.days()
    assert len(before[0]) == 2

    feed.clear()
    deliver(feed)
    error = load(feed)
    for part in parts:
        assert part in error, f"{part!r} is not in: {error}"
    assert feed.ledger()[-1] == ("rejected", error)
    assert feed.leftovers() == []
    assert (feed.content(), feed.days()) == before

    feed.clear()
    deliver_good(feed, "7")
    assert feed.load_one().changed
    assert feed.lines(f"{feed.format.billed}::text") == [("7",)]
    assert feed.leftovers() == []
    assert feed.ledger()[-1] == ("loaded", None)
    return error


def deliver_good(feed: Feed, *costs: str) -> None:
    """A good delivery of the month with a line of each cost."""
    if feed.format.name == "focus":
        lines = [focus(BilledCost=cost) for cost in costs]
    else:
        lines = [cur(line_item_unblended_cost=cost) for cost in costs]
    feed.deliver(f"{MONTH}/good.csv", csv_bytes(*lines))
