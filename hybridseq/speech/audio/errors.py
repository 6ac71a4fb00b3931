"""The error of audio that cannot be used."""


class AudioError(ValueError):
    """Audio that cannot be used: what was got, what was expected, and the remedy.

    ``kind`` names what is wrong in a word or two joined by "_": "missing", "unreadable", "empty", "channels", "rate",
    "segment" or "not_finite".
    """

    def __init__(self, message: str, kind: str = ""):
        super().__init__(message)
        self.kind = kind

    def __reduce__(self):
        return type(self), (*self.args, self.kind)
