"""Vectors of bits: score functions that see all labels of an example at once, and ways to train them."""
