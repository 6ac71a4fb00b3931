"""When L-BFGS stops: CRFsuite's two rules."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Stopping:
    """Stop where the objective has hardly fallen over some iterations, or the gradient is small beside the weights.

    Parameters
    ----------
    delta : float
        Stop where (f of ``period`` iterations ago − f) / f is below.
    period : int
        Iterations looked back.
    epsilon : float
        Stop where ‖gradient‖ / max(1, ‖weights‖) is below.
    """

    delta: float = 1e-5
    period: int = 10
    epsilon: float = 1e-5
    values: list = field(default_factory=list)

    def __call__(self, value, weights, gradient) -> str | None:
        """Why to stop after an iteration that came to ``value``, or None."""
        self.values.append(value)
        if np.linalg.norm(gradient) < self.epsilon * max(1.0, np.linalg.norm(weights)):
            return "the gradient is near zero"
        if self.period and len(self.values) > self.period:
            past = self.values[-1 - self.period]
            if past - value < self.delta * abs(value):
                return f"the objective has hardly fallen over {self.period} iterations"
        return None
