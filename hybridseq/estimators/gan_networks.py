"""The networks of a conditional GAN from its parameters."""

from hybridseq.adversarial.images.critics import ConcatenatedCritic, ProjectionCritic
from hybridseq.adversarial.images.generator import ImageGenerator
from hybridseq.adversarial.images.layered import LayeredGenerator

GENERATORS = {"convolutional": ImageGenerator, "layered": LayeredGenerator}
CRITICS = {"projection": ProjectionCritic, "concatenated": ConcatenatedCritic}
#: Parts of a caption's or a class's vector.
_SLOTS = 8


def build_players(gan, conditions, shape, background=None):
    """Generator and critic; no critic where the generator is trained by itself.

    Parameters
    ----------
    gan : ConditionalGAN
    conditions
        The reader of its conditions.
    shape : (int, int) or (int, int, int)
        Height and width, and channels where there are any.
    background : (channels,) tensor, optional
        What a layered generator starts with.
    """
    height, width, *channels = shape
    shape = (*(channels or [1]), height, width)
    alone = gan.training == "regression"
    layered = gan.generator == "layered"
    slots = _SLOTS if not layered else gan.layers * -(-_SLOTS // gan.layers)
    options = {"reader": gan.caption_reader, "slots": slots}
    own = {"width": gan.width}
    if layered:
        own = {"layers": gan.layers, "hidden_size": 2 * gan.width, "background": background}
    noise_size = 0 if alone else gan.noise_size
    generator = GENERATORS[gan.generator](conditions.encoder(options), shape, noise_size=noise_size, **own)
    if alone:
        return generator, None
    critic = CRITICS[gan.critic](
        conditions.encoder(options), shape, width=gan.width, hidden_size=8 * gan.width, spectral=gan.spectral
    )
    return generator, critic
