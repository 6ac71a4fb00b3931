from itertools import groupby

import numpy as np
import pytest

from hybridseq import constraints as C
from hybridseq import datasets


def _used(labels):
    return sum(datasets.POWER[label] for label in labels) / 60


def test_the_meter_tells_the_sum_within_its_error():
    X, y, energy = datasets.make_appliance_days(100, meter_error=5, random_state=0)
    assert all(x.shape == (len(labels), 3) and x.dtype == np.float32 for x, labels in zip(X, y))
    wrong = np.array([_used(labels) for labels in y]) - energy
    assert 4 < np.abs(wrong).max() <= 5 and abs(wrong.mean()) < 1
    _, y, energy = datasets.make_appliance_days(5, meter_error=0, random_state=0)
    assert energy == pytest.approx([_used(labels) for labels in y])


def test_states_last_and_come_in_order():
    _, y, _ = datasets.make_appliance_days(100, cycles=(1, 3), random_state=0)
    rule = C.run("off", min=5) & C.run("standby", min=3) & C.run("wash", min=8, max=20) & C.run("heat", min=4, max=16)
    assert rule.check_dataset(y).ok
    order = {tuple(state for state, _ in groupby(labels)) for labels in y}
    begin, end = ("off", "standby"), ("wash", "standby", "off")
    assert order == {begin + ("wash", "heat") * cycles + end for cycles in (1, 2, 3)}


def test_the_drift_is_the_recordings_own():
    X, _, _ = datasets.make_appliance_days(1, noise=0, drift=0.5, random_state=0)
    flat, _, _ = datasets.make_appliance_days(1, noise=0, drift=0, random_state=0)
    offset = X[0] - flat[0]
    assert np.allclose(offset, offset[0]) and np.abs(offset[0]).min() > 0


def test_the_seed_decides():
    one, same, other = (datasets.make_appliance_days(3, random_state=seed) for seed in (1, 1, 2))
    assert one[1] == same[1] and all(np.array_equal(a, b) for a, b in zip(one[0], same[0]))
    assert np.array_equal(one[2], same[2]) and one[1] != other[1]


@pytest.mark.parametrize("wrong", [{"cycles": (0, 2)}, {"cycles": (3, 2)}, {"noise": -1}, {"drift": -1}])
def test_refuses(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        datasets.make_appliance_days(1, **wrong)
