"""Randomness of its own: repeated by its seed, and the global state goes on untouched."""

import torch

from hybridseq.training.seeds import seeded


def test_a_seed_repeats_its_numbers_and_leaves_the_others():
    torch.manual_seed(5)
    expected = [torch.rand(1).item() for _ in range(2)]
    torch.manual_seed(5)
    first = torch.rand(1).item()
    found = []
    for _ in range(2):
        with seeded(3):
            found.append(torch.rand(1).item())
    assert found[0] == found[1] and [first, torch.rand(1).item()] == expected
