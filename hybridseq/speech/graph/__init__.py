"""Graphs of HMM states: topologies, tying, and their compilation from lexicon and grammar."""
