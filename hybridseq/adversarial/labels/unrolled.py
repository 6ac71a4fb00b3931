"""A learned argmax of a linear chain: mean field, unrolled, with weights of its own."""

from hybridseq.adversarial.generator import Generator
from hybridseq.adversarial.labels.passes import MeanFieldPasses
from hybridseq.inference.spaces import LabelSpace
from hybridseq.nn.crf import CRF


class UnrolledMeanField(Generator):
    """:class:`MeanFieldPasses` over given emissions: started as mean field of a chain, trained an amortised argmax.

    Parameters
    ----------
    layer : CRF
        Whose chains are to be searched.
    passes, reach : int
        See :class:`MeanFieldPasses`.
    temperature : float
        Of the softmax that makes the answer which F scores. At 1, F of the soft answer rises in training while F of
        its best labels falls.

    Notes
    -----
    x is a dictionary: ``emissions`` (B, T, K), ``lengths`` (B,). O(B·T·K²·passes·reach) time.
    """

    def __init__(self, layer: CRF, passes: int = 3, reach: int = 1, temperature: float = 0.3):
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0; got {temperature!r}")
        self.temperature = temperature
        self.passes = MeanFieldPasses(layer, passes, reach)
        self.num_labels = layer.num_labels

    def space(self, x):
        return LabelSpace(x["lengths"], self.num_labels, x["emissions"].shape[1])

    def logits(self, x, z=None, head="plain"):
        self.check_noise(z, len(x["lengths"]))
        return self.passes(x["emissions"], x["lengths"])

    def relax(self, logits, space):
        return space.squash(logits / self.temperature)
