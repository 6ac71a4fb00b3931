"""The progress of two players on standard error."""

from rich.console import Console


class TwoPlayerProgress:
    """One row an epoch: the losses of critic and generator, the critic's accuracy, the held-out score, seconds.

    Parameters
    ----------
    metric : str
        What the held-out score is called.
    """

    def __init__(self, metric: str = "held-out"):
        self._console = Console(stderr=True, highlight=False)
        self._best = float("-inf")
        heads = f"{'epoch':>5}  {'D loss':>9}  {'G loss':>9}  {'D right':>7}  {metric:>12}  {'seconds':>8}"
        self._console.print(f"[bold]{heads}[/bold]")

    def __call__(self, row: dict) -> None:
        """Show a row of the history."""
        score = row.get("score")
        shown, mark = "", ""
        if score is not None:
            shown = f"{score:.4f}"
            mark = "[green]best[/green]" if score > self._best else ""
            self._best = max(self._best, score)
        cells = [_number(row.get(name), form) for name, form in _COLUMNS]
        line = f"{row['epoch']:>5}  {'  '.join(cells)}  {shown:>12}  {row['seconds']:>8.1f}  {mark}"
        self._console.print(line.rstrip())


_COLUMNS = ("critic_loss", "9.4f"), ("generator_loss", "9.4f"), ("critic_accuracy", "7.1%")


def _number(value, form):
    width = int(form.split(".")[0])
    return " " * width if value is None else f"{value:{form}}"
