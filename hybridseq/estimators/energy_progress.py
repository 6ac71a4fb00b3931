"""Training of a multi-label model, told epoch by epoch on standard error."""

from rich.console import Console


class EpochTable:
    """One row an epoch: stage, the losses of both players, held-out F1, seconds."""

    def __init__(self):
        self.console, self._headed = Console(stderr=True, highlight=False, markup=False, soft_wrap=True), False

    def __call__(self, stage: str, row: dict) -> None:
        if not self._headed:
            heading = (
                f"{'stage':<14}{'epoch':>6}  {'loss of F':>10}  {'loss of G':>10}  {'held-out F1':>11}  {'seconds':>7}"
            )
            self.console.print(heading, style="bold")
            self._headed = True
        alone = row.get("loss")
        critic, generator = row.get("critic_loss"), row.get("generator_loss")
        if alone is not None:
            critic, generator = (None, alone) if stage == "cross_entropy" else (alone, None)
        losses = "".join(f"  {'' if loss is None else format(loss, '.4f'):>10}" for loss in (critic, generator))
        score = "" if row.get("score") is None else f"{row['score']:.4f}"
        self.console.print(f"{stage:<14}{row['epoch']:>6}{losses}  {score:>11}  {row['seconds']:>7.1f}")
