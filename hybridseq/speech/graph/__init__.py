"""Graphs of HMM states: topologies, tying, and their compilation from lexicon and grammar."""

from hybridseq.speech.graph.arcs import Compiled, min_frames, to_arcs
from hybridseq.speech.graph.ctc import ctc_decoding_graph, ctc_graph
from hybridseq.speech.graph.decoding import decoding_graph, denominator_graph, word_loop
from hybridseq.speech.graph.dot import to_dot
from hybridseq.speech.graph.grammar import with_grammar
from hybridseq.speech.graph.paths import FrameSpan, Packed, arcs_along, pack, path_graph, segments
from hybridseq.speech.graph.search_graph import SearchGraph
from hybridseq.speech.graph.topology import ENTRY, EXIT, Topology, chain, left_to_right, three_state, whole_word
from hybridseq.speech.graph.transcripts import phone_graph, transcript_graph
from hybridseq.speech.graph.units import Units

__all__ = [
    "ENTRY",
    "EXIT",
    "Compiled",
    "FrameSpan",
    "Packed",
    "SearchGraph",
    "Topology",
    "Units",
    "arcs_along",
    "chain",
    "ctc_decoding_graph",
    "ctc_graph",
    "decoding_graph",
    "denominator_graph",
    "left_to_right",
    "min_frames",
    "pack",
    "path_graph",
    "phone_graph",
    "segments",
    "three_state",
    "to_arcs",
    "to_dot",
    "transcript_graph",
    "whole_word",
    "with_grammar",
    "word_loop",
]
