"""Text in and out: column files, vocabularies, tag schemes, word vectors."""

from hybridseq.text.columns import (
    Sentence,
    iter_columns,
    iter_text,
    read_columns,
    read_dataset,
    write_columns,
)
from hybridseq.text.errors import DataError
from hybridseq.text.schemes import Span, detect_scheme, explain_scheme, spans, tags_of
from hybridseq.text.shapes import word_shape
from hybridseq.text.templates import TokenTemplates
from hybridseq.text.vectors import WordVectors, read_vectors
from hybridseq.text.vocabulary import LabelVocabulary, UnknownLabelError, Vocabulary

__all__ = [
    "DataError",
    "LabelVocabulary",
    "Sentence",
    "Span",
    "TokenTemplates",
    "UnknownLabelError",
    "Vocabulary",
    "WordVectors",
    "detect_scheme",
    "explain_scheme",
    "iter_columns",
    "iter_text",
    "read_columns",
    "read_dataset",
    "read_vectors",
    "spans",
    "tags_of",
    "word_shape",
    "write_columns",
]
