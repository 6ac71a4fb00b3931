"""Training a recogniser, told pass by pass on standard error."""

import time

from rich.console import Console

#: Seconds of silence after which work before the first pass is told.
_PATIENCE = 5.0


class PassTable:
    """One row a pass: stage, pass, loss a frame, share of frames that realignment moved, seconds."""

    def __init__(self):
        self.console, self._headed = Console(stderr=True, highlight=False, markup=False, soft_wrap=True), False
        self._told = time.monotonic()

    def say(self, message: str) -> None:
        """A line."""
        self.console.print(message)
        self._told = time.monotonic()

    def preparing(self, what: str, done: int, total: int) -> None:
        """A line about what comes before the passes, where nothing was told for a while."""
        if time.monotonic() - self._told >= _PATIENCE:
            self.say(f"{what}: {done} of {total}")

    def __call__(self, progress) -> None:
        if not self._headed:
            heading = f"{'stage':<16}{'pass':>8}  {'loss':>9}  {'moved':>7}  {'seconds':>8}"
            self.console.print(heading, style="bold")
            self._headed = True
        moved = progress.notes.get("moved")
        shown = "" if moved is None else f"{moved:.1%}"
        place = f"{progress.epoch}/{progress.epochs}"
        self.console.print(
            f"{progress.stage:<16}{place:>8}  {progress.loss:>9.4f}  {shown:>7}  {progress.seconds:>8.1f}"
        )
