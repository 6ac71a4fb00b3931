"""Speech recognition with the face of a scikit-learn estimator."""

import time
from dataclasses import asdict, replace

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from hybridseq.estimators import speech_parameters as parameters
from hybridseq.estimators import speech_problems as problems_of
from hybridseq.estimators.persistence import write_model
from hybridseq.estimators.speech_card import describe_recognizer, restore_recognizer
from hybridseq.estimators.speech_pictures import confusion_counts, draw_confusions
from hybridseq.estimators.speech_progress import PassTable
from hybridseq.estimators.speech_training import train
from hybridseq.estimators.speech_tuning import tune
from hybridseq.speech.acoustic.checkpoint import Checkpoint, describe
from hybridseq.speech.alignment import plot_alignment
from hybridseq.speech.audio.inputs import as_utterances
from hybridseq.speech.lexicon import OutOfLexiconError
from hybridseq.speech.ngram import NGramModel
from hybridseq.speech.scoring import score_words

#: What whole-word models call the silence.
SILENCE = "SIL"


class SpeechRecognizer(BaseEstimator):
    """Recognise speech: a neural network whose posteriors, divided by priors, score the states of an HMM.

    A GMM-HMM is trained from a flat start, its alignment trains the network, which aligns anew
    :cite:p:`bourlard1994`. What a parameter leaves open (None) is the default of
    ``hybridseq.speech.recipe.Recipe``.

    Parameters
    ----------
    acoustic : {"hybrid", "gmm"}
        Whether a network is trained, or the GMM-HMM is all.
    encoder : {"tdnn", "cnn", "dnn", "bilstm"}, nn.Module or callable
        The network: a name; a module ``(features (B, T, D), lengths (B,)) -> (B, T, P)``, a copy of which is trained;
        or a function of (D, P) that makes one.
    features : {"mfcc", "fbank", "given"} or FeaturePipeline
        "given": recordings are features (T, D) already. A pipeline brings its own rate and normalisation.
    rate : int, optional
        Samples a second; None: what most recordings have. Arrays of samples need it.
    lexicon : Lexicon, dict or path, optional
        Pronunciations. None: every word is a model of its own.
    lm : NGramModel, int or path, optional
        A language model; the order of one that is estimated from the texts; an ARPA file. None: any word may follow
        any other.
    training : {"cross_entropy", "mmi", "boosted_mmi", "smbr", "lfmmi", "full_sum", "ctc"}
        What trains the network: frames, on the alignment of the GMM-HMM; thereafter whole utterances, against all
        that could have been said (in words, or in "lfmmi" in phones); or sums over all alignments from the start,
        without a GMM, over an HMM's states or ("ctc") over symbols and blanks.
    normalize : {"speaker", "utterance", "online", "none"}
        Over what features are normalised. "speaker" looks at all that a call gives of a speaker: recordings without
        one count as one speaker.
    states_per_word : int or "auto"
        Of whole-word models; "auto": as many as words last.
    gaussians : int, optional
        Mean number a state in the GMM-HMM.
    hidden_size, num_layers, dropout : int, int, float, optional
        Of a network that is named.
    epochs : int, optional
        Passes over the training set.
    learning_rate : float, optional
        AdamW's, at its highest.
    batch_frames : int, optional
        Frames of a training step.
    sequence_epochs, sequence_rate : int, float, optional
        Passes and learning rate of the training by whole utterances that follows cross-entropy.
    augment : bool or Augmentation
        Whether, or how, training audio is varied in vocal tract, tempo and background.
    realign : sequence of float, optional
        When the network aligns anew, as shares of training.
    prior : {"counts", "posteriors", "uniform"}, optional
        What posteriors are divided by.
    prior_scale : float, optional
        Its exponent: 1 is Bayes' rule, 0 does not divide.
    acoustic_scale, grammar_scale, word_penalty : float, optional
        How the parts of a path's score are weighed; see :meth:`tune`.
    silence_prob : float, optional
        The probability of silence between words.
    beam : float, optional
        Nats below the best at which the search drops a path.
    max_active : int, optional
        The most states that are followed at a time.
    backend : {"own", "kaldi"}, optional
        What searches.
    checkpoint : path, optional
        A folder in which training is kept pass by pass, and taken up again by a further ``fit`` with the same
        parameters and data. Needs a ``random_state`` that is a number.
    random_state : int, RandomState or None
        The same number gives the same model on the same machine.
    verbose : int
        0 is silent; 1 shows a row a pass on standard error.

    Attributes
    ----------
    recognizer_ : speech.recognizer.Recognizer
        All that recognition needs, its parts usable alone.
    vocabulary_ : list of str
        The words that can be recognised.
    left_out_ : dict of str to str
        Utterances that were not trained on, by id, and why.
    history_ : list of dict
        Stage, loss a frame, seconds and notes of each pass.
    report_ : speech.recipe.Report
        What training did.
    scales_ : speech.recognizer.Scales
        Those in use.
    tuning_ : list of dict
        What :meth:`tune` tried, and the errors of each; after ``tune`` only.
    real_time_factor_ : float
        Seconds of work a second of audio in the last :meth:`evaluate`, features included.
    interrupted_ : bool
        Whether Ctrl-C ended training early.

    Notes
    -----
    X is a list of recordings: float arrays (N,) in [-1, 1], paths of audio files, :class:`~hybridseq.speech.Utterance`,
    or float arrays (T, D) of features; y is a list of texts. Recordings that cannot be used are left out, in one
    warning that names them; ``strict=True`` raises instead. Ctrl-C while fitting keeps the model so far, once a pass
    is over. A fit that fails leaves the fitted model as it was.

    Examples
    --------
    >>> import hybridseq as hs
    >>> X, y, speakers = hs.datasets.make_spoken_digits(60, random_state=0)
    >>> model = hs.SpeechRecognizer(rate=8000, acoustic="gmm", random_state=0, verbose=0)
    >>> len(model.fit(X, y, speakers).predict(X[:2]))
    2
    """

    def __init__(
        self,
        acoustic="hybrid",
        encoder="tdnn",
        features="mfcc",
        *,
        rate=None,
        lexicon=None,
        lm=None,
        training="cross_entropy",
        normalize="speaker",
        states_per_word="auto",
        gaussians=None,
        hidden_size=None,
        num_layers=None,
        dropout=None,
        epochs=None,
        learning_rate=None,
        batch_frames=None,
        sequence_epochs=None,
        sequence_rate=None,
        augment=True,
        realign=None,
        prior=None,
        prior_scale=None,
        acoustic_scale=None,
        grammar_scale=None,
        word_penalty=None,
        silence_prob=None,
        beam=None,
        max_active=None,
        backend=None,
        checkpoint=None,
        random_state=None,
        verbose=1,
    ):
        self.acoustic = acoustic
        self.encoder = encoder
        self.features = features
        self.rate = rate
        self.lexicon = lexicon
        self.lm = lm
        self.training = training
        self.normalize = normalize
        self.states_per_word = states_per_word
        self.gaussians = gaussians
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_frames = batch_frames
        self.sequence_epochs = sequence_epochs
        self.sequence_rate = sequence_rate
        self.augment = augment
        self.realign = realign
        self.prior = prior
        self.prior_scale = prior_scale
        self.acoustic_scale = acoustic_scale
        self.grammar_scale = grammar_scale
        self.word_penalty = word_penalty
        self.silence_prob = silence_prob
        self.beam = beam
        self.max_active = max_active
        self.backend = backend
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, speakers=None, strict=False):
        """Train anew.

        Parameters
        ----------
        X
            Recordings.
        y : list of str or of lists of str, optional
            What was said; None: the utterances' own words.
        speakers : list of str, optional
            Who spoke each recording.
        strict : bool
            Raise where a recording cannot be trained on.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a parameter is not usable, X, y and speakers are not as many, or nothing is left to train on.
        OutOfLexiconError
            Where every transcript has a word that the lexicon lacks, or the language model has one.
        CheckpointError
            Where ``checkpoint`` holds another training.
        """
        parameters.check(self)
        utterances = as_utterances(X, self.rate, speakers, y)
        if not utterances:
            raise ValueError("there is no recording to train on; X is empty")
        lexicon = parameters.read_lexicon(self.lexicon)
        usable, left_out = _speakable(utterances, lexicon)
        problems_of.report(left_out, len(utterances), "cannot be trained on", strict)
        seed = int(check_random_state(self.random_state).randint(2**31))
        grammar = parameters.read_grammar(self.lm)
        if isinstance(grammar, NGramModel):
            problems_of.check_grammar(grammar, lexicon, {w for u in usable for w in u.words or ()})
        with torch.random.fork_rng(devices=[]):
            pipeline = parameters.make_pipeline(self, usable)
            if strict:
                _check_features(pipeline, usable)
            recipe = parameters.make_recipe(self, pipeline, seed)
            table = PassTable() if self.verbose else None
            if table is not None:
                table.say(f"{len(usable)} utterances; features and a first alignment")
            checkpoint = self._checkpoint(recipe, usable, lexicon, grammar)
            if table is not None and checkpoint.passes:
                table.say(f"training goes on after {checkpoint.passes} passes, kept in {self.checkpoint}")
            recognizer, report, interrupted = train(
                usable,
                recipe,
                self.training,
                parameters.sequence_schedule(self),
                lexicon=lexicon,
                grammar=grammar,
                told=table,
                checkpoint=checkpoint,
                preparing=table and table.preparing,
            )
        found = {id: why for id, why in report.left_out.items() if id not in left_out}
        problems_of.report(found, len(utterances), "were not trained on", strict)
        problems_of.warn_odd(usable)
        self.recognizer_ = replace(recognizer, **parameters.search_options(self))
        report.left_out = {**left_out, **found}
        self.report_, self.left_out_, self.interrupted_ = report, dict(report.left_out), interrupted
        self.history_ = [asdict(row) for row in report.history]
        self.vocabulary_ = list(recognizer.grammar.vocabulary)
        self._sizes = {name: getattr(recipe, name) for name in ("hidden_size", "num_layers", "dropout")}
        self._fitted_with = self.get_params(deep=False)
        for name in ("tuning_", "real_time_factor_"):
            self.__dict__.pop(name, None)
        return self

    def _checkpoint(self, recipe, utterances, lexicon, grammar):
        if self.checkpoint is None:
            return Checkpoint()
        if not isinstance(self.random_state, int | np.integer):
            raise ValueError(
                f"a training that is resumed needs a random_state that is a number, such as 0; got "
                f"{self.random_state!r}"
            )
        sequence = parameters.sequence_schedule(self)
        settings = describe(
            recipe, utterances, lexicon=lexicon, grammar=self.lm, training=self.training, sequence=sequence
        )
        return Checkpoint(self.checkpoint, settings)

    @property
    def scales_(self):
        """How the parts of a path's score are weighed."""
        return self.recognizer_.scales

    def predict(self, X, speakers=None, strict=False):
        """The words of recordings.

        Parameters
        ----------
        X
            Recordings.
        speakers : list of str, optional
            Who spoke each.
        strict : bool
            Raise where a recording cannot be read.

        Returns
        -------
        list of str
            "" for a recording that cannot be read; a warning counts and names these.
        """
        return ["" if h is None else " ".join(h.words) for h in self._decode(X, speakers, None, strict)[1]]

    def decode(self, X, speakers=None, strict=False):
        """The best path of each recording: words and phones in time, states, scores.

        Returns
        -------
        list of Hypothesis
            None for a recording that cannot be read. Times are frames: ``recognizer_.in_time(id, hypothesis, frames)``
            gives seconds.
        """
        return self._decode(X, speakers, None, strict)[1]

    def decode_lattices(self, X, speakers=None, strict=False, lattice_beam=8.0):
        """All paths near the best one of each recording: n-best lists, posteriors.

        Parameters
        ----------
        X, speakers, strict
            As of :meth:`predict`.
        lattice_beam : float
            Nats below the best path within which a path is kept, above 0. What the search's own ``beam`` drops is in
            no lattice.

        Returns
        -------
        list of Lattice
            None for a recording that cannot be read.
        """
        check_is_fitted(self, "recognizer_")
        decoder = self.recognizer_.decoder(self._decoder().graph, backend="own", lattice_beam=lattice_beam)
        _, scores = self._scores(X, speakers, None, strict)
        return [None if x is None else decoder.lattice(x) for x in scores]

    def predict_confidences(self, X, speakers=None, strict=False, acoustic_scale=None, lattice_beam=8.0):
        """The words of recordings, each with the probability that it is right.

        Parameters
        ----------
        X, speakers, strict
            As of :meth:`predict`.
        acoustic_scale : float, optional
            What frame scores are multiplied by in the posteriors; smaller values make them less sure.
        lattice_beam : float
            As of :meth:`decode_lattices`: only what is kept can compete with the words that are told.

        Returns
        -------
        list of list of (str, float)
            Empty for a recording that cannot be read, or in which no path reached the end.
        """
        found = []
        for lattice in self.decode_lattices(X, speakers, strict, lattice_beam):
            words = [] if lattice is None else lattice.best(acoustic_scale=acoustic_scale).words_at
            found.append([(s.name, s.confidence) for s in words if not s.silence])
        return found

    def align(self, X, y=None, speakers=None, strict=False, sharp=True):
        """What was said, in time.

        Parameters
        ----------
        X, y, speakers
            As of :meth:`fit`.
        strict : bool
            Raise where a recording cannot be aligned.
        sharp : bool
            Whether boundaries between silence and speech go to where the loudness changes, within 80 ms.

        Returns
        -------
        list of Alignment
            Words and phones in seconds. None where a recording cannot be read, its transcript does not fit or has
            unknown words; a warning counts and names these.
        """
        return [None if found is None else found[0] for found in self._align(X, y, speakers, strict, sharp)[1]]

    def score(self, X, y=None, speakers=None):
        """1 − word error rate; below 0 where there are more errors than words."""
        return 1.0 - self.evaluate(X, y, speakers).wer

    def evaluate(self, X, y=None, speakers=None, strict=False):
        """Word errors, by speaker where speakers are known; sets ``real_time_factor_``.

        Parameters
        ----------
        X, y, speakers
            As of :meth:`fit`.
        strict : bool
            Raise where a recording cannot be read, instead of counting its words as deleted.

        Returns
        -------
        WordErrors
        """
        check_is_fitted(self, "recognizer_")
        self._decoder()
        began = time.perf_counter()
        utterances, hypotheses, frames = self._decode(X, speakers, y, strict)
        seconds = time.perf_counter() - began
        missing = [u.id for u in utterances if u.words is None]
        if missing:
            raise ValueError(f"{len(missing)} recordings have no reference, the first is {missing[0]}; give y")
        audio = frames * self.recognizer_.pipeline.frame_shift / 1000
        self.real_time_factor_ = seconds / audio if audio else float("nan")
        said = [() if h is None else h.words for h in hypotheses]
        names = [u.speaker for u in utterances]
        return score_words([u.words for u in utterances], said, names if any(names) else None)

    def tune(self, X, y=None, speakers=None, *, word_penalty=None, acoustic_scale=None, grammar_scale=None,
             prior_scale=None):  # fmt: skip
        """Choose how the parts of a path's score are weighed, on held-out recordings.

        Use recordings of neither training nor test. Every combination is tried; frame scores are computed once.

        Parameters
        ----------
        X, y, speakers
            As of :meth:`fit`.
        word_penalty, acoustic_scale, grammar_scale, prior_scale : sequence of float, optional
            What to try; None leaves one as it is. Where all are None, word penalties are tried.

        Returns
        -------
        self
            With the best weights in ``recognizer_`` (of equals, those tried first), and ``tuning_``.
        """
        check_is_fitted(self, "recognizer_")
        utterances, features = self._features(X, speakers, y, False)
        wanted = {
            "word_penalty": word_penalty,
            "acoustic_scale": acoustic_scale,
            "grammar_scale": grammar_scale,
            "prior_scale": prior_scale,
        }
        self.recognizer_, self.tuning_ = tune(self.recognizer_, utterances, features, wanted, self._decoder().graph)
        return self

    def stream(self, speaker=None, recordings=None, context=None):
        """Recognition while the audio comes in: words come out of ``accept(samples)``, the rest of ``finish()``.

        Features must not look at the whole recording: fit with ``normalize="online"``, or with a pipeline of
        ``floor_db=None`` and ``cmvn="none"`` or "speaker".

        Parameters
        ----------
        speaker : str, optional
        recordings : list, optional
            What the speaker said before, in the forms of X: normalisation by speaker needs it.
        context : int, optional
            Frames that the network gets before and after each; the last ones wait for further audio. None: as many as
            it looks at; 40 where that is not known, as of a BiLSTM or a network of one's own.

        Returns
        -------
        RecognizerStream

        Raises
        ------
        ValueError
            Where the features look at the whole recording.
        """
        check_is_fitted(self, "recognizer_")
        statistics, pipeline = None, self.recognizer_.pipeline
        if pipeline.cmvn != "online" and pipeline.floor_db is not None:
            raise ValueError(
                f"the features look at the whole recording (cmvn={pipeline.cmvn!r}, floor_db={pipeline.floor_db:g}); "
                "to stream, fit with normalize='online', or with a FeaturePipeline of floor_db=None"
            )
        if recordings is not None:
            spoken = as_utterances(recordings, pipeline.rate, [speaker or ""] * len(recordings))
            statistics = pipeline.statistics(spoken)
        return self.recognizer_.stream(speaker, statistics, context)

    def plot_alignment(self, x, text=None, speaker=None, ax=None):
        """Draw the words and phones of one recording over its spectrogram.

        Parameters
        ----------
        x
            A recording.
        text : str, optional
            What was said; None: the utterance's own words, or else what is recognised.
        speaker : str, optional
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
        """
        check_is_fitted(self, "recognizer_")
        pipeline = self.recognizer_.pipeline
        speakers = None if speaker is None else [speaker]
        (utterance,) = as_utterances([x], pipeline.rate, speakers, None if text is None else [text])
        if utterance.words is None:
            utterance = utterance.with_words(self.predict([utterance], strict=True)[0])
        (alignment,) = self.align([utterance], strict=True)
        if utterance.features is not None and pipeline.kind == "given":
            return plot_alignment(utterance.features, alignment, 1000 / pipeline.frame_shift, ax)
        samples, rate = utterance.load()
        return plot_alignment(samples, alignment, rate, ax)

    def confusions(self, X, y=None, speakers=None):
        """Frames by the state that the alignment has (rows) and the one that the acoustic model likes best.

        A network's most probable state is meant, not divided by priors.

        Returns
        -------
        (P, P) int64 array
            In the order of ``recognizer_.units.label_names``.
        """
        check_is_fitted(self, "recognizer_")
        scores, found = self._align(X, y, speakers, False, False)
        states = [None if f is None else f[1] for f in found]
        return confusion_counts(scores, states, self.recognizer_.units.num_labels)

    def plot_confusions(self, X, y=None, speakers=None, ax=None):
        """Draw :meth:`confusions`, each row as shares.

        Returns
        -------
        matplotlib Axes
        """
        return draw_confusions(self.confusions(X, y, speakers), self.recognizer_.units, ax)

    def save(self, folder):
        """Save to a folder, which :func:`hybridseq.load` reads.

        Parameters
        ----------
        folder : path
            Made, or replaced where a model stands there; replaced as a whole, once the new model is written.

        Raises
        ------
        ModelFolderError
            Where something else than a model stands at the place.

        Notes
        -----
        An encoder that is not given by name must be given to ``load`` again.
        """
        check_is_fitted(self, "recognizer_")
        card, tensors = describe_recognizer(self)
        write_model(folder, {"estimator": type(self).__name__, **card}, tensors)

    def _restore(self, state, tensors):
        restore_recognizer(self, state, tensors)

    def _features(self, X, speakers, texts, strict):
        """Utterances and their features; None where there are none."""
        check_is_fitted(self, "recognizer_")
        pipeline = self.recognizer_.pipeline
        utterances = as_utterances(X, pipeline.rate, speakers, texts)
        features, problems = pipeline.extract(utterances)
        problems_of.report({p.id: p.message for p in problems}, len(utterances), "cannot be read", strict)
        problems_of.warn_odd(utterances)
        return utterances, features

    def _scores(self, X, speakers, texts, strict):
        utterances, features = self._features(X, speakers, texts, strict)
        return utterances, self.recognizer_.scores(features)

    def _decode(self, X, speakers, texts, strict):
        """Utterances, their hypotheses, and how many frames there were."""
        utterances, scores = self._scores(X, speakers, texts, strict)
        there = [i for i, x in enumerate(scores) if x is not None]
        found = [None] * len(utterances)
        for i, hypothesis in zip(there, self._decoder().decode_batch([scores[i] for i in there])):
            found[i] = hypothesis
        return utterances, found, sum(len(scores[i]) for i in there)

    def _align(self, X, y, speakers, strict, sharp):
        """Undivided frame scores, and (alignment, states) of each recording; None where there is none."""
        utterances, features = self._features(X, speakers, y, strict)
        scores = self.recognizer_.alignment_scores(features)
        found, problems = [None] * len(utterances), {}
        for i, (utterance, x) in enumerate(zip(utterances, scores)):
            if x is None:
                continue
            if not utterance.words:
                problems[utterance.id] = "has no transcript"
                continue
            try:
                found[i] = self.recognizer_.align(utterance, x, sharp)
            except ValueError as error:
                problems[utterance.id] = str(error).removeprefix(f"utterance {utterance.id}: ")
        problems_of.report(problems, len(utterances), "cannot be aligned", strict)
        return scores, found

    def _decoder(self):
        """The decoder with its compiled graph, kept as long as the recogniser is the same."""
        kept = self.__dict__.get("_compiled")
        if kept is None or kept[0] is not self.recognizer_:
            graph = None if kept is None or not _same_graph(kept[0], self.recognizer_) else kept[1].graph
            self._compiled = kept = self.recognizer_, self.recognizer_.decoder(graph)
        return kept[1]

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_compiled"}


def _same_graph(a, b):
    """Whether two recognisers search the same graph."""
    return all(getattr(a, name) is getattr(b, name) for name in ("units", "lexicon", "grammar")) and (
        a.silence_prob == b.silence_prob
    )


def _check_features(pipeline, utterances):
    """Raise where utterances have no features, before hours of training."""
    problems = {p.id: p.message for p in pipeline.extract(utterances)[1]}
    problems_of.report(problems, len(utterances), "cannot be trained on", strict=True)


def _speakable(utterances, lexicon):
    """Utterances whose words the model can have, and what is wrong with the others."""
    left_out = {}
    for utterance in utterances:
        words = utterance.words or ()
        if lexicon is None and SILENCE in words:
            left_out[utterance.id] = f"has the word {SILENCE!r}, which is the name of the silence; rename it"
        elif lexicon is not None and (missing := lexicon.missing(words)):
            left_out[utterance.id] = f"has words outside the lexicon: {', '.join(map(repr, missing))}"
    if len(left_out) == len(utterances):
        if lexicon is not None:
            raise OutOfLexiconError(lexicon.missing(w for u in utterances for w in u.words), len(lexicon))
        raise ValueError(f"no utterance can be trained on: {problems_of.listed(left_out)}")
    return [u for u in utterances if u.id not in left_out], left_out
