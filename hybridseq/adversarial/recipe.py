"""How the two players are trained."""

from dataclasses import dataclass, fields
from numbers import Integral, Real

from hybridseq.adversarial.gan_losses import GAN_LOSSES
from hybridseq.adversarial.objectives import CONTRASTS
from hybridseq.nn.names import choose
from hybridseq.training.schedule import SCHEDULES

#: What the players may play for.
OBJECTIVES = {**CONTRASTS, **GAN_LOSSES, "nce_ranking": None}

_COUNTS = {"critic_steps": 1, "generator_steps": 1, "epochs": 1, "draws": 1, "search_sweeps": 0}


@dataclass(frozen=True)
class TwoPlayers:
    """How a generator and a critic are trained; each stabiliser is a field.

    Attributes
    ----------
    objective : str
        ``"margin_rescaled"``, ``"slack_rescaled"``, ``"contrastive"``, ``"perceptron"`` (see ``objectives``);
        ``"non_saturating"``, ``"hinge"``, ``"least_squares"``, ``"wasserstein"`` (see ``gan_losses``); or
        ``"nce_ranking"``, where the critic tells gold outputs from draws of the generator's distribution.
    cost_weight : float
        What Δ is multiplied by.
    truncate_critic, truncate_generator : bool
        Whether a contrast counts as its hinge max(0, value), for each player.
    plain_weight : float
        With two heads: the weight of the plain head's answer, without cost, in the critic's loss.
    score_weight : float
        The weight of F's part in the generator's loss; 0 leaves the anchor alone, the baseline "cross-entropy only".
    dropout_in_answers : bool
        Whether the critic learns against the generator's answers as it trains, with dropout, or as it is used.
    search_sweeps : int
        Sweeps of single changes (:func:`~hybridseq.inference.icm`) that raise the generator's plain answer before a
        contrast lowers it in the critic, so that F is not left high where the generator does not look. Labels and bits.
    critic_steps, generator_steps : int
        Steps of each player a batch.
    critic_rate : float or None
        Adam's learning rate; None: the critic stays as it is, and the generator learns to search it.
    generator_rate : float
    betas : (float, float)
        Adam's.
    weight_decay : float
    schedule : {"constant", "cosine", "linear"}
        Of both learning rates, over all epochs.
    anchor, anchor_end : float
        The weight of the generator's own loss beside gold outputs (cross-entropy, or squared error for pixels), at the
        first epoch and at the last; in between along a line.
    entropy_bonus : float
        Above 0 the generator is rewarded for the entropy of its answers, below 0 punished; nats a place.
    gradient_penalty : float
        Weight of the squared norm of ∂F/∂y at gold outputs, or of (norm − 1)² between gold outputs and answers.
    penalty_at : {"gold", "between"}
        :cite:p:`mescheder2018` or :cite:p:`gulrajani2017`.
    mismatch : float
        The share of what a GAN's critic is to reject that is gold outputs beside another input, so that F must look at
        x; 0 to 1. With a contrast, the weight of another contrast term of theirs.
    averaging : float
        Predict with a moving average of the generator's weights, of this decay a step; 0 switches it off.
    draws : int
        Of ``"nce_ranking"``.
    clip_norm : float or None
        Gradients of a larger norm are scaled down to it.
    epochs : int
    """

    objective: str = "margin_rescaled"
    cost_weight: float = 1.0
    truncate_critic: bool = True
    truncate_generator: bool = False
    plain_weight: float = 1.0
    score_weight: float = 1.0
    dropout_in_answers: bool = True
    search_sweeps: int = 0
    critic_steps: int = 1
    generator_steps: int = 1
    critic_rate: float | None = 1e-3
    generator_rate: float = 1e-3
    betas: tuple = (0.9, 0.999)
    weight_decay: float = 0.0
    schedule: str = "constant"
    anchor: float = 1.0
    anchor_end: float = 0.0
    entropy_bonus: float = 0.0
    gradient_penalty: float = 0.0
    penalty_at: str = "gold"
    mismatch: float = 0.0
    averaging: float = 0.0
    draws: int = 10
    clip_norm: float | None = 5.0
    epochs: int = 20

    def __post_init__(self):
        choose("objective", self.objective, OBJECTIVES)
        choose("schedule", self.schedule, SCHEDULES)
        choose("penalty_at", self.penalty_at, {"gold": True, "between": True})
        for name, least in _COUNTS.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name} must be a whole number, at least {least}; got {value!r}")
        below_one = "averaging", "mismatch"
        free = "entropy_bonus", "objective", "schedule", "penalty_at", "betas"
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if name in free or isinstance(value, bool) or (value is None and name in ("critic_rate", "clip_norm")):
                continue
            if not isinstance(value, Real) or not value >= 0 or (name in below_one and value > 1):
                most = " and at most 1" if name in below_one else ""
                raise ValueError(f"{name} must be a number, at least 0{most}; got {value!r}")

    @property
    def is_gan(self) -> bool:
        """Whether real and made outputs are scored by themselves, and not against each other."""
        return self.objective in GAN_LOSSES

    def anchor_at(self, done: float) -> float:
        """The anchor's weight when a share of the epochs is done."""
        return self.anchor + (self.anchor_end - self.anchor) * done
