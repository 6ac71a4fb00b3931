"""Per-instance tuning: a generator's weights, fitted to one input at a time."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hybridseq.inference.amortised import AmortisedArgmax, answer, evaluating, noise
from hybridseq.inference.score_function import Scored
from hybridseq.structures.checks import check_count


def tune_instance(
    generator: AmortisedArgmax,
    scored: Scored,
    x,
    *,
    steps: int = 10,
    learning_rate: float = 1e-3,
    parameters: str | None = None,
    rows: Callable | None = None,
    seed: int = 0,
) -> Tensor:
    """Move a copy of the generator's weights towards what F likes, for every example anew :cite:p:`kim2018`.

    Parameters
    ----------
    generator : AmortisedArgmax
        A module; it is not changed.
    scored : Scored
        F(x, ·), differentiable in relaxed outputs.
    x : tensor, or dict, tuple or list of tensors
        The inputs, whose first axis is the batch; anything, with ``rows``.
    steps : int
        Of Adam on −F(x, G(x)), for each example.
    learning_rate : float
        Adam's.
    parameters : str, optional
        Only parameters whose name begins so: ``"output"`` say, for the last layer. To tune the logits themselves, take
        :func:`gradient_ascent` with the generator's logits.
    rows : callable, optional
        ``rows(x, index)``: the inputs of the examples that an index (B',) names, padded as in the batch.
    seed : int
        Of the noise, if the generator takes any: one draw for each example.

    Returns
    -------
    tensor
        Hard outputs: for each example the best on the way, never scored below the untuned generator's.

    Raises
    ------
    TypeError
        Where the generator is no module, or inputs cannot be cut into rows.
    ValueError
        Where no parameter has such a name, or F has no gradient.

    Notes
    -----
    B·steps passes of the generator, forward and back, one example at a time.
    """
    check_count("steps", steps)
    if not isinstance(generator, nn.Module):
        raise TypeError(f"tune_instance tunes the weights of an nn.Module; got {type(generator).__name__}.")
    batch = scored.space.batch
    z = noise(generator, batch, seed)
    found = answer(generator, x, z)
    results = []
    with evaluating(generator):
        for row in range(batch):
            index = torch.tensor([row], device=found.device)
            own = rows_of(x, index, batch) if rows is None else rows(x, index)
            tuned = copy.deepcopy(generator)
            weights = _weights(tuned, parameters)
            here = None if z is None else z[index]
            results.append(_tune(tuned, weights, scored.rows(index), own, here, found[index], steps, learning_rate))
    return torch.cat(results)


def rows_of(x, index: Tensor, batch: int):
    """The rows of a batch of inputs: of a tensor, or of every tensor in a dict, tuple or list."""
    if isinstance(x, Tensor):
        if x.dim() == 0 or len(x) != batch:
            raise ValueError(
                f"every tensor of the inputs must have {batch} rows, one for each example, to be cut; got "
                f"{tuple(x.shape)}. Give rows=, a function (x, index) that cuts them."
            )
        return x[index.to(x.device)]
    if isinstance(x, dict):
        return {name: rows_of(value, index, batch) for name, value in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)(rows_of(value, index, batch) for value in x)
    raise TypeError(
        f"inputs must be a tensor, or a dict, tuple or list of tensors, to be cut into rows; got {type(x).__name__}. "
        "Give rows=, a function (x, index) that cuts them."
    )


def _weights(generator, prefix):
    named = dict(generator.named_parameters())
    chosen = {name: p for name, p in named.items() if p.requires_grad and (prefix is None or name.startswith(prefix))}
    if not chosen:
        raise ValueError(f"the generator has no trainable parameter whose name begins with {prefix!r}: {list(named)}.")
    return list(chosen.values())


def _tune(generator, weights, scored, x, z, best, steps, learning_rate):
    """The best hard output while a generator, which is changed, climbs for one example."""
    adam = torch.optim.Adam(weights, lr=learning_rate)
    with torch.no_grad():
        best_score = scored.score(best)
    for _ in range(steps):
        with torch.enable_grad():
            relaxed = generator(x, z)
        slopes = scored.gradient(relaxed)
        pulls = torch.autograd.grad(relaxed, weights, -slopes, allow_unused=True)
        for weight, pull in zip(weights, pulls):
            weight.grad = pull
        adam.step()
        with torch.no_grad():
            found = scored.space.harden(generator(x, z))
            score = scored.score(found)
        if score > best_score:
            best, best_score = found, score
    return best
