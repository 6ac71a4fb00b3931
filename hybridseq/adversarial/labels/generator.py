"""A generator of label sequences: one pass of an encoder."""

import copy

import torch
from torch import nn

from hybridseq.adversarial.generator import HEADS, Generator
from hybridseq.adversarial.labels.relaxations import RELAXATIONS
from hybridseq.inference.spaces import LabelSpace
from hybridseq.nn.names import choose
from hybridseq.nn.network import TaggerNetwork


class LabelGenerator(Generator):
    """Labels of all positions at once, from an encoder of the input and a look at the neighbours' first guesses.

    Parameters
    ----------
    network : TaggerNetwork
        Whose input, encoder and scores of labels are copied, weights included; its structure is not used.
    relaxation : {"softmax", "straight_through", "gumbel", "gumbel_straight_through"}
        See ``RELAXATIONS``. The Gumbel ones draw while training; in evaluation mode they are without noise.
    temperature : float
        Of the relaxation.
    feedback : int
        Width of a convolution over the first guesses' probabilities, whose result is added to the scores, so that
        neighbouring labels can agree; odd; 0: none. It starts at 0.
    noise_size : int
        Components of z, added to the encoder's output through a linear map; 0: no noise.
    two_heads : bool
        Whether there is a head for cost-augmented answers.

    Notes
    -----
    x is a dictionary, what the network takes by name, ``lengths`` (B,) among it. O(B·T·K²·feedback) beside the encoder.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        relaxation: str = "softmax",
        *,
        temperature: float = 1.0,
        feedback: int = 3,
        noise_size: int = 0,
        two_heads: bool = False,
    ):
        super().__init__()
        choose("relaxation", relaxation, RELAXATIONS)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0; got {temperature!r}")
        if feedback and feedback % 2 != 1:
            raise ValueError(f"feedback must be odd, or 0 for none; got {feedback!r}")
        self.relaxation, self.temperature = relaxation, temperature
        self.noise_size, self.two_heads = noise_size, two_heads
        network = copy.deepcopy(network)
        self.inputs, self.encoder = network.inputs, network.encoder
        self.before, self.after = network.before, network.after
        names = HEADS[: 1 + two_heads]
        self.heads = nn.ModuleDict({name: copy.deepcopy(network.emissions) for name in names})
        self.num_labels = network.emissions.out_features
        self.feedback = nn.ModuleDict()
        for name in names if feedback else ():
            layer = nn.Conv1d(self.num_labels, self.num_labels, feedback, padding=feedback // 2)
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
            self.feedback[name] = layer
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
        if head not in self.feedback:
            return scores
        inside = torch.arange(scores.shape[1], device=scores.device) < lengths[:, None]
        guesses = scores.softmax(2) * inside[:, :, None]
        return scores + self.feedback[head](guesses.transpose(1, 2)).transpose(1, 2)

    def relax(self, logits, space):
        name = self.relaxation if self.training else self.relaxation.replace("gumbel_", "").replace("gumbel", "softmax")
        return RELAXATIONS[name](logits, self.temperature) * space.inside[:, :, None].to(logits.dtype)
