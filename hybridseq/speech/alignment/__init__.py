"""Words and phones in time: CTM and TextGrid files, boundary errors, pictures."""

from hybridseq.speech.alignment.boundaries import BoundaryErrors, boundary_errors
from hybridseq.speech.alignment.ctm import read_ctm, write_ctm
from hybridseq.speech.alignment.loudness import sharpen
from hybridseq.speech.alignment.picture import plot_alignment
from hybridseq.speech.alignment.segments import Alignment, Segment
from hybridseq.speech.alignment.textgrid import read_textgrid, write_textgrid

__all__ = [
    "Alignment",
    "BoundaryErrors",
    "Segment",
    "boundary_errors",
    "plot_alignment",
    "read_ctm",
    "read_textgrid",
    "sharpen",
    "write_ctm",
    "write_textgrid",
]
