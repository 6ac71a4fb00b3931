"""A generator that paints layer on layer: each a shape of one colour, at a place and a size of its own."""

import torch
from torch import Tensor, nn

from hybridseq.adversarial.generator import Generator
from hybridseq.inference.spaces import PixelSpace

#: Size of a layer before it has learned one, of a picture from −1 to 1; how sharp its border is then; and beyond how
#: many of its sizes there is nothing of it, so that one layer cannot be two things.
_SIZE, _SHARP, _REACH = 0.3, 4.0, 1.6
#: The logarithm of how much larger or smaller than that a layer may be; the most extreme colour at the start.
_RANGE, _EXTREME = 0.7, 0.98


class LayeredGenerator(Generator):
    r"""G(x, z): pictures (B, C, H, W) from −1 to 1, of a few layers over a background.

    Layer k has a colour and a shape that are linear in its part of the condition's vector, and a place and a size that
    a network makes of condition and noise. Its opacity at a pixel p is that of a learned shape at

    .. math::

       u = (p - \mathrm{place}_k) / \mathrm{size}_k

    so that a shape is learned once for all places :cite:p:`yang2017,stanley2007`. With a
    :class:`~hybridseq.adversarial.images.CaptionEncoder` that attends, colours and shapes are sums over words: what is
    learned of "red" and of "square" holds of red squares.

    Parameters
    ----------
    encoder : nn.Module
        Of conditions, with ``output_size``.
    shape : (int, int, int)
        C, H, W of a picture.
    noise_size : int
        Components of z; 0: one picture a condition.
    layers : int
        How many, at most; a layer can be left out for a condition.
    hidden_size : int
        Of the networks of places and of shapes.
    background : (C,) array, optional
        The colour that the background starts with, from −1 to 1, such as the median of the pictures; grey by default.

    Notes
    -----
    O(B·layers·H·W·hidden_size²/4).
    """

    def __init__(self, encoder, shape, *, noise_size=16, layers=2, hidden_size=128, background=None):
        super().__init__()
        self.encoder, self.shape, self.noise_size, self.layers = encoder, tuple(shape), noise_size, layers
        channels, height, wide = self.shape
        if encoder.output_size % layers:
            raise ValueError(
                f"the encoder's output_size must be a multiple of layers={layers}, a part for each; got "
                f"{encoder.output_size}."
            )
        given, own, fine = encoder.output_size, encoder.output_size // layers, hidden_size // 4
        start = torch.zeros(channels) if background is None else torch.as_tensor(background, dtype=torch.float32)
        self.background = nn.Parameter(start.clamp(-_EXTREME, _EXTREME).atanh())
        self.colour = nn.Linear(own, channels)
        self.there = nn.Linear(given, layers)
        self.code = nn.Linear(own, 2 * fine)
        self.place = nn.Sequential(
            nn.Linear(given + noise_size, hidden_size),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, hidden_size),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, 3 * layers),
        )
        self.first = nn.Linear(3, fine)
        self.second = nn.Linear(fine, fine)
        self.last = nn.Linear(fine, 1)
        down, across = torch.meshgrid(_middles(height), _middles(wide), indexing="ij")
        self.register_buffer("pixels", torch.stack([across, down], 2).view(1, 1, height * wide, 2), persistent=False)

    def space(self, x):
        return PixelSpace(len(x), self.shape, device=x.device)

    def logits(self, x, z=None, head="plain") -> Tensor:
        self.check_noise(z, len(x))
        given = self.encoder(x)
        batch, (channels, height, wide) = len(given), self.shape
        opacity = self._opacity(given, z)
        colour = 2 * self.colour(given.view(batch, self.layers, -1))[..., None]
        painted = 2 * self.background[None, :, None].expand(batch, -1, height * wide)
        for k in range(self.layers):
            painted = painted + opacity[:, k, None] * (colour[:, k] - painted)
        return painted.reshape(batch, channels, height, wide)

    def _opacity(self, given, z):
        """(B, layers, pixels)"""
        batch = len(given)
        where = self.place(given if z is None else torch.cat([given, z], 1)).view(batch, self.layers, 1, 3)
        place, size = 2 * where[..., :2], _SIZE * (_RANGE * where[..., 2:].tanh()).exp()
        u = (self.pixels - place.tanh()) / size
        far = u.square().sum(3, keepdim=True).add(1e-6).sqrt()
        scale, shift = self.code(given.view(batch, self.layers, 1, -1)).chunk(2, 3)
        seen = nn.functional.leaky_relu(self.first(torch.cat([u, far], 3)) + shift, 0.2)
        seen = nn.functional.leaky_relu(self.second(seen) * (1 + scale), 0.2)
        shape = (self.last(seen) + _SHARP * (1 - far)).sigmoid() * (2 * _SHARP * (_REACH - far)).sigmoid()
        return shape[..., 0] * self.there(given)[:, :, None].add(2).sigmoid()


def _middles(n):
    return (torch.arange(n) + 0.5) * (2 / n) - 1
