"""Sentences as one sparse matrix of hand-made features, with the face of a scikit-learn transformer."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from hybridseq.text import DataError, TokenTemplates
from hybridseq.text.attributes import AttributeVocabulary
from hybridseq.training.inputs import check_sentences


class TokenFeatures(TransformerMixin, BaseEstimator):
    """Features of tokens as a sparse matrix: a row a token, sentence after sentence.

    Parameters
    ----------
    templates : "default", callable or None
        What makes features of a sentence: ``"default"`` is :class:`~hybridseq.text.TokenTemplates` as it comes;
        one with parameters of its own; or any function from a sentence to a list of strings, or a dictionary, for
        each token. None: X holds such features already.
    min_freq : int
        How many tokens of the training data must have a feature for it to be known.

    Attributes
    ----------
    vocabulary_ : AttributeVocabulary
        The features by column.
    token_width_ : int
        How many values a token has, the word and further columns.

    Notes
    -----
    X is a list of sentences; a linear model is told where they end by ``lengths``, their lengths. Dictionaries are
    read as by sklearn-crfsuite, see :class:`~hybridseq.text.attributes.AttributeVocabulary`. O(features).

    Examples
    --------
    >>> X = [["to", "Rome"], ["to", "Oslo", "today"]]
    >>> TokenFeatures(min_freq=2).fit_transform(X).shape[0]
    5
    """

    def __init__(self, templates="default", min_freq=1):
        self.templates = templates
        self.min_freq = min_freq

    def fit(self, X, y=None):
        """Learn which features there are.

        Parameters
        ----------
        X : list of sentences
            Lists of tokens (strings, or tuples of a word and further columns); with ``templates=None`` lists of
            features.
        y : ignored
            Not used.

        Returns
        -------
        self

        Raises
        ------
        DataError
            Where a sentence is empty, a token or a feature of no usable kind; names the place.
        ValueError
            Where a parameter is not usable.
        """
        self._learn(X)
        return self

    def fit_transform(self, X, y=None):
        """:meth:`fit` and :meth:`transform` in one pass."""
        return self._learn(X)

    def transform(self, X):
        """The features of sentences.

        Returns
        -------
        (N, V) CSR matrix of float64
            N tokens in the order of the sentences, V known features; others are left out.

        Raises
        ------
        DataError
            As :meth:`fit`.
        """
        check_is_fitted(self, "vocabulary_")
        features = self._features(X)
        if self.templates is not None and _width(X) != self.token_width_:
            raise DataError(
                f"sentence 0, position 0: got {X[0][0]!r}, a token of {_width(X)} value(s); fit was given tokens of "
                f"{self.token_width_}"
            )
        return _matrix(self.vocabulary_.encode(features))

    def get_feature_names_out(self, input_features=None):
        """The features by column, a (V,) array of str; ``input_features`` is not used."""
        check_is_fitted(self, "vocabulary_")
        return np.array(self.vocabulary_.names, dtype=object)

    def _learn(self, X):
        if not isinstance(self.min_freq, Integral) or isinstance(self.min_freq, bool) or self.min_freq < 1:
            raise ValueError(f"min_freq must be a whole number of at least 1; got {self.min_freq!r}")
        vocabulary, attributes = AttributeVocabulary.learn(self._features(X))
        found = _matrix(attributes)
        if self.min_freq > 1:
            kept = np.flatnonzero(np.bincount(found.indices, minlength=len(vocabulary)) >= self.min_freq)
            vocabulary, found = AttributeVocabulary(tuple(vocabulary.names[i] for i in kept)), found[:, kept]
        self.vocabulary_, self.token_width_ = vocabulary, _width(X)
        return found

    def _features(self, X):
        check_sentences(X)
        make = self.templates
        if make is None:
            return X
        if isinstance(make, str) and make == "default":
            make = TokenTemplates()
        if isinstance(make, TokenTemplates):
            return make.transform(X)
        if not callable(make):
            raise ValueError(
                f"templates must be 'default', a TokenTemplates, a function from a sentence to its tokens' features, "
                f"or None for features that are ready; got {make!r}"
            )
        return [make(sentence) for sentence in X]


def _width(X):
    """How many values a token has: 1 for a string."""
    return len(X[0][0]) if isinstance(X[0][0], tuple | list) else 1


def _matrix(attributes):
    values = np.ones(len(attributes.indices)) if attributes.values is None else attributes.values
    shape = (len(attributes.indptr) - 1, attributes.size)
    return sparse.csr_matrix((values, attributes.indices, attributes.indptr), shape)
