"""Likelihoods, posteriors and best paths of sequences under a model, block by block."""

import numpy as np
import torch

from hybridseq.kernels.chain import ops
from hybridseq.training.hmm.expectations import of_paths, tensors
from hybridseq.training.hmm.model import Model


def _blockwise(model, data, blocks):
    scores = model.scores()
    for block in blocks:
        yield block, tensors(block, model.emissions.log_density(data, block.rows)[0], scores)


def log_likelihoods(model: Model, data, blocks, count: int) -> np.ndarray:
    """Log-likelihood of each of ``count`` sequences; −inf for an impossible one."""
    values = np.empty(count)
    for block, inputs in _blockwise(model, data, blocks):
        values[block.sequences] = ops.log_partition(*inputs)[0].numpy()
    return values


def posteriors(model: Model, data, blocks, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihoods of the sequences, and the probability of each state at each row (N, K)."""
    values, found = np.empty(count), []
    for block, inputs in _blockwise(model, data, blocks):
        value, *prefixes = ops.log_partition(*inputs)
        values[block.sequences] = value.numpy()
        found.append(block.unpad(ops.gradient(*inputs, *prefixes, torch.ones_like(value))[0].numpy()))
    return values, blocks.unsort(np.concatenate(found))


def best_paths(model: Model, data, blocks, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-probability of each sequence with its best states, and these (N,); −inf and −100 where none is possible."""
    values, found = np.empty(count), []
    for block, inputs in _blockwise(model, data, blocks):
        paths = ops.decode(*inputs)
        # A row without a path is scored along state 0, and left at −inf.
        reached = ops.score(*inputs, paths.clamp(min=0)).numpy()
        values[block.sequences] = np.where(paths[:, 0].numpy() < 0, -np.inf, reached)
        found.append(block.unpad(paths.numpy()))
    return values, blocks.unsort(np.concatenate(found))


def path_scores(model: Model, data, blocks, count: int, states) -> np.ndarray:
    """Log-probability of each sequence with the given states (N,); −inf where that is impossible."""
    values, scores, states = np.empty(count), model.scores(), blocks.sort(states)
    for block in blocks:
        density = model.emissions.log_density(data, block.rows)[0]
        values[block.sequences] = of_paths(block, density, scores, states[block.rows])[0]
    return values
