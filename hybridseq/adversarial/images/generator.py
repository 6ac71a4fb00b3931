"""A generator of small pictures: from condition and noise up to pixels, doubling the size stage by stage."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from hybridseq.adversarial.generator import Generator
from hybridseq.inference.spaces import PixelSpace

#: Pictures are doubled from no fewer pixels than this.
_LEAST = 4


def doublings(height: int, width: int) -> int:
    """How often a picture of at least 4 pixels a side is doubled to reach a size."""
    count, least = 0, min(height, width)
    while -(-least // 2) >= _LEAST:
        count, least = count + 1, -(-least // 2)
    return count


class ImageGenerator(Generator):
    """G(x, z): pictures (B, C, H, W) from −1 to 1.

    Parameters
    ----------
    encoder : nn.Module
        Of conditions, with ``output_size``; see :mod:`hybridseq.adversarial.images.conditions`.
    shape : (int, int, int)
        C, H, W of a picture.
    noise_size : int
        Components of z; 0: one picture a condition.
    width : int
        Channels of the last stage before the pixels; each earlier one has twice as many.
    style_size : int
        Components of the vector, made of condition and noise, that scales and shifts every channel of every stage.

    Notes
    -----
    Transposed convolutions double the size :cite:p:`radford2016`; every stage is scaled and shifted channel by channel
    :cite:p:`perez2018`. O(B·H·W·width²).
    """

    def __init__(self, encoder, shape, *, noise_size=16, width=32, style_size=128):
        super().__init__()
        self.encoder, self.shape, self.noise_size = encoder, tuple(shape), noise_size
        channels, height, wide = self.shape
        stages = doublings(height, wide)
        widths = [width * 2**i for i in range(stages, -1, -1)]
        self.start_shape = widths[0], -(-height // 2**stages), -(-wide // 2**stages)
        self.style = nn.Sequential(
            nn.Linear(encoder.output_size + noise_size, style_size),
            nn.LeakyReLU(0.2),
            nn.Linear(style_size, style_size),
            nn.LeakyReLU(0.2),
        )
        first, high, broad = self.start_shape
        self.start = nn.Linear(style_size, first * high * broad)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in pairwise(widths))
        self.modulate = nn.ModuleList(nn.Linear(style_size, 2 * b) for b in widths[1:])
        self.paint = nn.Conv2d(widths[-1], channels, 3, padding=1)
        for layer in (self.style[0], self.style[2], self.start, *self.grow):
            # Each pixel of a transposed convolution of 4 × 4 with step 2 sums over 2 × 2 weights a channel.
            inputs = layer.in_features if isinstance(layer, nn.Linear) else 4 * layer.in_channels
            nn.init.normal_(layer.weight, std=(2 / inputs) ** 0.5)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            # Noise counts as much as the condition at first, however few its components are.
            self.style[0].weight[:, encoder.output_size :] *= (encoder.output_size / max(1, noise_size)) ** 0.5

    def space(self, x):
        return PixelSpace(len(x), self.shape, device=x.device)

    def logits(self, x, z=None, head="plain") -> Tensor:
        self.check_noise(z, len(x))
        given = self.encoder(x)
        style = self.style(given if z is None else torch.cat([given, z], 1))
        canvas = nn.functional.leaky_relu(self.start(style).view(-1, *self.start_shape), 0.2)
        for grow, modulate in zip(self.grow, self.modulate):
            canvas = grow(canvas)
            scale, shift = modulate(style)[:, :, None, None].chunk(2, 1)
            canvas = nn.functional.leaky_relu(canvas * (1 + scale) + shift, 0.2)
        _, height, wide = self.shape
        return 2 * self.paint(canvas[:, :, :height, :wide])
