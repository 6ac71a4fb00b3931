"""Critics of pairs of a condition and a picture: F(x, y) by projection, or by a network that reads both."""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from hybridseq.adversarial.images.generator import doublings
from hybridseq.inference.score_function import Scored, ScoreFunction
from hybridseq.inference.spaces import PixelSpace


class ImageScored(Scored):
    """F(x, ·) of pictures, with the conditions' vectors computed."""

    def __init__(self, critic, given, seen=None):
        self.critic, self.given = critic, given
        # The last two batches of pictures and their vectors: real ones are scored beside two conditions.
        self._seen = [] if seen is None else seen
        self.space = PixelSpace(len(given), critic.shape, device=given.device)
        self.dtype = given.dtype

    def raw_score(self, y):
        return self.critic.compare(self.given, self._look(y))

    def _look(self, y):
        if y.is_inference():
            return self.critic.look(y)
        state = y._version, torch.is_grad_enabled()
        for pictures, then, vectors in self._seen:
            if pictures is y and then == state:
                return vectors
        vectors = self.critic.look(y)
        self._seen[:] = [*self._seen[-1:], (y, state, vectors)]
        return vectors

    def rows(self, index):
        whole = len(index) == len(self.given)
        return ImageScored(self.critic, self.given[index], self._seen if whole else None)


class ImageCritic(ScoreFunction):
    """What critics of pictures share: convolutions, one vector a picture. A concrete one defines ``compare``.

    Parameters
    ----------
    encoder : nn.Module
        Of conditions, its own: the generator has another.
    shape : (int, int, int)
        C, H, W of a picture, whose pixels are from −1 to 1.
    width : int
        Channels of the first convolution; each halving of the picture doubles them.
    hidden_size : int
        Components of a picture's vector.
    spectral : bool
        Divide each layer's weights by their largest singular value, so that F cannot be steep :cite:p:`miyato2018`.
    """

    def __init__(self, encoder, shape, *, width=32, hidden_size=256, spectral=False):
        super().__init__()
        self.encoder, self.shape = encoder, tuple(shape)
        self.bound = spectral_norm if spectral else _free
        channels, height, wide = self.shape
        layers = []
        for _ in range(max(1, doublings(height, wide))):
            layers += [self.bound(nn.Conv2d(channels, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
            channels, width, height, wide = width, 2 * width, height // 2, wide // 2
        layers += [nn.Flatten(), self.bound(nn.Linear(channels * height * wide, hidden_size)), nn.LeakyReLU(0.2)]
        self.look = nn.Sequential(*layers)
        self.hidden_size = hidden_size

    def at(self, x):
        return ImageScored(self, self.encoder(x))

    def compare(self, given: Tensor, seen: Tensor) -> Tensor:
        """F (B,) from the vectors of conditions and of pictures."""
        raise TypeError(f"{type(self).__name__} must define compare(given, seen).")


def _free(layer):
    return layer


class ProjectionCritic(ImageCritic):
    r"""F(x, y) = w · φ(y) + V e(x) · φ(y): how real the picture is, and how well it goes with the condition.

    The form of log p(y | x)/q(y | x) where p(x | y) is log-linear :cite:p:`miyato2018cgans`, equation 5.
    """

    def __init__(self, encoder, shape, **options):
        super().__init__(encoder, shape, **options)
        self.real = self.bound(nn.Linear(self.hidden_size, 1))
        self.project = nn.Sequential(
            self.bound(nn.Linear(encoder.output_size, self.hidden_size)),
            nn.LeakyReLU(0.2),
            self.bound(nn.Linear(self.hidden_size, self.hidden_size)),
        )

    def compare(self, given, seen):
        fit = (self.project(given) * seen).sum(1) / self.hidden_size**0.5
        return self.real(seen)[:, 0] + fit


class ConcatenatedCritic(ImageCritic):
    """F(x, y) of a network that reads the vectors of condition and picture together :cite:p:`reed2016`."""

    def __init__(self, encoder, shape, **options):
        super().__init__(encoder, shape, **options)
        self.judge = nn.Sequential(
            self.bound(nn.Linear(encoder.output_size + self.hidden_size, self.hidden_size)),
            nn.LeakyReLU(0.2),
            self.bound(nn.Linear(self.hidden_size, self.hidden_size)),
            nn.LeakyReLU(0.2),
            self.bound(nn.Linear(self.hidden_size, 1)),
        )

    def compare(self, given, seen):
        return self.judge(torch.cat([given, seen], 1))[:, 0]
