"""Regular expressions over label names."""


class PatternError(ValueError):
    """A pattern that cannot be read."""


class Pattern:
    """A pattern."""


def parse(pattern: str):
    raise NotImplementedError
