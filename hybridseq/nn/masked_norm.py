"""Batch normalisation that knows the padding."""

import torch
from torch import nn
from torch.nn import functional as F


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation over the positions in use :cite:p:`ioffe2015`; the padding is 0 and has no part in it.

    ``forward(inputs (B, C, T), used (B, 1, T))``, where ``used`` is 1 or 0 of the inputs' type.
    """

    def forward(self, inputs, used):
        if not self.training:
            scale = self.weight * torch.rsqrt(self.running_var + self.eps)
            shift = self.bias - self.running_mean * scale
            return (inputs * scale[:, None] + shift[:, None]) * used
        count = used.sum()
        mean = (inputs * used).sum((0, 2)) / count
        centred = (inputs - mean[:, None]) * used
        variance = (centred * centred).sum((0, 2)) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            unbiased = variance * count / (count - 1).clamp(min=1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(unbiased, self.momentum)
        return centred * (self.weight * torch.rsqrt(variance + self.eps))[:, None] + self.bias[:, None] * used


class Normalised(nn.Module):
    """A convolution over time, normalised, rectified, dropped out: (B, C, T) and ``used`` to (B, H, T)."""

    def __init__(self, input_size, output_size, width, dilation, dropout):
        super().__init__()
        padding = dilation * (width // 2)
        self.convolution = nn.Conv1d(input_size, output_size, width, padding=padding, dilation=dilation, bias=False)
        self.norm = MaskedBatchNorm(output_size)
        self.dropout = dropout

    def forward(self, inputs, used):
        hidden = F.relu(self.norm(self.convolution(inputs), used))
        return F.dropout(hidden, self.dropout, self.training)
