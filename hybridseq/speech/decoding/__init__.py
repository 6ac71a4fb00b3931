"""From frame scores to words: beam search, alignment, streams, lattices; kaldi-decoder as another search."""
