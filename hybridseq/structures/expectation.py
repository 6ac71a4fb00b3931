"""Mean of one structure's score under another; −inf where the other forbids what the first one allows."""

import torch


def _reached(run, scores, forbidden):
    """Whether any possible path runs through a forbidden part, (B,): the best path where only such parts score.

    Exact however small the path's probability, which may round to 0.
    """
    scores = tuple(torch.where(x == -torch.inf, x, hit.to(x.dtype)) for x, hit in zip(scores, forbidden))
    return run("k_best", scores, 1)[1][:, 0] > 0


def expectation(run, scores, direction, same, refused=None):
    """Mean score (B,) that ``direction`` gives to the paths of ``scores``.

    Parameters
    ----------
    run : callable
        ``run("expected_score", scores, direction)`` and ``run("k_best", scores, k)``.
    scores, direction : four tensors each
        Of equal numbers of dimensions.
    same : bool
        Both belong to one structure: nothing can be forbidden there that is possible here.
    refused : bool tensor, optional
        Last parts that the other structure refuses, beside those that score −inf.
    """
    dtype = scores[0].dtype
    # A forbidden part has no score to average; whether any path runs through it is asked apart.
    finite = tuple(torch.where(x == -torch.inf, 0, x).to(dtype) for x in direction)
    value = run("expected_score", scores, finite)
    if same:
        return value
    with torch.no_grad():
        forbidden = [x == -torch.inf for x in direction]
        if refused is not None:
            forbidden[-1] = forbidden[-1] | refused
        if not torch.compiler.is_compiling() and not any(x.any() for x in forbidden):
            return value
        reached = _reached(run, scores, forbidden)
    return torch.where(reached, -torch.inf, value)
