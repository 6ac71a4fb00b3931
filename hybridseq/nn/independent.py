"""Emissions without a structure: every token by itself, the baseline of all structured layers."""

import torch


class Independent:
    """Label sequences whose tokens are independent given the input: a per-token softmax.

    It has the part of :class:`~hybridseq.LinearChain`'s interface that a tagger needs, so that cross-entropy is the
    log loss of this structure.

    Parameters
    ----------
    emissions : (B, T, K) tensor
        Scores.
    lengths : (B,) int64 tensor
        Right padding.

    Notes
    -----
    All methods are O(B·T·K), but ``k_best``.
    """

    def __init__(self, emissions, lengths):
        self.emissions, self.lengths = emissions, lengths
        self.real = torch.arange(emissions.shape[1], device=emissions.device) < lengths[:, None]

    def score(self, labels):
        """Scores (B,) of label sequences (B, T)."""
        chosen = self.emissions.gather(2, labels.clamp(min=0)[:, :, None])[:, :, 0]
        return torch.where(self.real, chosen, 0).sum(1)

    def log_partition(self):
        """Log-partitions (B,) in nats."""
        return torch.where(self.real, self.emissions.logsumexp(2), 0).sum(1)

    def log_prob(self, labels):
        """Log-probabilities (B,)."""
        return self.score(labels) - self.log_partition()

    def marginals(self):
        """Probabilities (B, T, K), 0 at padding."""
        return self.emissions.softmax(2) * self.real[:, :, None]

    def decode(self):
        """The best labels (B, T), −100 at padding."""
        return torch.where(self.real, self.emissions.argmax(2), -100)

    def k_best(self, k):
        """The k best label sequences (B, k, T) and their scores (B, k)."""
        from hybridseq.structures import LinearChain

        num_labels = self.emissions.shape[2]
        return LinearChain(
            self.emissions, self.emissions.new_zeros(num_labels, num_labels), lengths=self.lengths
        ).k_best(k)


def cross_entropy(structure, labels):
    """Minus the log-probabilities (B,) of label sequences (B, T) under an :class:`Independent` structure, in nats."""
    return -structure.log_prob(labels)
