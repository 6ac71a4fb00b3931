"""Recordings in segments: noisy frames, each segment with a label and at least so many frames."""

import numpy as np

#: What the segments of a made-up movement sensor show.
ACTIVITIES = "sit", "stand", "walk", "run"


def make_activity_segments(
    n_recordings: int,
    *,
    min_frames: int = 5,
    mean_frames: float = 9.0,
    segments: tuple[int, int] = (4, 9),
    noise: float = 1.4,
    random_state: int | None = None,
):
    """Recordings of a movement sensor, labelled frame by frame.

    Parameters
    ----------
    n_recordings : int
        How many.
    min_frames : int
        The shortest segment: nobody sits for a tenth of a second.
    mean_frames : float
        The mean length of a segment; lengths are ``min_frames`` plus a geometric number.
    segments : (int, int)
        The fewest and the most segments of a recording.
    noise : float
        Standard deviation of a frame around its activity's mean; the means are about 1 to 2 apart.
    random_state : int, optional
        The seed; the same one gives the same recordings.

    Returns
    -------
    X : list of (T, 3) float32 arrays
        Frames of three noisy measurements.
    y : list of lists of str
        ``"sit"``, ``"stand"``, ``"walk"`` or ``"run"`` for each frame. Neighbouring segments differ.

    Raises
    ------
    ValueError
        Where ``mean_frames`` is not above ``min_frames``.
    """
    if not 1 <= min_frames < mean_frames:
        raise ValueError(f"need 1 <= min_frames < mean_frames; got {min_frames} and {mean_frames}")
    random = np.random.default_rng(random_state)
    # Sitting and standing are alike, walking and running are too: single frames tell little.
    means = np.array([[0.0, 0.0, 0.0], [0.0, 1.1, 0.0], [1.4, 1.1, 0.9], [1.8, 0.4, 2.0]])
    X, y = [], []
    for _ in range(n_recordings):
        states = [int(random.integers(4))]
        for _ in range(int(random.integers(segments[0], segments[1] + 1)) - 1):
            states.append(int((states[-1] + random.integers(1, 4)) % 4))
        lengths = min_frames + random.geometric(1 / (mean_frames - min_frames + 1), len(states)) - 1
        frames = np.repeat(states, lengths)
        X.append((means[frames] + noise * random.standard_normal((len(frames), 3))).astype(np.float32))
        y.append([ACTIVITIES[state] for state in frames])
    return X, y
