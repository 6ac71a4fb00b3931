"""An encoder of positions that are images."""

import torch
from torch import nn


class ImageEncoder(nn.Module):
    """A convolutional network over the image at each position, and what reads its output along the sequence.

    Parameters
    ----------
    shape : (int, int)
        Height and width: a position's vector has height · width components, row after row.
    channels : sequence of int
        Filters of each stage. A stage is a convolution of 3 × 3, a normalisation over the image and a rectifier;
        between stages the maximum of each 2 × 2 pixels is taken.
    output_size : int
        Components of what the last stage is projected to.
    dropout : float
        Dropout of the last stage's output, anew at every position.
    context : nn.Module, optional
        A module ``forward(inputs (B, T, output_size), lengths (B,)) -> (B, T, H)`` such as
        :class:`~hybridseq.nn.Recurrent`, which reads the images' vectors in their order; None: each by itself.

    Raises
    ------
    ValueError
        Where the shape is not two whole numbers, there is no stage, or, in the forward pass, vectors are not of
        the shape's size.

    Notes
    -----
    ``forward(inputs (B, T, height · width), lengths (B,)) -> (B, T, H)`` with H in ``output_size``; zeros at padding.
    Images are normalised one by one (group normalisation :cite:p:`wu2018`), so that neither padding nor the other
    images of a batch change anything, in training too. O(B·T·height·width·channels²).
    Stages of convolution and subsampling :cite:p:`lecun1998`.

    Examples
    --------
    >>> import torch
    >>> encoder = ImageEncoder((16, 8), output_size=64)
    >>> encoder(torch.zeros(2, 5, 128), torch.tensor([5, 3])).shape
    torch.Size([2, 5, 64])
    """

    def __init__(self, shape, *, channels=(32, 64, 128), output_size=256, dropout=0.3, context=None):
        super().__init__()
        if len(shape) != 2 or not all(isinstance(n, int) and n > 0 for n in shape):
            raise ValueError(f"shape must be (height, width) in pixels, such as (16, 8); got {shape!r}")
        if not channels:
            raise ValueError("channels must name the filters of at least one stage; got none")
        self.shape = tuple(shape)
        height, width = shape
        layers = []
        for i, (before, after) in enumerate(zip([1, *channels], channels)):
            if i:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
                height, width = -(-height // 2), -(-width // 2)
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.GroupNorm(1, after), nn.ReLU()]
        self.stages = nn.Sequential(*layers)
        self.project = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels[-1] * height * width, output_size), nn.ReLU()
        )
        self.context = context
        self.output_size = output_size if context is None else context.output_size

    def forward(self, inputs, lengths):
        height, width = self.shape
        if inputs.shape[2] != height * width:
            raise ValueError(
                f"images of shape {self.shape} have {height * width} components; got vectors of {inputs.shape[2]}"
            )
        real = torch.arange(inputs.shape[1], device=inputs.device) < lengths[:, None]
        found = self.project(self.stages(inputs[real].view(-1, 1, height, width)))
        encoded = found.new_zeros(*inputs.shape[:2], found.shape[1])
        encoded[real] = found
        return encoded if self.context is None else self.context(encoded, lengths)
