import numpy as np
import pytest

from hybridseq.training.hmm.topology import left_to_right, reachable


def test_left_to_right_goes_on_or_stays():
    assert left_to_right(3).astype(int).tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert left_to_right(3, skip=1).astype(int).tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize(("states", "skip"), [(0, 0), (2, -1)])
def test_left_to_right_refuses(states, skip):
    with pytest.raises(ValueError, match="left_to_right needs"):
        left_to_right(states, skip)


def test_reachable_states():
    start = np.array([True, False, False])
    for steps, expected in [(0, [1, 0, 0]), (1, [1, 1, 0]), (2, [1, 1, 1]), (90, [1, 1, 1])]:
        assert reachable(start, left_to_right(3), steps).astype(int).tolist() == expected
    ring = np.roll(np.eye(3, dtype=bool), 1, axis=1)
    assert reachable(start, ring, 100).astype(int).tolist() == [0, 1, 0]
