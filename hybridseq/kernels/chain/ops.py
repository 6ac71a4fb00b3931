"""The chain's operations as registered torch operators: fake implementations, autograd rules, CPU kernels.

Scores are ``(emissions, transitions, start, end)`` as in ``reference``, of one dtype, float32 or float64. Values of
log-partition and score are float64, so that differences of long sequences keep their digits. The log-partition is
twice differentiable, expected scores and marginals once.
"""

import functools

import torch
from torch.library import Library, register_autograd, register_fake

_SCORES = "Tensor emissions, Tensor transitions, Tensor start, Tensor end"
_DIRECTION = "Tensor d_emissions, Tensor d_transitions, Tensor d_start, Tensor d_end"
_PREFIXES = "Tensor alpha, Tensor scale, Tensor status"
_FOUR = "(Tensor, Tensor, Tensor, Tensor)"
_SCHEMAS = {
    "chain_log_partition": f"({_SCORES}, Tensor lengths) -> (Tensor, Tensor, Tensor, Tensor)",
    "chain_gradient": f"({_SCORES}, Tensor lengths, {_PREFIXES}, Tensor weight) -> {_FOUR}",
    "chain_hessian_product": f"({_SCORES}, {_DIRECTION}, Tensor lengths, Tensor weight) -> {_FOUR}",
    "chain_expected_score": f"({_SCORES}, {_DIRECTION}, Tensor lengths) -> Tensor",
    "chain_score": f"({_SCORES}, Tensor lengths, Tensor labels) -> Tensor",
    "chain_score_gradient": f"({_SCORES}, Tensor lengths, Tensor labels, Tensor weight) -> {_FOUR}",
    "chain_decode": f"({_SCORES}, Tensor lengths) -> Tensor",
    "chain_k_best": f"({_SCORES}, Tensor lengths, int k) -> (Tensor, Tensor)",
    "chain_sample": f"({_SCORES}, Tensor lengths, Tensor uniforms) -> Tensor",
}
_library = Library("hybridseq", "FRAGMENT")
for _name, _schema in _SCHEMAS.items():
    _library.define(_name + _schema)

_ops = torch.ops.hybridseq
log_partition = _ops.chain_log_partition.default
gradient = _ops.chain_gradient.default
hessian_product = _ops.chain_hessian_product.default
expected_score = _ops.chain_expected_score.default
score = _ops.chain_score.default
score_gradient = _ops.chain_score_gradient.default
decode = _ops.chain_decode.default
k_best = _ops.chain_k_best.default
sample = _ops.chain_sample.default


@functools.cache
def kernels():
    """The compiled kernels, imported when first used: numba takes half a second."""
    from hybridseq.kernels.chain import numba_cpu

    return numba_cpu


def array(tensor):
    """A tensor's numbers as a C-contiguous numpy array."""
    return tensor.detach().contiguous().numpy()


def arrays(emissions, transitions, start, end):
    steps = array(transitions)
    if steps.ndim == 2:
        steps = steps.reshape(1, 1, *steps.shape)
    return array(emissions), steps, array(start), array(end)


def tensors(like, results):
    """Gradients as tensors of the shapes of what they are gradients of."""
    emissions, transitions, start, end = map(torch.from_numpy, results)
    return emissions, transitions.view(like[1].shape), start, end


def log_partition_cpu(emissions, transitions, start, end, lengths):
    scores = arrays(emissions, transitions, start, end)
    return tuple(map(torch.from_numpy, kernels().log_partition(*scores, array(lengths))))


def gradient_cpu(emissions, transitions, start, end, lengths, alpha, scale, status, weight):
    like = emissions, transitions, start, end
    rest = map(array, (lengths, alpha, scale, status, weight))
    return tensors(like, kernels().gradient(*arrays(*like), *rest))


def hessian_product_cpu(
    emissions, transitions, start, end, d_emissions, d_transitions, d_start, d_end, lengths, weight
):
    like = emissions, transitions, start, end
    direction = arrays(d_emissions, d_transitions, d_start, d_end)
    product = kernels().hessian_product(*arrays(*like), direction, array(lengths), array(weight))
    return tensors(like, product)


def expected_score_cpu(emissions, transitions, start, end, d_emissions, d_transitions, d_start, d_end, lengths):
    scores = arrays(emissions, transitions, start, end)
    direction = arrays(d_emissions, d_transitions, d_start, d_end)
    return torch.from_numpy(kernels().expected_score(*scores, direction, array(lengths)))


def score_cpu(emissions, transitions, start, end, lengths, labels):
    scores = arrays(emissions, transitions, start, end)
    return torch.from_numpy(kernels().score(*scores, array(lengths), array(labels)))


def score_gradient_cpu(emissions, transitions, start, end, lengths, labels, weight):
    like = emissions, transitions, start, end
    shapes = arrays(*like)[:2]
    return tensors(like, kernels().score_gradient(*shapes, *map(array, (lengths, labels, weight))))


def decode_cpu(emissions, transitions, start, end, lengths):
    return torch.from_numpy(kernels().decode(*arrays(emissions, transitions, start, end), array(lengths)))


def k_best_cpu(emissions, transitions, start, end, lengths, k):
    scores = arrays(emissions, transitions, start, end)
    return tuple(map(torch.from_numpy, kernels().k_best(*scores, array(lengths), k)))


def sample_cpu(emissions, transitions, start, end, lengths, uniforms):
    scores = arrays(emissions, transitions, start, end)
    return torch.from_numpy(kernels().sample(*scores, array(lengths), array(uniforms)))


for _name in _SCHEMAS:
    _library.impl(_name, globals()[f"{_name.removeprefix('chain_')}_cpu"], "CPU")


def _fake(name):
    return register_fake(f"hybridseq::chain_{name}", lib=_library)


def _per_row(emissions):
    return emissions.new_empty(emissions.shape[0], dtype=torch.float64)


@_fake("log_partition")
def _log_partition_fake(emissions, transitions, start, end, lengths):
    status = emissions.new_empty(emissions.shape[0], dtype=torch.int8)
    alpha = emissions.new_empty((*emissions.shape[:2], kernels().padded_labels(emissions.shape[2], emissions.dtype)))
    return _per_row(emissions), alpha, emissions.new_empty(emissions.shape[:2]), status


def _like_scores(emissions, transitions, start, end, *rest):
    return tuple(
        torch.empty_like(x, memory_format=torch.contiguous_format) for x in (emissions, transitions, start, end)
    )


_fake("gradient")(_like_scores)
_fake("hessian_product")(_like_scores)
_fake("score_gradient")(_like_scores)


def _row_fake(emissions, *rest):
    return _per_row(emissions)


_fake("expected_score")(_row_fake)
_fake("score")(_row_fake)


@_fake("decode")
def _decode_fake(emissions, transitions, start, end, lengths):
    return emissions.new_empty(emissions.shape[:2], dtype=torch.int64)


@_fake("k_best")
def _k_best_fake(emissions, transitions, start, end, lengths, k):
    batch, steps, _ = emissions.shape
    return emissions.new_empty((batch, k, steps), dtype=torch.int64), emissions.new_empty(
        (batch, k), dtype=torch.float64
    )


@_fake("sample")
def _sample_fake(emissions, transitions, start, end, lengths, uniforms):
    return torch.empty_like(uniforms, dtype=torch.int64, memory_format=torch.contiguous_format)


def _autograd(name, backward, setup):
    register_autograd(f"hybridseq::chain_{name}", backward, setup_context=setup, lib=_library)


def _save_log_partition(ctx, inputs, output):
    ctx.save_for_backward(*inputs, *output[1:])
    ctx.mark_non_differentiable(*output[1:])


def _log_partition_backward(ctx, weight, *_):
    return *gradient(*ctx.saved_tensors, weight), None


_autograd("log_partition", _log_partition_backward, _save_log_partition)


def _save_inputs(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def _direction(scores, gradients):
    return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(scores, gradients))


def _gradient_backward(ctx, *gradients):
    *scores, lengths, _, _, _, weight = ctx.saved_tensors
    direction = _direction(scores, gradients)
    by_scores = hessian_product(*scores, *direction, lengths, weight)
    by_weight = expected_score(*scores, *direction, lengths) if ctx.needs_input_grad[-1] else None
    return *by_scores, None, None, None, None, by_weight


_autograd("gradient", _gradient_backward, _save_inputs)


def _expected_score_backward(ctx, weight):
    *scores, lengths = ctx.saved_tensors
    scores, direction = scores[:4], scores[4:]
    by_scores = by_direction = (None,) * 4
    if any(ctx.needs_input_grad[:4]):
        by_scores = hessian_product(*scores, *direction, lengths, weight)
    if any(ctx.needs_input_grad[4:8]):
        _, alpha, scale, status = log_partition(*scores, lengths)
        by_direction = gradient(*scores, lengths, alpha, scale, status, weight)
    return *by_scores, *by_direction, None


_autograd("expected_score", _expected_score_backward, _save_inputs)


def _score_backward(ctx, weight):
    return *score_gradient(*ctx.saved_tensors, weight), None, None


_autograd("score", _score_backward, _save_inputs)


def _score_gradient_backward(ctx, *gradients):
    *scores, lengths, labels, _ = ctx.saved_tensors
    return *(None,) * 6, score(*_direction(scores, gradients), lengths, labels)


_autograd("score_gradient", _score_gradient_backward, _save_inputs)


def _no_third_derivative(ctx, *gradients):
    raise RuntimeError(
        "the chain's CPU kernel has no third derivatives; ask for the reference: LinearChain(..., backend='reference')."
    )


_autograd("hessian_product", _no_third_derivative, _save_inputs)
