"""The generator: a network that answers with the output that F is to like best."""

import torch
from torch import Tensor, nn

from hybridseq.inference.spaces import OutputSpace

#: The twin outputs: for test, and the cost-augmented one for training.
HEADS = "plain", "augmented"


class Generator(nn.Module):
    """G(x, z). A concrete one defines :meth:`space` and :meth:`logits`.

    Attributes
    ----------
    noise_size : int
        Components of z; 0: there is none.
    two_heads : bool
        Whether a second head answers with what F + Δ likes best, so that training leaves the first as it is to be used
        :cite:p:`tu2020joint`.
    """

    noise_size = 0
    two_heads = False

    def space(self, x) -> OutputSpace:
        """What the answers to a batch of inputs are."""
        raise TypeError(f"{type(self).__name__} must define space(x).")

    def logits(self, x, z=None, head="plain") -> Tensor:
        """Unbounded numbers of the shape of relaxed outputs."""
        raise TypeError(f"{type(self).__name__} must define logits(x, z, head).")

    def relax(self, logits: Tensor, space: OutputSpace) -> Tensor:
        """Relaxed outputs from logits; by default softmax, logistic function, or bounds."""
        return space.squash(logits)

    def forward(self, x, z=None, head="plain") -> Tensor:
        """Relaxed outputs.

        Parameters
        ----------
        x
            A batch of inputs.
        z : (B, noise_size) tensor, optional
            Needed where the generator has noise.
        head : {"plain", "augmented"}
        """
        return self.relax(self.logits(x, z, head), self.space(x))

    def draw_noise(self, batch: int, n: int | None = None, generator=None, like: Tensor | None = None):
        """Standard normal z (B, noise_size), or (n, B, noise_size); None where the generator has no noise."""
        if not self.noise_size:
            return None
        shape = (batch, self.noise_size) if n is None else (n, batch, self.noise_size)
        found = torch.randn(shape, generator=generator)
        return found if like is None else found.to(like)

    def check_noise(self, z, batch: int) -> None:
        """Raise where z is not what the generator takes."""
        if not self.noise_size:
            if z is not None:
                raise ValueError("this generator has no noise (noise_size=0): leave z out.")
            return
        wanted = batch, self.noise_size
        if z is None or tuple(z.shape) != wanted:
            got = "none" if z is None else tuple(z.shape)
            raise ValueError(f"z must have shape (B, noise_size) = {wanted}; got {got}. Draw it: draw_noise({batch}).")
