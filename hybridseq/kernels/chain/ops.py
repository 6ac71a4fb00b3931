"""The chain's operations as registered torch operators: fake implementations, autograd rules, CPU kernels.

Scores are ``(emissions, transitions, start, end)`` as in ``reference``, of one dtype, float32 or float64. Values of
log-partition and score are float64, so that differences of long sequences keep their digits. The log-partition is
twice differentiable, expected scores and marginals once.
"""

import torch
from torch.library import Library, register_autograd, register_fake

_SCORES = "Tensor emissions, Tensor transitions, Tensor start, Tensor end"
_DIRECTION = "Tensor d_emissions, Tensor d_transitions, Tensor d_start, Tensor d_end"
_FOUR = "(Tensor, Tensor, Tensor, Tensor)"
_SCHEMAS = {
    "chain_log_partition": f"({_SCORES}, Tensor lengths) -> (Tensor, Tensor, Tensor, Tensor)",
    "chain_gradient": f"({_SCORES}, Tensor lengths, Tensor alpha, Tensor scale, Tensor status, Tensor weight) -> {_FOUR}",
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


def _kernels():
    from hybridseq.kernels.chain import numba_cpu

    return numba_cpu


def _array(tensor):
    return tensor.detach().contiguous().numpy()


def _arrays(emissions, transitions, start, end):
    steps = _array(transitions)
    if steps.ndim == 2:
        steps = steps.reshape(1, 1, *steps.shape)
    return _array(emissions), steps, _array(start), _array(end)


def _tensors(like, arrays):
    return tuple(torch.from_numpy(a).to(x.dtype).view(x.shape) for x, a in zip(like, arrays))


def _log_partition_cpu(emissions, transitions, start, end, lengths):
    scores = _arrays(emissions, transitions, start, end)
    return tuple(map(torch.from_numpy, _kernels().log_partition(*scores, _array(lengths))))


def _gradient_cpu(emissions, transitions, start, end, lengths, alpha, scale, status, weight):
    like = emissions, transitions, start, end
    rest = map(_array, (lengths, alpha, scale, status, weight))
    return _tensors(like, _kernels().gradient(*_arrays(*like), *rest))


def _hessian_product_cpu(
    emissions, transitions, start, end, d_emissions, d_transitions, d_start, d_end, lengths, weight
):
    like = emissions, transitions, start, end
    direction = _arrays(d_emissions, d_transitions, d_start, d_end)
    product = _kernels().hessian_product(*_arrays(*like), direction, _array(lengths), _array(weight))
    return _tensors(like, product)


def _expected_score_cpu(
    emissions, transitions, start, end, d_emissions, d_transitions, d_start, d_end, lengths
):
    scores = _arrays(emissions, transitions, start, end)
    direction = _arrays(d_emissions, d_transitions, d_start, d_end)
    return torch.from_numpy(_kernels().expected_score(*scores, direction, _array(lengths)))


def _score_cpu(emissions, transitions, start, end, lengths, labels):
    scores = _arrays(emissions, transitions, start, end)
    return torch.from_numpy(_kernels().score(*scores, _array(lengths), _array(labels)))


def _score_gradient_cpu(emissions, transitions, start, end, lengths, labels, weight):
    like = emissions, transitions, start, end
    arrays = _arrays(*like)[:2]
    return _tensors(like, _kernels().score_gradient(*arrays, *map(_array, (lengths, labels, weight))))


def _decode_cpu(emissions, transitions, start, end, lengths):
    return torch.from_numpy(_kernels().decode(*_arrays(emissions, transitions, start, end), _array(lengths)))


def _k_best_cpu(emissions, transitions, start, end, lengths, k):
    scores = _arrays(emissions, transitions, start, end)
    return tuple(map(torch.from_numpy, _kernels().k_best(*scores, _array(lengths), k)))


def _sample_cpu(emissions, transitions, start, end, lengths, uniforms):
    scores = _arrays(emissions, transitions, start, end)
    return torch.from_numpy(_kernels().sample(*scores, _array(lengths), _array(uniforms)))


for _name in _SCHEMAS:
    _library.impl(_name, globals()[f"_{_name.removeprefix('chain_')}_cpu"], "CPU")


def _fake(name):
    return register_fake(f"hybridseq::chain_{name}", lib=_library)


def _per_row(emissions):
    return emissions.new_empty(emissions.shape[0], dtype=torch.float64)


@_fake("log_partition")
def _log_partition_fake(emissions, transitions, start, end, lengths):
    status = emissions.new_empty(emissions.shape[0], dtype=torch.int8)
    alpha = emissions.new_empty((*emissions.shape[:2], _kernels().padded_labels(emissions.shape[2], emissions.dtype)))
    return _per_row(emissions), alpha, emissions.new_empty(emissions.shape[:2]), status


def _like_scores(emissions, transitions, start, end, *rest):
    return tuple(
        torch.empty_like(x, memory_format=torch.contiguous_format)
        for x in (emissions, transitions, start, end)
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
