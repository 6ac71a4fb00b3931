"""Recordings of an appliance at work, and what the electricity meter says of each."""

import numpy as np

#: What the appliance may be doing, and what it draws then, in watts.
POWER = {"off": 0.0, "standby": 3.5, "wash": 180.5, "heat": 2050.0}

# Sound, vibration, warmth of the hose: off and standby are alike, washing and heating are too.
_MEANS = {
    "off": (0.0, 0.0, 0.0),
    "standby": (0.4, 0.0, 0.2),
    "wash": (1.2, 1.4, 0.5),
    "heat": (0.9, 0.9, 1.1),
}
# The least and most minutes of each. A programme washes and heats in turn.
_MINUTES = {"off": (5, 20), "standby": (3, 15), "wash": (8, 20), "heat": (4, 16)}


def make_appliance_days(
    n_recordings: int,
    *,
    cycles: tuple[int, int] = (1, 3),
    noise: float = 0.8,
    drift: float = 0.5,
    meter_error: float = 5.0,
    random_state: int | None = None,
):
    """Recordings of a washing machine, labelled minute by minute, each with the energy that the meter counted.

    Parameters
    ----------
    n_recordings : int
        How many.
    cycles : (int, int)
        The fewest and the most times that a programme heats.
    noise : float
        Standard deviation of a minute around its state's mean; the means are about 0.5 to 2 apart.
    drift : float
        Standard deviation of each sensor's offset, which stays the same throughout a recording.
    meter_error : float
        The most by which the meter is wrong, in watt-hours, uniformly distributed.
    random_state : int, optional
        The seed; the same one gives the same recordings.

    Returns
    -------
    X : list of (T, 3) float32 arrays
        Minutes of three noisy measurements.
    y : list of lists of str
        ``"off"``, ``"standby"``, ``"wash"`` or ``"heat"`` for each minute.
    energy : (n_recordings,) array
        Watt-hours, as the meter tells them: the true sum of ``POWER / 60`` within ``meter_error``.

    Raises
    ------
    ValueError
        Where ``cycles`` are no range of at least one, or another number is negative.
    """
    if not 1 <= cycles[0] <= cycles[1]:
        raise ValueError(f"cycles must be (least, most) with 1 <= least <= most; got {cycles}")
    if min(noise, drift, meter_error) < 0:
        raise ValueError(f"noise, drift and meter_error must be at least 0; got {noise}, {drift} and {meter_error}")
    random = np.random.default_rng(random_state)
    X, y, energy = [], [], []
    for _ in range(n_recordings):
        states = ["off", "standby"]
        for _ in range(int(random.integers(cycles[0], cycles[1] + 1))):
            states += ["wash", "heat"]
        states += ["wash", "standby", "off"]
        labels = [state for state in states for _ in range(int(random.integers(*_MINUTES[state], endpoint=True)))]
        means = np.array([_MEANS[label] for label in labels])
        offset = drift * random.standard_normal(means.shape[1])
        X.append((means + offset + noise * random.standard_normal(means.shape)).astype(np.float32))
        y.append(labels)
        used = sum(POWER[label] for label in labels) / 60
        energy.append(used + random.uniform(-meter_error, meter_error))
    return X, y, np.array(energy)
