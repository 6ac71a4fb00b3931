"""Bits whose cost is what is measured: one less their F1."""

from hybridseq.adversarial.multilabel.oracle import relaxed_f1
from hybridseq.inference.spaces import BitSpace


class F1Space(BitSpace):
    """Vectors of bits; Δ = L₊·(1 − F1), with L₊ the number of bits that are gold, at least 1.

    So scaled, a missed bit costs as much as by Hamming's cost, but an answer is charged as a whole.
    """

    def cost(self, y, gold):
        y = self.relaxed(y)
        gold = gold.to(y.dtype)
        return gold.sum(1).clamp(min=1) * (1 - relaxed_f1(y, gold))

    def rows(self, index):
        return F1Space(len(index), self.num_bits, self.device)


#: cost -> the space with it.
COSTS = {"hamming": BitSpace, "f1": F1Space}
