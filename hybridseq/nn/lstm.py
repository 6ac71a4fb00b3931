"""The LSTM recurrence with its gradient written out.

torch's own backward pass fills a tensor of the whole sequence anew at every step; here all that does not depend on the
recurrence is done for all steps at once, and both directions share one batched matrix product a step.

With gates o, i, f = σ(·), g = tanh(·) of p(t) + W h(t−1), where p is the projected input:

    c(t) = f c(t−1) + i g,    h(t) = o tanh c(t)

and, for the gradients dh(t) and dc(t) of the loss,

    dc(t) += dh(t) o (1 − tanh² c(t))
    d(o, i, f, g) = (dh tanh c(t) o(1−o),  dc g i(1−i),  dc c(t−1) f(1−f),  dc i (1−g²))
    dh(t−1) += Wᵀ d(o, i, f, g),    dc(t−1) = dc f

Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).
"""

import math

import torch
from torch import nn
from torch.autograd.function import once_differentiable


class _Recurrence(torch.autograd.Function):
    """Projected inputs (T, D, B, 4H) and weights (D, H, 4H) to states (T, D, B, H); D directions, gates o, i, f, g."""

    @staticmethod
    def forward(ctx, projected, weight):
        steps, directions, batch, width = projected.shape
        size = width // 4
        gates = projected.clone()
        cells = gates.new_empty(steps, directions, batch, size)
        bounded = torch.empty_like(cells)
        states = torch.empty_like(cells)
        for t in range(steps):
            gate = gates[t]
            if t:
                gate.baddbmm_(states[t - 1], weight)
            gate[..., : 3 * size].sigmoid_()
            gate[..., 3 * size :].tanh_()
            o, i, f, g = gate.chunk(4, -1)
            torch.mul(i, g, out=cells[t])
            if t:
                cells[t].addcmul_(f, cells[t - 1])
            torch.tanh(cells[t], out=bounded[t])
            torch.mul(o, bounded[t], out=states[t])
        ctx.save_for_backward(weight, gates, cells, bounded, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx, d_states):
        weight, gates, cells, bounded, states = ctx.saved_tensors
        steps, directions, batch, size = states.shape
        o, i, f, g = gates.chunk(4, -1)
        # All factors that the recurrence over t does not touch; "before" is zero at t = 0.
        slopes = torch.empty_like(gates)
        torch.addcmul(o, o, o, value=-1, out=slopes[..., :size]).mul_(bounded)
        torch.addcmul(i, i, i, value=-1, out=slopes[..., size : 2 * size]).mul_(g)
        forget = torch.addcmul(f, f, f, value=-1, out=slopes[..., 2 * size : 3 * size])
        forget[0].zero_()
        forget[1:].mul_(cells[:-1])
        torch.addcmul(i, i, g * g, value=-1, out=slopes[..., 3 * size :])
        through = torch.addcmul(o, o, bounded * bounded, value=-1)

        d_gates = torch.empty_like(gates)
        d_state, d_cell = d_states[-1], torch.zeros_like(states[0])
        back = weight.transpose(1, 2)
        for t in range(steps - 1, -1, -1):
            d_cell.addcmul_(d_state, through[t])
            torch.mul(d_state, slopes[t, ..., :size], out=d_gates[t, ..., :size])
            rest = (directions, batch, 3, size)
            torch.mul(
                d_cell[:, :, None],
                slopes[t, ..., size:].unflatten(-1, (3, size)),
                out=d_gates[t, ..., size:].view(rest),
            )
            if t:
                d_cell.mul_(f[t])
                d_state = torch.baddbmm(d_states[t - 1], d_gates[t], back)
        d_weight = torch.zeros_like(weight)
        if steps > 1:
            before = states[:-1].transpose(0, 1).flatten(1, 2)
            after = d_gates[1:].transpose(0, 1).flatten(1, 2)
            torch.bmm(before.transpose(1, 2), after, out=d_weight)
        return d_gates, d_weight


class LSTMLayer(nn.Module):
    """One LSTM layer in one or two directions.

    Parameters
    ----------
    input_size, hidden_size : int
        Components of the input, and of the state in each direction.
    bidirectional : bool
        Whether it also reads from each row's end to its start.

    Notes
    -----
    ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)``, H the hidden size times the number of directions, zeros
    at padding. Once differentiable.
    """

    def __init__(self, input_size, hidden_size, bidirectional=True):
        super().__init__()
        directions = 1 + bidirectional
        self.weight_input = nn.Parameter(torch.empty(directions, input_size, 4 * hidden_size))
        self.weight_state = nn.Parameter(torch.empty(directions, hidden_size, 4 * hidden_size))
        self.bias = nn.Parameter(torch.zeros(directions, 4 * hidden_size))
        bound = math.sqrt(6 / (input_size + hidden_size))
        with torch.no_grad():
            self.weight_input.uniform_(-bound, bound)
            for direction in self.weight_state:
                for gate in direction.chunk(4, 1):
                    gate.copy_(nn.init.orthogonal_(torch.empty(hidden_size, hidden_size)))
            self.bias[:, 2 * hidden_size : 3 * hidden_size] = 1

    def forward(self, inputs, lengths):
        batch, steps, _ = inputs.shape
        directions = self.bias.shape[0]
        rows = inputs.transpose(0, 1)
        place = torch.arange(steps, device=inputs.device)[:, None]
        real = place < lengths
        if directions == 2:
            # Each row read backwards within its length; the same index takes the states back to their places.
            mirror = torch.where(real, lengths - 1 - place, place) * batch + torch.arange(batch, device=inputs.device)
            mirror = mirror.flatten()
            rows = rows.flatten(0, 1)
            both = torch.stack([rows, _permute(rows, mirror)])
        else:
            both = rows.flatten(0, 1)[None]
        projected = torch.baddbmm(self.bias[:, None], both, self.weight_input)
        projected = projected.view(directions, steps, batch, -1).transpose(0, 1)
        states = _Recurrence.apply(projected, self.weight_state)
        if directions == 2:
            back = _permute(states[:, 1].flatten(0, 1), mirror).view(steps, batch, -1)
            states = torch.cat([states[:, 0], back], 2)
        else:
            states = states[:, 0]
        return (states * real[:, :, None]).transpose(0, 1)


class _Permute(torch.autograd.Function):
    """Rows by an index that is its own inverse; so is the gradient."""

    @staticmethod
    def forward(ctx, rows, index):
        ctx.save_for_backward(index)
        return rows.index_select(0, index)

    @staticmethod
    @once_differentiable
    def backward(ctx, d_rows):
        return d_rows.index_select(0, ctx.saved_tensors[0]), None


_permute = _Permute.apply
