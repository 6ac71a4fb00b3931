"""A generator of bit vectors: one pass of dense layers."""

import copy

from torch import nn

from hybridseq.adversarial.generator import HEADS, Generator
from hybridseq.adversarial.multilabel.features import LocalTerms
from hybridseq.inference.spaces import BitSpace
from hybridseq.nn.names import choose


class BitGenerator(Generator):
    """Bits of an example all at once; by itself, trained by cross-entropy, the usual multi-label classifier.

    Parameters
    ----------
    local : LocalTerms
        Copied, weights included.
    noise_size : int
        Components of z, added to the features through a linear map that starts small; 0: no noise.
    two_heads : bool
        Whether there is a head for cost-augmented answers, on the same features.
    """

    def __init__(self, local: LocalTerms, noise_size: int = 0, two_heads: bool = False):
        super().__init__()
        self.noise_size, self.two_heads = noise_size, two_heads
        local = copy.deepcopy(local)
        self.num_features, self.num_bits, self.body = local.num_features, local.num_bits, local.body
        self.heads = nn.ModuleDict({name: copy.deepcopy(local.bits) for name in HEADS[: 1 + two_heads]})
        self.mix = nn.Linear(noise_size, local.width, bias=False) if noise_size else None
        if noise_size:
            nn.init.normal_(self.mix.weight, std=0.1)

    def space(self, x):
        return BitSpace(len(x), self.num_bits, x.device)

    def logits(self, x, z=None, head="plain"):
        self.check_noise(z, len(x))
        choose("head", head, dict(self.heads))
        features = self.body(x)
        return self.heads[head](features if z is None else features + self.mix(z))
