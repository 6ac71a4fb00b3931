"""Learning-rate schedules, as factors of the first rate over the fraction of training done."""

import math


def warm_cosine(done: float, warm: float = 0.05) -> float:
    """Rise linearly over the first ``warm`` of training, then fall to 0 along half a cosine."""
    if done < warm:
        return (done + 1e-3) / (warm + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * min(1, (done - warm) / (1 - warm))))


def warm_linear(done: float, warm: float = 0.05) -> float:
    """Rise linearly, then fall linearly to 0."""
    return (done + 1e-3) / (warm + 1e-3) if done < warm else max(0.0, (1 - done) / (1 - warm))


def warm_constant(done: float, warm: float = 0.05) -> float:
    """Rise linearly, then stay."""
    return min(1.0, (done + 1e-3) / (warm + 1e-3))


#: name -> factor of the learning rate at a fraction of the steps.
SCHEDULES = {"cosine": warm_cosine, "linear": warm_linear, "constant": warm_constant}
