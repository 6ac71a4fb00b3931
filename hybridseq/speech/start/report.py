"""What training did, round by round."""

from dataclasses import dataclass, field

from hybridseq.speech.graph.units import Units


@dataclass(frozen=True)
class Round:
    """One iteration of training.

    Attributes
    ----------
    iteration : int
        From 1.
    log_likelihood : float
        Nats a frame of the iteration's model: of the best paths, or of all where training is "baum_welch".
    moved : float
        Share of the frames that changed their column; None without realignment.
    num_gaussians : int
    split : bool
        Whether Gaussians were split just before: the log-likelihood may then fall.
    """

    iteration: int
    log_likelihood: float
    moved: float | None
    num_gaussians: int
    split: bool


@dataclass(frozen=True)
class TrainingReport:
    """What training did.

    Attributes
    ----------
    rounds : tuple of Round
    problems : tuple of (str, str)
        The id of each utterance that was left out, and why.
    units : Units
        With trained probabilities of staying, where those were trained; None without units.
    unseen : tuple of int
        Columns without a frame: they have the mean and variance of all frames.
    seconds : float
    interrupted : bool
        Whether training was stopped by KeyboardInterrupt.
    """

    rounds: tuple
    problems: tuple = ()
    units: Units | None = field(default=None, repr=False)
    unseen: tuple = ()
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def log_likelihood(self):
        """Nats a frame in the end; NaN where no iteration was completed."""
        return self.rounds[-1].log_likelihood if self.rounds else float("nan")

    @property
    def left_out(self):
        """The ids of the utterances that were left out."""
        return tuple(name for name, _ in self.problems)

    def __str__(self):
        lines = [f"{'round':>5}  {'log-likelihood':>14}  {'moved':>7}  {'Gaussians':>9}"]
        for r in self.rounds:
            moved = "" if r.moved is None else f"{r.moved:.2%}"
            lines.append(f"{r.iteration:>5}  {r.log_likelihood:>14.4f}  {moved:>7}  {r.num_gaussians:>9}")
        lines.append(f"{len(self.problems)} utterances left out, {self.seconds:.1f} s")
        return "\n".join(lines)
