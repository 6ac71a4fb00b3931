"""A generator and the F that it searches, as one module with the face of a tagger's network."""

from torch import Tensor, nn

from hybridseq.adversarial.labels.generator import LabelGenerator
from hybridseq.inference.score_function import ScoreFunction
from hybridseq.structures.linear_chain import LinearChain


class AdversarialNetwork(nn.Module):
    """One pass of a generator as a distribution over label sequences whose positions are independent.

    So its answers can be constrained, ranked and told as marginals as those of any tagger.

    Parameters
    ----------
    generator : LabelGenerator
    critic : ScoreFunction
        F.
    """

    def __init__(self, generator: LabelGenerator, critic: ScoreFunction):
        super().__init__()
        self.generator, self.critic = generator, critic

    @property
    def emissions(self) -> nn.Linear:
        """The layer that gives the plain answer's scores."""
        return self.generator.heads["plain"]

    @property
    def inputs(self) -> nn.Module:
        """What the generator reads tokens with."""
        return self.generator.inputs

    @property
    def structure(self) -> ScoreFunction:
        """F."""
        return self.critic

    def constrain(self, plan) -> None:
        """Plans hold in prediction only: F of relaxed labels knows none."""

    def noise(self, lengths: Tensor):
        """z = 0, the middle of the noise; None where there is none."""
        size = self.generator.noise_size
        return self.emissions.weight.new_zeros(len(lengths), size) if size else None

    def unrestricted(self, lengths, **columns) -> LinearChain:
        """The generator's logits as a chain without transitions."""
        logits = self.generator.logits({"lengths": lengths, **columns}, self.noise(lengths))
        return LinearChain(logits, logits.new_zeros(logits.shape[2], logits.shape[2]), lengths=lengths)

    def restricted(self, structure, plan):
        """A structure restricted to a plan."""
        return structure.restrict(plan)

    def forward(self, lengths, **columns) -> LinearChain:
        """As :meth:`unrestricted`."""
        return self.unrestricted(lengths, **columns)
