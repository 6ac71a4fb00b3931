"""What goes wrong with a state's parameters."""


class DegenerateError(ValueError):
    """A state whose covariance is not positive definite, with the remedy."""
