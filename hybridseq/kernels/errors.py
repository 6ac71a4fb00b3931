"""Errors that name a place in the batch, so that a structure that moved the tokens can say where they came from."""


class InvalidScore(ValueError):
    """A score is NaN or +inf. ``place`` (row, position, label) in the emissions; None: a parameter."""

    def __init__(self, place, value, name="emissions"):
        self.place, self.value = place, value
        if place is None:
            super().__init__(f"{name} must be finite or -inf (impossible); got {value}.")
        else:
            row, position, label = place
            super().__init__(
                f"emissions[{row}, {position}, {label}] is {value}: scores must be finite or -inf (impossible). Look "
                "for an overflow or a division by zero in the encoder."
            )

    def moved(self, position):
        """The same error at another position of the row."""
        return InvalidScore((self.place[0], position, self.place[2]), self.value)


class InvalidLabel(ValueError):
    """A label is outside 0 … K-1. ``place`` (row, position)."""

    def __init__(self, place, value, count):
        self.place, self.value, self.count = place, value, count
        row, position = place
        super().__init__(
            f"labels[{row}, {position}] is {value}; expected 0 to {count - 1}. Tokens without a label belong outside "
            "the mask (nn.CRF's mask=) or beyond the row's length."
        )

    def moved(self, position):
        """The same error at another position of the row."""
        return InvalidLabel((self.place[0], position), self.value, self.count)
