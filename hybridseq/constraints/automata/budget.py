"""The most states an operation may make."""


class StateBudgetError(RuntimeError):
    """An operation needs more states than it was allowed.

    Parameters
    ----------
    states : int
        How many it had made, or knew that it needs, when it stopped.
    budget : int
        How many were allowed.
    operation : str
        What was being done.
    unit : str
        What was counted.
    """

    def __init__(self, states: int, budget: int, operation: str, unit: str = "states"):
        super().__init__(states, budget, operation, unit)
        self.states, self.budget, self.operation, self.unit = states, budget, operation, unit

    def __str__(self):
        return (
            f"{self.operation} needs at least {self.states} {self.unit}; at most {self.budget} are allowed. "
            "Raise the budget, or ask for less memory of the past"
        )


def spend(states: int, budget: int | None, operation: str):
    """Stop an operation that has made more states than its budget."""
    if budget is not None and states > budget:
        raise StateBudgetError(states, budget, operation)
