"""The automaton's operations as registered torch operators: fake implementations, autograd rules, CPU kernels.

Scores are ``(emissions, moves, initial, final)`` as in ``reference``, of one dtype, float32 or float64; ``graph`` is
``Graph.tables``. Log-partitions are float64, so that differences of long sequences keep their digits. The log-partition
is twice differentiable, expected scores and marginals once.
"""

import functools

import numpy as np
import torch
from torch.library import Library, register_autograd, register_fake

_SCORES = "Tensor emissions, Tensor moves, Tensor initial, Tensor final"
_DIRECTION = "Tensor d_emissions, Tensor d_moves, Tensor d_initial, Tensor d_final"
_GRAPH = "Tensor lengths, Tensor[] graph"
_FOUR = "(Tensor, Tensor, Tensor, Tensor)"
_SCHEMAS = {
    "arcs_log_partition": f"({_SCORES}, {_GRAPH}) -> Tensor",
    "arcs_gradient": f"({_SCORES}, {_GRAPH}, Tensor weight) -> {_FOUR}",
    "arcs_hessian_product": f"({_SCORES}, {_DIRECTION}, {_GRAPH}, Tensor weight) -> {_FOUR}",
    "arcs_expected_score": f"({_SCORES}, {_DIRECTION}, {_GRAPH}) -> Tensor",
    "arcs_decode": f"({_SCORES}, {_GRAPH}) -> Tensor",
    "arcs_k_best": f"({_SCORES}, {_GRAPH}, int k) -> (Tensor, Tensor)",
    "arcs_sample": f"({_SCORES}, {_GRAPH}, Tensor uniforms) -> Tensor",
}
_library = Library("hybridseq", "FRAGMENT")
for _name, _schema in _SCHEMAS.items():
    _library.define(_name + _schema)

_ops = torch.ops.hybridseq
log_partition = _ops.arcs_log_partition.default
gradient = _ops.arcs_gradient.default
hessian_product = _ops.arcs_hessian_product.default
expected_score = _ops.arcs_expected_score.default
decode = _ops.arcs_decode.default
k_best = _ops.arcs_k_best.default
sample = _ops.arcs_sample.default


@functools.cache
def kernels():
    """The compiled kernels, imported when first used: numba takes half a second."""
    from hybridseq.kernels.arcs import numba_cpu

    return numba_cpu


def array(tensor):
    """A tensor's numbers as a C-contiguous numpy array."""
    return tensor.detach().contiguous().numpy()


def _ends(tensor):
    values = tensor.detach().numpy().astype(np.float64)
    return values[None] if values.ndim == 1 else values


def _moves(moves, dtype):
    """Moves as (1 or B, 1 or T-1, M)."""
    moves = moves.detach().to(dtype)
    if moves.dim() < 3:
        return array(moves)[(None, None) if moves.dim() == 1 else (slice(None), None)]
    return array(moves)


def arrays(emissions, moves, initial, final):
    return array(emissions), _moves(moves, emissions.dtype), _ends(initial), _ends(final)


def expanded(moves):
    """Moves that only seem to differ from step to step as the fewer that they are."""
    if moves.dim() == 3 and moves.shape[1] > 0 and moves.stride(1) == 0:
        moves = moves[:, 0]
    if moves.dim() == 2 and moves.shape[0] > 0 and moves.stride(0) == 0:
        moves = moves[0]
    return moves


def values(emissions, moves, initial, final):
    """The scores as arrays, for what has no gradient."""
    return arrays(emissions, expanded(moves), initial, final)


def tables(graph):
    return tuple(x.numpy() for x in graph)


def forms(moves, initial, final):
    """The shapes of the gradients, as ``numba_cpu.gradient`` takes them."""
    return ("shared", "rows", "steps")[moves.dim() - 1], initial.dim() == 2, final.dim() == 2


def tensors(like, results):
    """Gradients as tensors of the shapes and types of what they are gradients of."""
    return tuple(torch.from_numpy(x).view(y.shape).to(y.dtype) for x, y in zip(results, like))


def log_partition_cpu(emissions, moves, initial, final, lengths, graph):
    scores = values(emissions, moves, initial, final)
    return torch.from_numpy(kernels().log_partition(scores, array(lengths), tables(graph)))


def gradient_cpu(emissions, moves, initial, final, lengths, graph, weight):
    like = emissions, moves, initial, final
    rest = array(lengths), tables(graph), array(weight), forms(*like[1:])
    return tensors(like, kernels().gradient(values(*like), *rest)[1:])


def hessian_product_cpu(
    emissions, moves, initial, final, d_emissions, d_moves, d_initial, d_final, lengths, graph, weight
):
    like = emissions, moves, initial, final
    direction = arrays(d_emissions, d_moves, d_initial, d_final)
    rest = array(lengths), tables(graph), array(weight), forms(*like[1:])
    return tensors(like, kernels().hessian_product(arrays(*like), direction, *rest))


def expected_score_cpu(emissions, moves, initial, final, d_emissions, d_moves, d_initial, d_final, lengths, graph):
    scores = arrays(emissions, moves, initial, final)
    direction = arrays(d_emissions, d_moves, d_initial, d_final)
    return torch.from_numpy(kernels().expected_score(scores, direction, array(lengths), tables(graph)))


def decode_cpu(emissions, moves, initial, final, lengths, graph):
    scores = values(emissions, moves, initial, final)
    return torch.from_numpy(kernels().decode(scores, array(lengths), tables(graph)))


def k_best_cpu(emissions, moves, initial, final, lengths, graph, k):
    scores = values(emissions, moves, initial, final)
    return tuple(map(torch.from_numpy, kernels().k_best(scores, array(lengths), tables(graph), k)))


def sample_cpu(emissions, moves, initial, final, lengths, graph, uniforms):
    scores = values(emissions, moves, initial, final)
    return torch.from_numpy(kernels().sample(scores, array(lengths), tables(graph), array(uniforms)))


for _name in _SCHEMAS:
    _library.impl(_name, globals()[f"{_name.removeprefix('arcs_')}_cpu"], "CPU")


def _fake(name):
    return register_fake(f"hybridseq::arcs_{name}", lib=_library)


def _row_fake(emissions, *rest):
    return emissions.new_empty(emissions.shape[0], dtype=torch.float64)


_fake("log_partition")(_row_fake)
_fake("expected_score")(_row_fake)


def _like_scores(emissions, moves, initial, final, *rest):
    return tuple(torch.empty_like(x, memory_format=torch.contiguous_format) for x in (emissions, moves, initial, final))


_fake("gradient")(_like_scores)
_fake("hessian_product")(_like_scores)


@_fake("decode")
def _decode_fake(emissions, *rest):
    return emissions.new_empty(emissions.shape[:2], dtype=torch.int64)


@_fake("k_best")
def _k_best_fake(emissions, moves, initial, final, lengths, graph, k):
    batch, steps, _ = emissions.shape
    states = emissions.new_empty((batch, k, steps), dtype=torch.int64)
    return states, emissions.new_empty((batch, k), dtype=torch.float64)


@_fake("sample")
def _sample_fake(emissions, moves, initial, final, lengths, graph, uniforms):
    return torch.empty_like(uniforms, dtype=torch.int64, memory_format=torch.contiguous_format)


def _autograd(name, backward, setup):
    register_autograd(f"hybridseq::arcs_{name}", backward, setup_context=setup, lib=_library)


def _save(ctx, inputs, output):
    """Keep the tensors, those of the graph last."""
    given = [x for x in inputs if isinstance(x, torch.Tensor)]
    (graph,) = (x for x in inputs if not isinstance(x, torch.Tensor))
    ctx.save_for_backward(*given, *graph)
    ctx.count = len(given)


def _saved(ctx):
    return (*ctx.saved_tensors[: ctx.count],), list(ctx.saved_tensors[ctx.count :])


def _log_partition_backward(ctx, weight):
    (*scores, lengths), graph = _saved(ctx)
    return *gradient(*scores, lengths, graph, weight), None, [None] * len(graph)


_autograd("log_partition", _log_partition_backward, _save)


def _direction(scores, gradients):
    return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(scores, gradients))


def _gradient_backward(ctx, *gradients):
    (*scores, lengths, weight), graph = _saved(ctx)
    direction = _direction(scores, gradients)
    by_scores = hessian_product(*scores, *direction, lengths, graph, weight)
    by_weight = expected_score(*scores, *direction, lengths, graph) if ctx.needs_input_grad[-1] else None
    return *by_scores, None, [None] * len(graph), by_weight


_autograd("gradient", _gradient_backward, _save)


def _expected_score_backward(ctx, weight):
    (*scores, lengths), graph = _saved(ctx)
    scores, direction = scores[:4], scores[4:]
    by_scores = by_direction = (None,) * 4
    if any(ctx.needs_input_grad[:4]):
        by_scores = hessian_product(*scores, *direction, lengths, graph, weight)
    if any(ctx.needs_input_grad[4:8]):
        by_direction = gradient(*scores, lengths, graph, weight)
    return *by_scores, *by_direction, None, [None] * len(graph)


_autograd("expected_score", _expected_score_backward, _save)


def _no_third_derivative(ctx, *gradients):
    raise RuntimeError(
        "the automaton's CPU kernel has no third derivatives; ask for the reference: backend='reference'."
    )


_autograd("hessian_product", _no_third_derivative, _save)
