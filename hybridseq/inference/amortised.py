"""An amortised argmax: a generator that gives an answer in one pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from hybridseq.inference.score_function import Scored
from hybridseq.inference.spaces import OutputSpace
from hybridseq.inference.starts import check_scored
from hybridseq.structures.checks import check_count


@runtime_checkable
class AmortisedArgmax(Protocol):
    """A network that was trained to give the output that F likes best :cite:p:`tu2018`.

    Attributes
    ----------
    noise_size : int
        Numbers of noise z that it takes for an example; 0: none, one answer an input.
    """

    noise_size: int

    def space(self, x) -> OutputSpace:
        """The outputs of a batch."""

    def logits(self, x, z: Tensor | None = None, head: str = "plain") -> Tensor:
        """Unbounded numbers of the relaxed shape, which ``space(x).squash`` makes an answer."""

    def __call__(self, x, z: Tensor | None = None, head: str = "plain") -> Tensor:
        """A relaxed answer."""


@contextmanager
def evaluating(*modules) -> Iterator[None]:
    """Modules in evaluation mode, and afterwards as they were; what is no module stays as it is."""
    modes = [(part, part.training) for m in modules if isinstance(m, nn.Module) for part in m.modules()]
    for part, _ in modes:
        part.training = False
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def noise(generator: AmortisedArgmax, batch: int, seed: int = 0) -> Tensor | None:
    """Seeded standard normal z (batch, noise_size); None where the generator takes none."""
    return next(_draws(generator, batch, 1, seed)) if generator.noise_size else None


def _draws(generator, batch, count, seed):
    """Draw after draw, each (batch, noise_size)."""
    parameter = next(generator.parameters(), None) if isinstance(generator, nn.Module) else None
    source = torch.Generator().manual_seed(seed)
    for _ in range(count):
        # One by one: the first numbers of a longer randn are others.
        z = torch.randn(batch, generator.noise_size, generator=source)
        yield z if parameter is None else z.to(parameter)


@torch.no_grad()
def answer(generator: AmortisedArgmax, x, z: Tensor | None = None, *, seed: int = 0) -> Tensor:
    """A generator's hard answers, in evaluation mode.

    Parameters
    ----------
    generator : AmortisedArgmax
    x : batch of inputs
    z : (B, noise_size) tensor, optional
        Drawn with the seed if not given.
    """
    _check_generator(generator)
    if z is not None and not isinstance(z, Tensor):
        raise TypeError(f"z must be a tensor (B, noise_size); got {type(z).__name__}. Convert it: torch.as_tensor(…).")
    with evaluating(generator):
        space = generator.space(x)
        if z is None:
            z = noise(generator, space.batch, seed)
        elif tuple(z.shape) != (space.batch, generator.noise_size):
            wanted = (space.batch, generator.noise_size)
            raise ValueError(f"z must have shape (B, noise_size) = {wanted}; got {tuple(z.shape)}.")
        return space.harden(generator(x, z))


@torch.no_grad()
def best_of_draws(scored: Scored, generator: AmortisedArgmax, x, *, draws: int = 8, seed: int = 0) -> Tensor:
    """The answer that F scores highest among those to several draws of z.

    Parameters
    ----------
    scored : Scored
        F(x, ·).
    generator : AmortisedArgmax
        One that takes noise.
    x : batch of inputs
        The same as F's.
    draws : int
        How many z for every example.
    seed : int
        Of the draws. More draws with the same seed begin with the same ones, so that the score never falls.

    Raises
    ------
    ValueError
        Where the generator takes no noise: all draws would be one.
    """
    check_count("draws", draws)
    check_scored(scored, "best_of_draws")
    _check_generator(generator)
    if not generator.noise_size:
        raise ValueError("best_of_draws needs a generator that takes noise; this one has noise_size 0, one answer.")
    ys = torch.stack([answer(generator, x, z) for z in _draws(generator, scored.space.batch, draws, seed)])
    return best_of(scored, ys)


def _check_generator(generator):
    if not isinstance(generator, AmortisedArgmax):
        raise TypeError(
            "a generator has noise_size, space(x), logits(x, z) and is called with (x, z), see AmortisedArgmax; got "
            f"{type(generator).__name__}."
        )


def best_of(scored: Scored, ys: Tensor) -> Tensor:
    """For every example the highest-scored of n outputs, (n, B, …); the first of equals."""
    scores = torch.stack([scored.score(y) for y in ys])
    return ys[scores.argmax(0), torch.arange(scored.space.batch, device=ys.device)]
