"""Progress of training on standard error: a line that moves on a terminal, a line now and then elsewhere."""

import time

from rich.console import Console

#: Seconds between two lines where standard error is no terminal.
_EVERY = 5.0


class Report:
    """Tell how training goes.

    Parameters
    ----------
    unit : str
        What is counted: "iteration" or "pass".
    total : int
        How many there are at most.
    verbose : int
        0 is silent.
    """

    def __init__(self, unit, total, verbose=1):
        self.unit, self.total, self.verbose = unit, total, verbose
        self.console = Console(stderr=True, highlight=False) if verbose else None
        self.began = self.shown = time.monotonic()
        self.live = None

    def __enter__(self):
        if self.verbose and self.console.is_terminal:
            self.live = self.console.status("")
            self.live.start()
        return self

    def __exit__(self, *error):
        if self.live is not None:
            self.live.stop()

    def elapsed(self) -> float:
        """Seconds since training began."""
        return time.monotonic() - self.began

    def line(self, count, **figures):
        """Show how far training is, and its figures by name."""
        if not self.verbose:
            return
        shown = "  ".join(f"{name.replace('_', ' ')} {value:,.6g}" for name, value in figures.items())
        text = f"{self.unit} {count} of at most {self.total}  {shown}  {self.elapsed():.1f} s"
        if self.live is not None:
            self.live.update(text)
        elif time.monotonic() - self.shown > _EVERY:
            self.shown = time.monotonic()
            self.console.print(text, soft_wrap=True)

    def last(self, text):
        """Say how training ended."""
        if self.verbose:
            self.console.print(f"{text}  ({self.elapsed():.1f} s)", soft_wrap=True)
