"""A generator of label sequences: an encoder, then a few passes in which neighbouring labels agree."""

import copy

from torch import nn

from hybridseq.adversarial.generator import HEADS, Generator
from hybridseq.adversarial.labels.passes import MeanFieldPasses
from hybridseq.adversarial.labels.relaxations import RELAXATIONS
from hybridseq.inference.spaces import LabelSpace
from hybridseq.nn.crf import CRF
from hybridseq.nn.names import choose
from hybridseq.nn.network import TaggerNetwork


class LabelGenerator(Generator):
    """Labels of all positions at once, from an encoder of the input and parallel looks at the neighbours' guesses.

    It starts as mean field of the network's own chain, see :class:`MeanFieldPasses`.

    Parameters
    ----------
    network : TaggerNetwork
        Whose input, encoder, scores of labels and transitions are copied, weights included.
    relaxation : {"softmax", "straight_through", "gumbel", "gumbel_straight_through"}
        See ``RELAXATIONS``. The Gumbel ones draw while training; in evaluation mode they are without noise.
    temperature : float
        Of the relaxation.
    passes : int
        Looks at the neighbours' guesses; 0: none, positions are answered by themselves.
    reach : int
        How far a look goes to either side.
    noise_size : int
        Components of z, added to the encoder's output through a linear map; 0: no noise.
    two_heads : bool
        Whether there is a head for cost-augmented answers.

    Notes
    -----
    x is a dictionary, what the network takes by name, ``lengths`` (B,) among it. O(B·T·K²·passes·reach) time beside the
    encoder.
    encoder.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        relaxation: str = "softmax",
        *,
        temperature: float = 1.0,
        passes: int = 3,
        reach: int = 1,
        noise_size: int = 0,
        two_heads: bool = False,
    ):
        super().__init__()
        choose("relaxation", relaxation, RELAXATIONS)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0; got {temperature!r}")
        if passes and not isinstance(network.structure, CRF):
            raise TypeError(
                f"passes start with a chain's transitions, but the network's structure is a "
                f"{type(network.structure).__name__}; give a CRF, or passes=0"
            )
        self.relaxation, self.temperature = relaxation, temperature
        self.noise_size, self.two_heads = noise_size, two_heads
        network = copy.deepcopy(network)
        self.inputs, self.encoder = network.inputs, network.encoder
        self.before, self.after = network.before, network.after
        names = HEADS[: 1 + two_heads]
        self.heads = nn.ModuleDict({name: copy.deepcopy(network.emissions) for name in names})
        self.num_labels = network.emissions.out_features
        self.passes = nn.ModuleDict(
            {name: MeanFieldPasses(network.structure, passes, reach) for name in names if passes}
        )
        self.mix = nn.Linear(noise_size, network.emissions.in_features, bias=False) if noise_size else None

    def space(self, x):
        lengths = x["lengths"]
        return LabelSpace(lengths, self.num_labels)

    def logits(self, x, z=None, head="plain"):
        lengths = x["lengths"]
        self.check_noise(z, len(lengths))
        choose("head", head, dict(self.heads))
        encoded = self.encoder(self.before(self.inputs(**x)), lengths)
        if z is not None:
            encoded = encoded + self.mix(z)[:, None]
        scores = self.heads[head](self.after(encoded))
        return self.passes[head](scores, lengths) if self.passes else scores

    def relax(self, logits, space):
        name = self.relaxation if self.training else self.relaxation.replace("gumbel_", "").replace("gumbel", "softmax")
        return RELAXATIONS[name](logits, self.temperature) * space.inside[:, :, None].to(logits.dtype)
