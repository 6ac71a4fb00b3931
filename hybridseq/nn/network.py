"""Input, encoder and structured layer as one module."""

from torch import Tensor, nn

from hybridseq.nn.dropout import LockedDropout
from hybridseq.nn.independent import Independent


class TaggerNetwork(nn.Module):
    """Tokens or vectors in, a distribution over label sequences out.

    Parameters
    ----------
    inputs : nn.Module
        :class:`~hybridseq.nn.TokenEmbedding` or :class:`~hybridseq.nn.VectorInput`.
    encoder : nn.Module
        ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)``, H in ``output_size``.
    num_labels : int
        K.
    structure : nn.Module or None
        A layer ``(emissions, lengths=) -> structure`` such as ``hs.nn.CRF(K)``; None scores each token by itself.
    plan : PairPlan, optional
        What the structure is restricted to.
    dropout : float
        Locked dropout before the encoder and after it.
    """

    def __init__(self, inputs, encoder, num_labels, *, structure=None, plan=None, dropout=0.5):
        super().__init__()
        self.inputs = inputs
        self.encoder = encoder
        self.before, self.after = LockedDropout(dropout), LockedDropout(dropout)
        self.emissions = nn.Linear(encoder.output_size, num_labels)
        self.structure = structure
        self.plan = plan

    def score_labels(self, lengths, **columns):
        """Emissions (B, T, K) of a batch."""
        embedded = self.before(self.inputs(lengths=lengths, **columns))
        encoded = self.encoder(embedded, lengths)
        expected = (*embedded.shape[:2], self.emissions.in_features)
        got = tuple(encoded.shape) if isinstance(encoded, Tensor) else type(encoded).__name__
        if got != expected:
            raise ValueError(
                f"the encoder must give a tensor (B, T, H) = {expected}, H as its attribute output_size says; got {got}"
            )
        return self.emissions(self.after(encoded))

    def forward(self, lengths, **columns):
        """The structure over the labels of a batch: a :class:`~hybridseq.LinearChain`, or an independent one."""
        emissions = self.score_labels(lengths, **columns)
        if self.structure is None:
            return Independent(emissions, lengths)
        chain = self.structure(emissions, lengths=lengths)
        return chain if self.plan is None else chain.restrict(self.plan)
