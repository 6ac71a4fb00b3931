"""Drawn texts, and random sentences over them."""

from hypothesis import strategies as st

WORDS = "abc"
sentences = st.lists(st.sampled_from(WORDS), max_size=5)
texts = st.lists(sentences, min_size=1, max_size=8).filter(any)
smoothings = st.sampled_from(["kneser_ney", "witten_bell"])


def patterned(generator, count):
    """Sentences in which every word but the last strongly suggests the next."""
    out = []
    for _ in range(count):
        word, sentence = int(generator.integers(6)), []
        for _ in range(int(generator.integers(2, 8))):
            sentence.append("uvwxyz"[word])
            word = (word + 1) % 6 if generator.random() < 0.8 else int(generator.integers(6))
        out.append(sentence)
    return out
