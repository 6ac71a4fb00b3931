"""The error that names the place in the data."""


class DataError(ValueError):
    """Text data that cannot be used, with the place and the remedy.

    Parameters
    ----------
    message : str
        What was got, what was expected, and how to mend it.
    source : str, optional
        The file's name.
    line : int, optional
        The line, counted from 1.
    """

    def __init__(self, message: str, source: str | None = None, line: int | None = None):
        place = ", ".join([*([source] if source else []), *([f"line {line}"] if line else [])])
        super().__init__(f"{place}: {message}" if place else message)
        self.message, self.source, self.line = message, source, line

    def __reduce__(self):
        return type(self), (self.message, self.source, self.line)
