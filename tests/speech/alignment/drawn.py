"""Alignments, drawn at random."""

from hypothesis import strategies as st

from hybridseq.speech.alignment import Alignment, Segment

label = st.text(st.characters(exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=5).filter(
    lambda text: not text.startswith((";;", "\ufeff"))
)
confidence = st.none() | st.integers(0, 100).map(lambda n: n / 100)


@st.composite
def segments(draw, confidence=confidence):
    """Segments in order: silence, which may be none, and speech, in steps of 50 microseconds."""
    out, time = [], 0
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 10_000)), max_size=5)):
        begin, time = time + gap, time + gap + length
        out.append(Segment(begin / 20_000, time / 20_000, draw(label), draw(confidence)))
    return out


def close(found, expected):
    """Whether two lists of segments are the same up to a microsecond."""
    return len(found) == len(expected) and all(
        (a.label, a.confidence) == (b.label, b.confidence)
        and abs(a.start - b.start) <= 1e-6
        and abs(a.end - b.end) <= 2e-6
        for a, b in zip(found, expected)
    )


def alignment(id, text, *times):
    """An alignment of words that end where the next begins: one time more than words."""
    return Alignment(id, [Segment(*times[i : i + 2], word) for i, word in enumerate(text.split())])
