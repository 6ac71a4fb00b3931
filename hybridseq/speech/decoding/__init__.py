"""From frame scores to words: beam search, alignment, streams, lattices; kaldi-decoder as another search."""

from hybridseq.speech.decoding.align import AlignmentError, align
from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.decoding.hypothesis import Hypothesis
from hybridseq.speech.decoding.kaldi import to_kaldifst
from hybridseq.speech.decoding.lattice import Lattice
from hybridseq.speech.decoding.stream import DecoderStream

__all__ = ["AlignmentError", "Decoder", "DecoderStream", "Hypothesis", "Lattice", "align", "to_kaldifst"]
