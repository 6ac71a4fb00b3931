"""What a fitted tagger's encoder makes of tokens, with the face of a scikit-learn transformer."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError

from hybridseq.training.batches import SentenceDataset, by_length
from hybridseq.training.inputs import check_sentences


class EncoderFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The output of a fitted tagger's encoder: a row a token, sentence after sentence.

    Beside :class:`TokenFeatures` in a :class:`sklearn.pipeline.FeatureUnion` it gives a linear model neural and
    hand-made features at once.

    Parameters
    ----------
    tagger : SequenceTagger
        Fitted. It is used as it is: neither ``fit`` nor scikit-learn's ``clone`` trains it anew or empties it.

    Notes
    -----
    Features of sentences that the tagger was trained on fit their labels better than those of others. O(tokens),
    by the encoder.

    Examples
    --------
    >>> import hybridseq as hs
    >>> X, y = hs.datasets.make_ticket_booking(50, random_state=0)
    >>> tagger = hs.SequenceTagger(hidden_size=8, max_epochs=1, random_state=0, verbose=0).fit(X, y)
    >>> EncoderFeatures(tagger).fit_transform(X).shape == (sum(map(len, X)), 16)
    True
    """

    def __init__(self, tagger):
        self.tagger = tagger

    def __sklearn_clone__(self):
        return type(self)(self.tagger)

    def __sklearn_is_fitted__(self):
        return hasattr(self.tagger, "network_")

    def fit(self, X, y=None):
        """Check that the tagger is fitted; ``X`` and ``y`` are not used.

        Raises
        ------
        NotFittedError
            Where the tagger is not fitted.
        """
        self._network()
        return self

    def transform(self, X):
        """The encoder's output.

        Parameters
        ----------
        X : list of sentences
            As the tagger takes them.

        Returns
        -------
        (N, H) float32 array
            N tokens in the order of the sentences.

        Raises
        ------
        DataError
            Where a sentence cannot be read; names the place.
        NotFittedError
            Where the tagger is not fitted.
        """
        network = self._network()
        check_sentences(X)
        encoded = self.tagger.input_.encode(X)
        dataset = SentenceDataset(encoded)
        device = network.emissions.weight.device
        rows = np.empty((int(encoded.lengths.sum()), network.encoder.output_size), np.float32)
        with torch.inference_mode():
            for indices in by_length(encoded.lengths):
                batch, _ = dataset[indices]
                inputs = {name: value.to(device) for name, value in batch.inputs.items()}
                found = network.encoder(network.inputs(**inputs), inputs["lengths"]).cpu().numpy()
                for row, i in enumerate(indices):
                    begin, length = dataset.starts[i], encoded.lengths[i]
                    rows[begin : begin + length] = found[row, :length]
        return rows

    @property
    def _n_features_out(self):
        return self._network().encoder.output_size

    def _network(self):
        if not hasattr(self.tagger, "network_"):
            raise NotFittedError(
                f"tagger must be a fitted SequenceTagger; got {self.tagger!r}. Call its fit before, or load a saved one"
            )
        return self.tagger.network_
