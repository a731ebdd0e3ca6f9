"""A request that was seen is known again, however many there are."""

import pytest

from orchestration.lib.ai.seen import Seen


@pytest.mark.parametrize("run_size", [4, 64, 1 << 22])
def test_what_was_seen_is_found_again(run_size: int) -> None:
    seen = Seen(run_size)
    for begin in range(0, 1000, 10):
        assert seen.repeated([str(number) for number in range(begin, begin + 10)]) == []
    assert seen.repeated(["7", "1000", "1001", "1000", "999"]) == [0, 3, 4]
    assert seen.repeated(["1000", "x"]) == [0]
    assert seen.repeated([]) == []
