"""How the cores are shared out between batches is found by trying."""

import pytest

from translation.shares import Measured, Share, measure, shares


@pytest.mark.parametrize(
    ("cores", "ways"),
    [
        (1, [(1, 1)]),
        (2, [(2, 1), (1, 2)]),
        (6, [(6, 1), (3, 2), (1, 6)]),
        (8, [(8, 1), (4, 2), (2, 4), (1, 8)]),
    ],
)
def test_all_ways_use_the_cores_there_are(cores: int, ways: list[tuple[int, int]]) -> None:
    assert list(shares(cores)) == ways


@pytest.mark.parametrize(
    ("speeds", "best"),
    [
        pytest.param({4: 100, 2: 90, 1: 40}, (4, 1), id="a core for each batch is fastest"),
        pytest.param({4: 100, 2: 109, 1: 40}, (4, 1), id="another is hardly faster"),
        pytest.param({4: 100, 2: 130, 1: 120}, (2, 2), id="another is clearly faster"),
        pytest.param({4: 100, 2: 130, 1: 150}, (1, 4), id="one batch on all cores is fastest"),
    ],
)
def test_the_fastest_is_used(speeds: dict[int, float], best: tuple[int, int]) -> None:
    assert measure(4, lambda share: speeds[share.workers]).best == best


def test_with_one_core_there_is_nothing_to_try() -> None:
    def never(_: Share) -> float:
        raise AssertionError

    assert str(measure(1, never)) == "1 batches at once, 1 cores each"


def test_what_was_seen_is_told() -> None:
    seen = Measured(Share(2, 1), {Share(2, 1): 113.2, Share(1, 2): 60.9})

    assert str(seen) == "2 batches at once, 1 cores each (texts/s: 2 × 1: 113, 1 × 2: 61)"
