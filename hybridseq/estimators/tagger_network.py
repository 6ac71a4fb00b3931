"""The network that a tagger's parameters describe."""

import copy

import torch
from torch import nn

from hybridseq.estimators.tagger_hmm import make_hmm
from hybridseq.nn.crf import CRF
from hybridseq.nn.embeddings import CharCNN, CharLSTM, TokenEmbedding, VectorInput
from hybridseq.nn.encoders import make_encoder
from hybridseq.nn.network import TaggerNetwork
from hybridseq.text import read_vectors
from hybridseq.training.inputs import DenseInput

_CHAR_ENCODERS = {"cnn": CharCNN, "lstm": CharLSTM}


def build_network(tagger, reader, num_labels, encoded=None) -> TaggerNetwork:
    """A network with fresh weights.

    Parameters
    ----------
    tagger : SequenceTagger
        Whose parameters describe it.
    reader : TokenInput or DenseInput
        How sentences become numbers.
    num_labels : int
        K.
    encoded : Encoded, optional
        Training sentences with labels: by their mean and variance dense input is brought to 0 and 1, and an HMM starts
        from their counts; and the sign that word vectors are to be read. None where saved weights are to be loaded.
    """
    if isinstance(reader, DenseInput):
        inputs = _vector_input(reader, encoded)
    else:
        inputs = _token_embedding(tagger, reader, fresh=encoded is not None)
    return TaggerNetwork(
        inputs,
        _encoder(tagger, inputs.output_size, num_labels),
        num_labels,
        structure=_structure(tagger, num_labels, encoded),
        dropout=tagger.dropout,
    )


def _structure(tagger, num_labels, encoded):
    if tagger.structure == "hmm":
        return make_hmm(tagger, num_labels, encoded)
    return None if tagger.objective == "cross_entropy" else CRF(num_labels)


def _vector_input(reader, encoded):
    if encoded is None:
        return VectorInput(reader.size)
    scale = encoded.vectors.std(0)
    scale[scale < 1e-6] = 1
    return VectorInput(reader.size, encoded.vectors.mean(0), scale)


def _token_embedding(tagger, reader, fresh):
    chars = None
    if reader.chars is not None:
        chars = _CHAR_ENCODERS[tagger.char_encoder](len(reader.chars), output_size=tagger.char_size)
    vectors = None
    if tagger.word_vectors is not None and fresh:
        vectors = read_vectors(tagger.word_vectors, reader.words)
    size = tagger.word_size if vectors is None else vectors.dim
    embedding = TokenEmbedding(
        len(reader.words),
        size,
        word_counts=[0, 0, *(reader.words.counts or ())],
        word_dropout=tagger.word_dropout,
        chars=chars,
        columns=[(len(column), tagger.column_size) for column in reader.columns],
    )
    if vectors is not None:
        with torch.no_grad():
            found = torch.from_numpy(vectors.found)
            embedding.words.weight[found] = torch.from_numpy(vectors.matrix)[found]
    return embedding


def _encoder(tagger, input_size, num_labels):
    if isinstance(tagger.encoder, str):
        return make_encoder(
            tagger.encoder,
            input_size,
            hidden_size=tagger.hidden_size,
            num_layers=tagger.num_layers,
            dropout=tagger.dropout,
            num_labels=num_labels,
        )
    encoder = copy.deepcopy(tagger.encoder) if isinstance(tagger.encoder, nn.Module) else tagger.encoder(input_size)
    if not isinstance(getattr(encoder, "output_size", None), int):
        raise ValueError(
            f"the encoder must tell the size H of its output (B, T, H) in an attribute output_size; "
            f"{type(encoder).__name__} has {getattr(encoder, 'output_size', 'none')}"
        )
    return encoder
