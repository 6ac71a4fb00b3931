"""Conditional images: encoders of what is asked for, a generator of pictures, critics of pairs."""

from hybridseq.adversarial.images.conditions import (
    ArrayEncoder,
    CaptionEncoder,
    ClassEncoder,
    PictureEncoder,
)
from hybridseq.adversarial.images.critics import ConcatenatedCritic, ProjectionCritic
from hybridseq.adversarial.images.generator import ImageGenerator
from hybridseq.adversarial.images.layered import LayeredGenerator

__all__ = [
    "ArrayEncoder",
    "CaptionEncoder",
    "ClassEncoder",
    "ConcatenatedCritic",
    "ImageGenerator",
    "LayeredGenerator",
    "PictureEncoder",
    "ProjectionCritic",
]
