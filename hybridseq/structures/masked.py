"""A chain over some of a row's tokens: the others (subwords, [CLS], unlabelled) are left out, and keep their places."""

import functools

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from hybridseq.kernels.errors import InvalidLabel, InvalidScore
from hybridseq.structures import checks
from hybridseq.structures.structure import NO_LABEL, Structure, wide


def _own_places(method):
    """The method, whose errors name places in the batch as it was given, not as it was packed."""

    @functools.wraps(method)
    def placed(self, *args):
        if torch.compiler.is_compiling():
            return method(self, *args)
        try:
            return method(self, *args)
        except (InvalidLabel, InvalidScore) as error:
            if error.place is None:
                raise
            row, position = error.place[:2]
            raise error.moved(int(self._source[row, position])) from None

    return placed


class MaskedChain(Structure):
    """``chain`` runs over the tokens under the mask, moved to the left; labels and results keep their (B, T) places.

    Gaps hold −100 in labels and samples and 0 in marginals; labels given there are ignored. A pair's marginals stand
    at its left token.

    Parameters
    ----------
    mask : (B, T) bool tensor
        Which tokens have a label; at least one a row.
    make : callable
        ``make(emissions, lengths)`` gives the structure of the packed tokens.
    emissions : (B, T, K) tensor
    """

    def __init__(self, emissions: Float[Tensor, "B T K"], mask: Bool[Tensor, "B T"], make):
        lengths = mask.sum(1)
        if not torch.compiler.is_compiling() and int(lengths.min()) < 1:
            raise ValueError(
                f"mask[{int(lengths.argmin())}] is False everywhere; every row needs a token with a label. Leave such "
                "rows out of the batch."
            )
        self.mask = mask
        # Stable: tokens under the mask first, in their order.
        self._source = torch.argsort(~mask, dim=1, stable=True)
        self._make = make
        self.emissions = wide(emissions)
        self.lengths = lengths
        self.chain = make(self.emissions.gather(1, self._source[:, :, None].expand(emissions.shape)), lengths)

    def __repr__(self):
        return f"MaskedChain({self.chain!r})"

    @property
    def backend(self):
        """The packed chain's backend."""
        return self.chain.backend

    def _of(self, emissions, make):
        return MaskedChain(emissions, self.mask, make)

    def _round(self, value):
        return self.chain._round(value)

    def _pack(self, tensor):
        index = self._source.reshape(*self._source.shape, *[1] * (tensor.dim() - 2)).expand(tensor.shape)
        return tensor.gather(1, index)

    @_own_places
    def raw_score(self, labels):
        return self.chain.raw_score(self._pack(labels))

    @_own_places
    def raw_log_prob(self, labels):
        return self.chain.raw_log_prob(self._pack(labels))

    @_own_places
    def raw_log_partition(self):
        return self.chain.raw_log_partition()

    @_own_places
    def raw_expected_score(self, other):
        return self.chain.raw_expected_score(other.chain)

    @_own_places
    def marginals(self) -> Float[Tensor, "B T K"]:
        packed = self.chain.marginals()
        index = self._source[:, :, None].expand(packed.shape)
        return torch.zeros_like(packed).scatter(1, index, packed)

    @_own_places
    def pair_marginals(self) -> Float[Tensor, "B S K K"]:
        packed = self.chain.pair_marginals()
        batch, steps, labels, _ = packed.shape
        full = packed.new_zeros(batch, steps + 1, labels, labels)
        index = self._source[:, :-1, None, None].expand(packed.shape)
        # Pairs that start at a row's last token hold nothing, so the place beyond T-1 stays 0.
        return full.scatter(1, index, packed)[:, :-1]

    @_own_places
    def decode(self) -> Int64[Tensor, "B T"]:
        labels = self.chain.decode()
        return torch.full_like(labels, NO_LABEL).scatter(1, self._source, labels)

    @_own_places
    def raw_k_best(self, k):
        labels, scores = self.chain.raw_k_best(k)
        source = self._source[:, None].expand(labels.shape)
        return torch.full_like(labels, NO_LABEL).scatter(2, source, labels), scores

    @_own_places
    def raw_sample(self, uniforms):
        labels = self.chain.raw_sample(uniforms)
        source = self._source[None].expand(labels.shape)
        return torch.full_like(labels, NO_LABEL).scatter(2, source, labels)

    @_own_places
    def raw_max_score(self):
        return self.chain.raw_max_score()

    def augment(self, cost: Float[Tensor, "B T K"]) -> "MaskedChain":
        checks.check_like_emissions("cost", cost, self.emissions)
        found = self._of(self.emissions + cost.to(self.emissions.dtype), self._make)
        return self._carry(found, lambda s: s.augment(cost))

    def double(self) -> "MaskedChain":
        """The same scores in float64, without their graph."""
        return self._of(self.emissions.detach().double(), lambda *packed: self._make(*packed).double())

    def restrict(self, what, labels=None, weights=None) -> "MaskedChain":
        """As ``LinearChain.restrict``. Masks (B, T, K) have the batch's places, plans count tokens under the mask."""
        if isinstance(what, Tensor):
            checks.check_allowed(what, self.emissions)
            found = self._of(self.emissions.masked_fill(~what, -torch.inf), self._make)
            return self._carry(found, lambda s: s.restrict(what))
        plan = checks.as_plan(what, labels, self.emissions.shape[2])
        table = None if plan.positions is None else plan.positions.table
        if table is not None and table.shape == tuple(self.emissions.shape):
            # A mask of the batch's own shape has the batch's places, as a tensor has.
            own = self._of(
                self.emissions.masked_fill(~torch.tensor(table).to(self.mask.device), -torch.inf), self._make
            )
            rest = plan.at(plan.positions.without_table())
            return self._record(own.restrict(rest, weights=weights), plan, weights)
        make = self._make
        found = self._of(self.emissions, lambda *packed: make(*packed).restrict(plan, weights=weights))
        return self._record(found, plan, weights)
