"""Score functions of bit vectors: a structured prediction energy network, and a deep value network."""

import torch
from torch import Tensor, nn

from hybridseq.adversarial.multilabel.energy import BitEnergy
from hybridseq.adversarial.multilabel.features import InputLinear, LocalTerms
from hybridseq.adversarial.multilabel.spaces import COSTS
from hybridseq.inference.score_function import ScoreFunction
from hybridseq.nn.names import choose
from hybridseq.structures.checks import ShapeError


class BitScore(ScoreFunction):
    r"""A structured prediction energy network: F(x, y) = b(x)·y + w·softplus(C y + c) :cite:p:`belanger2016`.

    Parameters
    ----------
    local : LocalTerms
        b(x); it becomes part of this module.
    num_patterns : int
        M, units of the global term.
    conditional : bool
        Whether c depends on the features of x, c(x) = c + D h(x); by default the global term sees the bits only.
    bounded : bool
        Whether F = σ(·), as of a value network.
    cost : {"hamming", "f1"}
        Δ that training adds: the number of wrong bits, or what :class:`F1Space` says.

    Notes
    -----
    The global term starts near 0: at first F is the local terms'.
    """

    def __init__(
        self,
        local: LocalTerms,
        num_patterns: int = 64,
        conditional: bool = False,
        bounded: bool = False,
        cost: str = "hamming",
    ):
        super().__init__()
        choose("cost", cost, COSTS)
        self.local, self.bounded, self.cost = local, bounded, cost
        self.patterns = nn.Linear(local.num_bits, num_patterns)
        self.context = InputLinear(local.width, num_patterns, bias=False) if conditional else None
        self.weights = nn.Parameter(torch.randn(num_patterns) * 0.1)
        self.bias = nn.Parameter(torch.zeros(())) if bounded else None

    def at(self, x: Tensor) -> BitEnergy:
        """F(x, ·) for inputs (B, D), dense or sparse CSR."""
        _check_inputs(x, self.local.num_features)
        features, local = self.local(x)
        shift = self.patterns.bias
        if self.context is not None:
            shift = shift + self.context(features)
        return BitEnergy(local, self.patterns.weight, shift, self.weights, self.bias, self.bounded, self.cost)


class ValueNetwork(BitScore):
    """A deep value network: F(x, y) is an estimate, from 0 to 1, of how good an answer y is for x :cite:p:`gygli2017`.

    Parameters
    ----------
    local : LocalTerms
    num_patterns : int
    conditional : bool
        As of :class:`BitScore`.
    """

    def __init__(self, local: LocalTerms, num_patterns: int = 64, conditional: bool = False):
        super().__init__(local, num_patterns, conditional, bounded=True)


def _check_inputs(x, num_features):
    if not isinstance(x, Tensor) or x.dim() != 2 or x.shape[1] != num_features:
        got = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ShapeError(f"inputs must have shape (B, D) with D = {num_features}; got {got}.")
