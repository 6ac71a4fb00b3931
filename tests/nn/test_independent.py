"""The structure of independent tokens is a chain without transitions."""

import torch

from hybridseq import LinearChain
from hybridseq.nn.independent import Independent, cross_entropy


def test_equals_a_chain_without_transitions():
    torch.manual_seed(0)
    emissions = torch.randn(3, 4, 5, dtype=torch.float64)
    lengths = torch.tensor([4, 1, 3])
    ours, chain = Independent(emissions, lengths), LinearChain(emissions, torch.zeros(5, 5).double(), lengths=lengths)
    labels = torch.randint(5, (3, 4))
    labels[1, 1:] = -100
    torch.testing.assert_close(ours.log_prob(labels), chain.log_prob(labels))
    torch.testing.assert_close(ours.log_partition(), chain.log_partition())
    torch.testing.assert_close(ours.marginals(), chain.marginals())
    assert torch.equal(ours.decode(), chain.decode())
    assert torch.equal(ours.k_best(3)[0], chain.k_best(3)[0])
    wanted = torch.nn.functional.cross_entropy(emissions.flatten(0, 1), labels.flatten(), reduction="none").view(3, 4)
    real = torch.arange(4) < lengths[:, None]
    torch.testing.assert_close(cross_entropy(ours, labels), torch.where(real, wanted, 0).sum(1))
