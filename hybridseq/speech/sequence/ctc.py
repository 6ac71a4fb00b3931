"""Symbols of connectionist temporal classification: their columns, and their graphs."""

from dataclasses import dataclass

import torch

from hybridseq.speech.graph import ENTRY, EXIT, Topology, Units, ctc_decoding_graph, ctc_graph
from hybridseq.speech.lexicon import words_of

#: Nats that the blank is behind at the start.
_BEHIND = 6.0


def hold_back_blank(network) -> None:
    """Lower the blank's score, column 0, at the start of training; the network is changed in place.

    Of a transcript's labellings nearly all are mostly blank. A network that knows nothing therefore first learns to say
    blank everywhere, and leaves that slowly :cite:p:`zeyer2021`. If the blank is improbable at first, symbols share
    the frames among themselves; the blank comes back where it is needed.

    Parameters
    ----------
    network : AcousticNetwork
    """
    with torch.no_grad():
        network.output.bias[0] -= _BEHIND


@dataclass(frozen=True)
class CTCSymbols:
    """The symbols that a network spells, whole words or phones; column 0 is the blank :cite:p:`graves2006`.

    Parameters
    ----------
    symbols : tuple of str
    blank : str
        What the blank is called.

    Raises
    ------
    ValueError
        Where symbols repeat, or one is called like the blank.
    """

    symbols: tuple
    blank: str = "<blank>"

    def __post_init__(self):
        object.__setattr__(self, "symbols", tuple(self.symbols))
        if not self.symbols or len({self.blank, *self.symbols}) <= len(self.symbols):
            raise ValueError(f"symbols must be different, at least one, and not {self.blank!r}; got {self.symbols}.")

    @property
    def names(self):
        """What the columns are called, the blank first."""
        return self.blank, *self.symbols

    @property
    def num_labels(self):
        """P: the symbols and the blank."""
        return len(self.symbols) + 1

    def spell(self, transcript, lexicon=None):
        """The columns of a transcript.

        Parameters
        ----------
        transcript : str or sequence of str
        lexicon : Lexicon, optional
            Each word's most probable pronunciation is spelt. None: words are symbols.
        """
        words = words_of(transcript)
        if lexicon is not None:
            lexicon.check([words])
            words = [p for w in words for p in max(lexicon.pronunciations(w), key=lambda v: v.weight).phones]
        place = {name: i for i, name in enumerate(self.names) if i}
        if strange := [w for w in words if w not in place]:
            raise ValueError(f"{strange[0]!r} is none of the {len(self.symbols)} symbols; add it, or give a lexicon.")
        return [place[w] for w in words]

    def graph(self, transcript, lexicon=None):
        """The ``ctc_graph`` of a transcript: what "ctc" trains on."""
        return ctc_graph(self.spell(transcript, lexicon), 0, self.names)

    def decoding_graph(self):
        """Any symbols in any order: what is searched. Its words are the symbols."""
        return ctc_decoding_graph(self.num_labels, 0, self.names)

    def units(self):
        """The symbols as units, with the blank as their silence: what compilers of words take.

        ``decoding_graph(lexicon, grammar, symbols.units())`` searches the words of a grammar. A symbol lasts one frame
        or more and blanks may follow it. Equal neighbours need no blank between them, so that a long symbol may also
        be heard as two: no matter to the best path where the lexicon or the grammar tells them apart.
        """
        arcs = ((ENTRY, 0), (0, 0), (0, 1), (0, EXIT), (1, 1), (1, EXIT))
        symbol = Topology((0, 1), tuple((a, b, 0.0) for a, b in arcs))
        blank = Topology((0,), tuple((a, b, 0.0) for a, b in ((ENTRY, 0), (0, 0), (0, EXIT))))
        tying = {(s, c): 0 if c else i for i, s in enumerate(self.symbols, 1) for c in (0, 1)}
        return Units(self.symbols, symbol, self.blank, blank, {**tying, (self.blank, 0): 0})
