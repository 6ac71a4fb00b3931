"""What goes wrong with constraints."""


class ConstraintError(ValueError):
    """A constraint that cannot be made, or that does not fit the labels it is compiled for."""


class InfeasibleError(ConstraintError):
    """Nothing satisfies the constraint: no sequence at all, none of this length, or none beside an example's own masks.

    Attributes
    ----------
    example : int or None
        Which example of those given.
    position : int or None
        The first position that no label can take, whatever stands before.
    alive : tuple of str
        The labels that were still possible at the position before it.
    parts : tuple of str
        A smallest set of parts of the constraint that exclude one another.
    lengths : tuple of int
        Lengths near the example's that are possible.
    """

    def __init__(self, message, *, example=None, position=None, alive=(), parts=(), lengths=()):
        super().__init__(message)
        self.example, self.position = example, position
        self.alive, self.parts, self.lengths = tuple(alive), tuple(parts), tuple(lengths)

    def among(self, what: str) -> "InfeasibleError":
        """The same error, which says among what its example is."""
        return _rebuild(f"among {what}: {self}", self._fields())

    def _fields(self):
        return {name: getattr(self, name) for name in ("example", "position", "alive", "parts", "lengths")}

    def __reduce__(self):
        return _rebuild, (str(self), self._fields())


def _rebuild(message, fields):
    return InfeasibleError(message, **fields)
