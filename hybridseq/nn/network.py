"""Input, encoder and structured layer as one module."""

import torch
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
    plan : Plan, optional
        What the structure is restricted to, see :meth:`constrain`.
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
        self.register_parameter("soft_weights", None)
        self.constrain(plan)

    def constrain(self, plan):
        """Restrict the structure to a plan; weights of soft constraints that are to be learned become parameters.

        Budgets, which only decoding can keep, are left out while training.
        """
        self.plan = plan
        soft = getattr(getattr(plan, "base", plan), "learned", ())
        if any(soft):
            base = getattr(plan, "base", plan)
            weights = torch.tensor(base.weights[base.learned], dtype=self.emissions.weight.dtype)
            self.soft_weights = nn.Parameter(weights.to(self.emissions.weight.device))
        else:
            self.soft_weights = None

    def restricted(self, structure, plan):
        """A structure restricted to a plan whose soft constraints begin with the network's own."""
        base = getattr(plan, "base", plan)
        if self.soft_weights is None or not len(getattr(base, "weights", ())):
            return structure.restrict(plan)
        given = torch.from_numpy(base.weights.copy()).to(self.soft_weights)
        # What a plan adds to the network's own comes behind it.
        places = torch.from_numpy(base.learned.nonzero()[0][: len(self.soft_weights)]).to(given.device)
        return structure.restrict(plan, weights=given.index_copy(0, places, self.soft_weights))

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

    def unrestricted(self, lengths, **columns):
        """The structure over the labels of a batch, whatever the plan."""
        emissions = self.score_labels(lengths, **columns)
        return Independent(emissions, lengths) if self.structure is None else self.structure(emissions, lengths=lengths)

    def forward(self, lengths, **columns):
        """The structure over the labels of a batch: a :class:`~hybridseq.LinearChain`, or an independent one."""
        structure = self.unrestricted(lengths, **columns)
        if self.plan is None or self.structure is None:
            return structure
        return self.restricted(structure, getattr(self.plan, "base", self.plan))
