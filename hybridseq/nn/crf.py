"""The linear-chain CRF layer: emissions in, a structure out."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from hybridseq.structures import LinearChain, MaskedChain, checks


class CRF(nn.Module):
    """Learned transitions, start and end over the emissions of any encoder.

    Parameters
    ----------
    num_labels : int
        K, the number of labels.

    Attributes
    ----------
    transitions : (K, K) parameter
        ``[i, j]``: score of label i followed by label j, in nats. Zero at first.
    start, end : (K,) parameters
        Scores of the first and the last label.

    Examples
    --------
    >>> layer = CRF(num_labels=5)
    >>> chain = layer(torch.randn(2, 7, 5), lengths=torch.tensor([7, 4]))
    >>> chain.decode().shape
    torch.Size([2, 7])
    """

    def __init__(self, num_labels: int):
        super().__init__()
        checks.check_count("num_labels", num_labels)
        self.num_labels = num_labels
        self.transitions = nn.Parameter(torch.zeros(num_labels, num_labels))
        self.start = nn.Parameter(torch.zeros(num_labels))
        self.end = nn.Parameter(torch.zeros(num_labels))

    def extra_repr(self):
        return f"num_labels={self.num_labels}"

    def forward(
        self,
        emissions: Float[Tensor, "..."],
        lengths: Int[Tensor, "B"] | None = None,
        mask: Bool[Tensor, "B T"] | None = None,
    ) -> LinearChain | MaskedChain:
        """The distribution over label sequences, see ``LinearChain``.

        Parameters
        ----------
        emissions : (B, T, K) tensor
        lengths : (B,) int tensor, optional
            Positions in use; the rest is padding on the right.
        mask : (B, T) bool tensor, optional
            Instead of ``lengths``: False, at the end or anywhere else, means that the token has no label. It is left
            out as if the sequence were shorter.

        Raises
        ------
        ShapeError
            Where the emissions' last axis is not K, or ``mask`` is not (B, T).
        TypeError
            Where ``mask`` is not of bool, or an argument is no tensor.
        ValueError
            Where both ``lengths`` and ``mask`` are given, or a row has no label.
        """
        checks.check_emissions(emissions)
        if emissions.shape[2] != self.num_labels:
            raise checks.ShapeError(
                f"emissions must have shape (B, T, K) with K = {self.num_labels} (the layer's num_labels); got "
                f"{tuple(emissions.shape)}."
            )
        if mask is None:
            return self._chain(emissions, lengths)
        if lengths is not None:
            raise ValueError("give lengths= (padding on the right) or mask= (gaps anywhere), not both.")
        checks.check_mask(mask, emissions)
        return MaskedChain(emissions, mask, self._chain)

    def _chain(self, emissions, lengths):
        return LinearChain(emissions, self.transitions, self.start, self.end, lengths)

    @classmethod
    def from_torchcrf(cls, module) -> "CRF":
        """The layer with the parameters of a pytorch-crf ``torchcrf.CRF`` (copied).

        Raises
        ------
        TypeError
            Where something else is given.
        """
        if not hasattr(module, "start_transitions"):
            raise TypeError(f"from_torchcrf takes a torchcrf.CRF of pytorch-crf; got {type(module).__name__}.")
        layer = cls(module.num_tags).to(module.transitions)
        with torch.no_grad():
            layer.transitions.copy_(module.transitions)
            layer.start.copy_(module.start_transitions)
            layer.end.copy_(module.end_transitions)
        return layer

    def to_torchcrf(self, batch_first: bool = True):
        """A pytorch-crf ``torchcrf.CRF`` with this layer's parameters (copied); needs pytorch-crf installed."""
        import torchcrf

        module = torchcrf.CRF(self.num_labels, batch_first=batch_first).to(self.transitions)
        with torch.no_grad():
            module.transitions.copy_(self.transitions)
            module.start_transitions.copy_(self.start)
            module.end_transitions.copy_(self.end)
        return module
