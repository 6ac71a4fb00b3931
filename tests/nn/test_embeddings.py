import pytest
import torch

from hybridseq.nn import CharCNN, CharLSTM, LockedDropout, TokenEmbedding, VectorInput, WordDropout


@pytest.mark.parametrize("kind", [CharCNN, CharLSTM])
def test_padding_beside_a_word_changes_nothing(kind):
    torch.manual_seed(0)
    chars = kind(9, output_size=6)
    words = torch.tensor([[2, 3, 4], [5, 0, 0], [0, 0, 0]])
    wide = torch.nn.functional.pad(words, (0, 4))
    torch.testing.assert_close(chars(words), chars(wide))
    torch.testing.assert_close(chars(words)[1:2], chars(torch.tensor([[5]])))
    assert not chars(words)[2].any()
    assert chars(words).shape == (3, chars.output_size)


def test_a_filter_sees_as_many_characters_as_its_width_says():
    torch.manual_seed(0)
    chars = CharCNN(9, output_size=20, widths=(2,))
    # The longer word has no pair of neighbours that the shorter lacks.
    torch.testing.assert_close(chars(torch.tensor([[2, 3, 2, 3, 2]])), chars(torch.tensor([[2, 3, 2]])))
    assert not torch.allclose(chars(torch.tensor([[2, 3, 2]])), chars(torch.tensor([[2, 4, 2]])))


@pytest.mark.parametrize("output_size", [1, 2, 7])
def test_filters_are_shared_out_among_the_widths(output_size):
    chars = CharCNN(9, output_size=output_size, widths=(2, 3, 5))
    assert chars(torch.tensor([[2, 3], [4, 0]])).shape == (2, output_size)


def test_token_embedding_stacks_word_chars_and_columns():
    torch.manual_seed(0)
    chars = CharCNN(5, output_size=3)
    embedding = TokenEmbedding(6, 4, chars=chars, columns=[(7, 2)])
    forms = torch.tensor([[1, 2], [2, 0]])
    form_words, form_chars = torch.tensor([0, 3, 5]), torch.tensor([[0, 0], [2, 3], [4, 0]])
    columns = torch.tensor([[[2], [3]], [[4], [0]]])
    out = embedding(forms, form_words, form_chars, columns)
    assert out.shape == (2, 2, embedding.output_size) == (2, 2, 9)
    torch.testing.assert_close(out[0, 1, :4], embedding.words.weight[5])
    torch.testing.assert_close(out[0, 1, 4:7], chars(form_chars)[2])
    torch.testing.assert_close(out[1, 0, 7:], embedding.columns[0].weight[4])
    assert not out[1, 1].any()


def test_word_dropout_takes_rare_words_more_often_and_spares_what_was_never_seen():
    torch.manual_seed(0)
    dropout = WordDropout([0, 0, 1, 9], alpha=1.0)
    ids = torch.tensor([0, 1, 2, 3]).repeat(20000, 1)
    gone = (dropout(ids) != ids).float().mean(0)
    torch.testing.assert_close(gone, torch.tensor([0, 0, 0.5, 0.1]), atol=0.02, rtol=0)
    dropped = dropout(ids)
    assert (dropped[dropped != ids] == 1).all()
    assert torch.equal(dropout.eval()(ids), ids)


def test_locked_dropout_drops_a_component_for_the_whole_row():
    torch.manual_seed(0)
    out = LockedDropout(0.5)(torch.ones(50, 6, 40))
    assert torch.equal(out, out[:, :1].expand_as(out))
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert abs(out.mean() - 1) < 0.1
    assert torch.equal(LockedDropout(0.5).eval()(out), out)


def test_vector_input_standardises_and_leaves_padding_zero():
    layer = VectorInput(2, mean=[1.0, 2.0], scale=[2.0, 1.0])
    out = layer(torch.tensor([[[3.0, 5.0], [0.0, 0.0]]]), torch.tensor([1]))
    assert out.tolist() == [[[1.0, 3.0], [0.0, 0.0]]]
