"""A trained recogniser: features, units, lexicon, grammar and an acoustic model, put to use."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.acoustic.networks import frames_beside
from hybridseq.speech.alignment import Alignment, Segment, sharpen
from hybridseq.speech.decoding.align import AlignmentError, align
from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.features import FeaturePipeline
from hybridseq.speech.graph import Units, decoding_graph, transcript_graph
from hybridseq.speech.lexicon import Lexicon
from hybridseq.speech.ngram import NGramModel
from hybridseq.speech.start import GMM

#: Frames that a stream waits for where nobody knows how far the network looks.
_CONTEXT = 40


@dataclass(frozen=True)
class Scales:
    """How the parts of a path's score are weighed.

    Attributes
    ----------
    acoustic : float
        What frame scores are multiplied by.
    grammar : float
        What log-probabilities of the language model are multiplied by.
    word_penalty : float
        What every word adds, in nats: below 0 for fewer words.
    """

    acoustic: float = 1.0
    grammar: float = 1.0
    word_penalty: float = 0.0


@dataclass(frozen=True)
class Recognizer:
    """Everything that recognition needs.

    Attributes
    ----------
    pipeline : FeaturePipeline
    units : Units
    lexicon : Lexicon, optional
        None: words are units.
    grammar : NGramModel
    acoustic : HybridModel or GMM
        What has ``frame_scores``.
    scales : Scales
    silence_prob : float
        Probability of silence between words.
    beam : float
        Nats; see :class:`~hybridseq.speech.Decoder`.
    max_active : int, optional
    backend : {"own", "kaldi"}
        What searches.
    """

    pipeline: FeaturePipeline
    units: Units
    lexicon: Lexicon | None
    grammar: NGramModel
    acoustic: HybridModel | GMM
    scales: Scales = field(default_factory=Scales)
    silence_prob: float = 0.5
    beam: float = 16.0
    max_active: int | None = 7000
    backend: str = "own"

    def graph(self):
        """The graph that is searched."""
        return decoding_graph(self.lexicon, self.grammar, self.units, self.has_silence, self.silence_prob)

    @property
    def has_silence(self):
        """Whether silence may stand between words."""
        return self.units.silence is not None

    def decoder(self, graph=None, **options):
        """A decoder with this recogniser's scales; ``options`` as of :class:`~hybridseq.speech.Decoder`."""
        scales = self.scales
        given = {
            "beam": self.beam,
            "max_active": self.max_active,
            "acoustic_scale": scales.acoustic,
            "grammar_scale": scales.grammar,
            "word_penalty": scales.word_penalty,
            "backend": self.backend,
            "allow_partial": self.backend == "own",
            **options,
        }
        return Decoder(self.graph() if graph is None else graph, **given)

    def scores(self, features):
        """Frame scores (T, P) of each utterance's features; None stays None."""
        there = [i for i, x in enumerate(features) if x is not None]
        found = [None] * len(features)
        if isinstance(self.acoustic, GMM):
            scored = (self.acoustic.frame_scores(features[i]) for i in there)
        else:
            scored = self.acoustic.frame_scores([features[i] for i in there])
        for i, scores in zip(there, scored):
            found[i] = scores
        return found

    def transcript_graph(self, words):
        """The graph of all ways to say a transcript."""
        return transcript_graph(words, self.lexicon, self.units, self.has_silence, self.silence_prob)

    def alignment_scores(self, features):
        """What alignment takes as frame scores: as :meth:`scores`, but a network's are not divided by priors.

        Dividing makes silence, the most frequent state, less probable. That helps to find words; here they are known.
        """
        if isinstance(self.acoustic, GMM):
            return self.scores(features)
        undivided = HybridModel(self.acoustic.network).eval()
        return replace(self, acoustic=undivided).scores(features)

    def align(self, utterance, scores, sharp=True):
        """The transcript of an utterance in time.

        Parameters
        ----------
        utterance : Utterance
            With words.
        scores : (T, P) array
            Of :meth:`alignment_scores`; they count in full.
        sharp : bool
            Whether boundaries with silence go to where the loudness changes: see
            :func:`~hybridseq.speech.alignment.sharpen`. Not where there are features and no audio.

        Returns
        -------
        alignment : Alignment
        states : (T,) array
            Columns of the frames.

        Raises
        ------
        AlignmentError
            Where no path fits; names the utterance.
        """
        try:
            path = align(self.transcript_graph(utterance.words), scores)
        except AlignmentError as error:
            raise AlignmentError(f"utterance {utterance.id}: {error}", error.frames, error.needed) from None
        found = self.in_time(utterance.id, path, len(scores))
        if sharp and self.pipeline.kind != "given":
            found = sharpen(found, *utterance.load())
        return found, path.labels

    def begin_of(self, frame):
        """When a frame begins to be the one whose centre is nearest, in seconds."""
        pipeline = self.pipeline
        # Windows overlap: the first one's centre lies this much later than the middle of a shift.
        late = (pipeline.frame_length - pipeline.frame_shift) / 2 if pipeline.snip_edges else 0.0
        return (frame * pipeline.frame_shift + (0.0 if pipeline.kind == "given" else late)) / 1000

    def in_time(self, id, hypothesis, frames):
        """A hypothesis in seconds, silence left out."""
        duration = self.begin_of(frames) + self.begin_of(0)

        def at(frame):
            return 0.0 if frame == 0 else duration if frame == frames else self.begin_of(frame)

        def told(parts, silent):
            return [Segment(at(p.start), at(p.end), p.name, p.confidence) for p in parts if p.name not in silent]

        silent = {p.name for p in hypothesis.words_at if p.silence}
        words = [p for p in hypothesis.words_at if not p.silence]
        # Where words are units, their phones would say the same again.
        phones = None if self.lexicon is None else told(hypothesis.phones_at, {*silent, self.units.silence})
        return Alignment(id, told(words, set()), phones, duration)

    def with_scales(self, **scales):
        """The same recogniser that weighs otherwise."""
        return replace(self, scales=replace(self.scales, **scales))

    def stream(self, speaker=None, statistics=None, context=None):
        """Recognition while the audio comes in: see :class:`RecognizerStream`."""
        return RecognizerStream(self, self.pipeline.stream(speaker=speaker, statistics=statistics), context)

    @property
    def frames_beside(self):
        """How many frames to either side decide on a frame's scores; None where that is not known."""
        return 0 if isinstance(self.acoustic, GMM) else frames_beside(self.acoustic.network)


class RecognizerStream:
    """Words come out while audio goes in.

    The network looks ahead: each chunk's scores are computed with ``context`` frames before it, and its last
    ``context`` frames wait for the next chunk. With a network that sees no farther the outcome is that of the whole.

    Parameters
    ----------
    recognizer : Recognizer
    features : PipelineStream
    context : int, optional
        None: as many as decide on a frame, so that nothing waits in vain; 40 where that is not known, as of a BiLSTM
        or a network of one's own.

    Raises
    ------
    ValueError
        Where context is no whole number of at least 0.
    """

    def __init__(self, recognizer, features, context=None):
        if context is None:
            beside = recognizer.frames_beside
            context = _CONTEXT if beside is None else beside
        if isinstance(context, bool) or not isinstance(context, int) or context < 0:
            raise ValueError(f"context must be a whole number of frames, at least 0; got {context!r}.")
        self.context = context
        self._recognizer, self._features = recognizer, features
        self._search = recognizer.decoder().stream()
        self._rows = torch.zeros(0, recognizer.pipeline.width)
        # Of the rows held, those that were scored already.
        self._done = 0

    def accept(self, samples):
        """The words that further samples (N,) settle: list of ``alignment.Segment``, in seconds."""
        rows = self._features.accept(torch.as_tensor(np.asarray(samples, np.float32)))
        return self._advance(rows, False)

    def partial(self):
        """The words so far, of which the last may still change."""
        return self._search.partial().words

    def finish(self):
        """The end of the audio: the hypothesis of all of it."""
        self._advance(self._features.finish(), True)
        return self._search.finish()

    def _advance(self, rows, last):
        self._rows = torch.cat([self._rows, rows])
        ready = len(self._rows) if last else max(self._done, len(self._rows) - self.context)
        if ready == self._done:
            return []
        (scores,) = self._recognizer.scores([self._rows])
        found = self._search.accept(scores[self._done : ready])
        keep = max(0, ready - self.context)
        self._rows, self._done = self._rows[keep:], ready - keep
        at = self._recognizer.begin_of
        return [Segment(at(s.start) if s.start else 0.0, at(s.end), s.name) for s in found]
