"""The progress table of training that is no skorch net's, on standard error."""

from rich.console import Console

#: What a column shows, by the name of the history's entry: heading, width, format.
COLUMNS = {
    "stage": ("stage", 13, "s"),
    "epoch": ("epoch", 5, "d"),
    "loss": ("loss", 9, ".4f"),
    "critic_loss": ("D loss", 9, ".4f"),
    "generator_loss": ("G loss", 9, ".4f"),
    "critic_accuracy": ("D right", 7, ".1%"),
    "spread": ("spread", 8, ".4f"),
    "score": ("held-out", 12, ".4f"),
    "seconds": ("seconds", 8, ".1f"),
}


class EpochTable:
    """One row an epoch of the history, and a mark at the best score so far.

    Parameters
    ----------
    *names : str
        Which columns of ``COLUMNS``; D is the critic, G the generator. What a row lacks stays empty.
    metric : str
        What the held-out score is called.
    """

    def __init__(self, *names: str, metric: str = "held-out"):
        self._names = names
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._metric, self._headed, self._best = metric, False, {}

    def __call__(self, row: dict) -> None:
        """Show a row of the history."""
        if not self._headed:
            titles = {name: COLUMNS[name][0] for name in self._names} | {"score": self._metric}
            self._console.print("  ".join(f"{titles[n]:>{COLUMNS[n][1]}}" for n in self._names), style="bold")
            self._headed = True
        cells = []
        for name in self._names:
            _, width, form = COLUMNS[name]
            shown = "" if row.get(name) is None else format(row[name], form)
            cells.append(f"{shown:>{width}}")
        stage, score = row.get("stage"), row.get("score")
        if score is not None and score > self._best.get(stage, float("-inf")):
            self._best[stage] = score
            cells.append("best")
        self._console.print("  ".join(cells).rstrip())
