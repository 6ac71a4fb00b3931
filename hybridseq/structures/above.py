"""A structure above another one: the same scores, over fewer label sequences."""

from hybridseq.structures.structure import Structure


class Above(Structure):
    """A structure whose emissions and lengths are those of its ``base``."""

    base: Structure

    @property
    def emissions(self):
        return self.base.emissions

    @property
    def lengths(self):
        return self.base.lengths

    @property
    def num_labels(self):
        """K."""
        return self.base.num_labels
