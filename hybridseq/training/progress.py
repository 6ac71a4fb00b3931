"""The progress table on standard error."""

import math
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from skorch.callbacks import Callback


class ProgressTable(Callback):
    """One row an epoch: time, loss, held-out score, and a mark at the best so far; a bar while an epoch runs.

    Parameters
    ----------
    metric : str
        What the held-out score is called.
    """

    def __init__(self, metric: str = "held-out F1"):
        self.metric = metric

    def on_train_begin(self, net, **kwargs):
        self.console_ = Console(stderr=True, highlight=False)
        self.console_.print(f"[bold]{'epoch':>5}  {'loss':>9}  {self.metric:>12}  {'seconds':>8}[/bold]")

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.bar_ = None
        if not self.console_.is_terminal:
            return
        self.bar_ = Progress(
            TextColumn(f"{len(net.history):>5}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            console=self.console_,
            transient=True,
            auto_refresh=False,
        )
        self.task_ = self.bar_.add_task("", total=math.ceil(len(dataset_train) / net.batch_size))
        self.shown_ = time.monotonic()
        self.bar_.start()

    def on_batch_end(self, net, training=False, **kwargs):
        if not training or self.bar_ is None:
            return
        self.bar_.advance(self.task_)
        if time.monotonic() - self.shown_ > 0.2:
            self.bar_.refresh()
            self.shown_ = time.monotonic()

    def on_epoch_end(self, net, **kwargs):
        self._close()
        row = net.history[-1]
        score = row.get("valid_score")
        shown = "" if score is None else f"{score:.4f}"
        mark = "[green]best[/green]" if row.get("valid_score_best") else ""
        self.console_.print(
            f"{row['epoch']:>5}  {row['train_loss']:>9.4f}  {shown:>12}  {row['dur']:>8.1f}  {mark}".rstrip()
        )

    def on_train_end(self, net, **kwargs):
        self._close()

    def _close(self):
        if getattr(self, "bar_", None) is not None:
            self.bar_.stop()
            self.bar_ = None

    def __getstate__(self):
        return {"metric": self.metric}
