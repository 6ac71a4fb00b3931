"""Graphs of HMM states: topologies, tying, and their compilation from lexicon and grammar."""

from hybridseq.speech.graph.arcs import Compiled, min_frames, to_arcs
from hybridseq.speech.graph.decoding import decoding_graph, word_loop
from hybridseq.speech.graph.search_graph import SearchGraph
from hybridseq.speech.graph.topology import ENTRY, EXIT, Topology, chain, left_to_right, three_state, whole_word
from hybridseq.speech.graph.transcripts import phone_graph, transcript_graph
from hybridseq.speech.graph.units import Units

__all__ = [
    "ENTRY",
    "EXIT",
    "Compiled",
    "SearchGraph",
    "Topology",
    "Units",
    "chain",
    "decoding_graph",
    "left_to_right",
    "min_frames",
    "phone_graph",
    "three_state",
    "to_arcs",
    "transcript_graph",
    "whole_word",
    "word_loop",
]
