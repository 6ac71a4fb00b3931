import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.training.hmm.blocks import Blocks, pieces

ragged = st.lists(st.integers(1, 9), min_size=1, max_size=12).map(lambda lengths: np.array(lengths, np.int64))


@given(lengths=ragged, limit=st.sampled_from([1, 10, 30, 1000]))
def test_every_row_stands_in_one_block_and_comes_back(lengths, limit):
    blocks = Blocks(lengths, width=2, limit=limit)
    rows = np.arange(lengths.sum())
    done = blocks.sort(rows)
    sequences = []
    for block in blocks:
        own = done[block.rows]
        padded = block.pad(own, fill=-1)
        assert padded.shape == (len(block.lengths), block.lengths[0]) and padded.size * 2 <= max(
            limit, 2 * block.lengths[0]
        )
        assert (block.unpad(padded) == own).all()
        assert ((padded >= 0).sum(1) == block.lengths).all()
        first, last = block.ends()
        assert (own[last] - own[first] + 1 == lengths[block.sequences]).all()
        sequences.extend(block.sequences)
    assert sorted(sequences) == list(range(len(lengths)))
    assert (blocks.unsort(done) == rows).all()


@given(rows=st.integers(1, 500), width=st.integers(1, 40))
def test_pieces_cover_a_slice(rows, width):
    found = list(pieces(slice(3, 3 + rows), width, size=1000))
    assert [i for piece in found for i in range(piece.start, piece.stop)] == list(range(3, 3 + rows))


@pytest.mark.parametrize("lengths", [[4, 4, 2], [3]])
def test_sorted_sequences_are_not_copied(lengths):
    rows = np.zeros(sum(lengths))
    assert Blocks(np.array(lengths), 1).sort(rows) is rows
