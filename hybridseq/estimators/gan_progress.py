"""The progress table of two players, on standard error."""

from rich.console import Console

_COLUMNS = {
    "epoch": ("epoch", 5, "d"),
    "critic_loss": ("D loss", 8, ".3f"),
    "generator_loss": ("G loss", 8, ".3f"),
    "critic_accuracy": ("D right", 8, ".1%"),
    "spread": ("spread", 8, ".4f"),
    "seconds": ("seconds", 8, ".1f"),
}


class TwoPlayersTable:
    """One row an epoch: the losses of both players, how often the critic is right, the spread over z, the time."""

    def __init__(self):
        self.console = Console(stderr=True, highlight=False)
        heads = "  ".join(f"{title:>{width}}" for title, width, _ in _COLUMNS.values())
        self.console.print(f"[bold]{heads}[/bold]")

    def __call__(self, row):
        cells = []
        for name, (_, width, form) in _COLUMNS.items():
            shown = format(row[name], form) if row.get(name) is not None else ""
            cells.append(f"{shown:>{width}}")
        self.console.print("  ".join(cells).rstrip())
