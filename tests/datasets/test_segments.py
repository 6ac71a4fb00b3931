from itertools import groupby

import numpy as np
import pytest

from hybridseq import constraints as C
from hybridseq import datasets


def test_segments_last_and_neighbours_differ():
    X, y = datasets.make_activity_segments(200, random_state=0)
    assert all(x.shape == (len(labels), 3) and x.dtype == np.float32 for x, labels in zip(X, y))
    assert C.run(C.each, min=5).check_dataset(y).ok
    runs = [len(list(group)) for labels in y for _, group in groupby(labels)]
    assert np.mean(runs) == pytest.approx(9, abs=0.5) and min(runs) == 5
    assert {label for labels in y for label in labels} == {"sit", "stand", "walk", "run"}


def test_the_seed_decides():
    one, same, other = (datasets.make_activity_segments(3, random_state=seed) for seed in (1, 1, 2))
    assert one[1] == same[1] and all(np.array_equal(a, b) for a, b in zip(one[0], same[0]))
    assert one[1] != other[1]


def test_lengths_must_leave_room():
    with pytest.raises(ValueError, match="min_frames < mean_frames"):
        datasets.make_activity_segments(1, min_frames=9, mean_frames=9)
