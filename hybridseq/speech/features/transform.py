"""From utterances to the features of a model: one object that can be saved."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property

import torch

from hybridseq.speech.audio import AudioError, Utterance
from hybridseq.speech.features.cmvn import Moments, SpeakerCMVN
from hybridseq.speech.features.context import DeltaStream, deltas
from hybridseq.speech.features.fbank import Fbank
from hybridseq.speech.features.mfcc import MFCC
from hybridseq.speech.features.online_cmvn import OnlineCMVN

_KINDS = "mfcc", "fbank", "given"
_CMVN = "none", "utterance", "speaker", "online"
#: Seconds of audio that are held at a time, and that are padded together.
_HELD, _TOGETHER = 600.0, 30.0


@dataclass(frozen=True)
class FeatureProblem:
    """Why an utterance has no features.

    Parameters
    ----------
    id : str
        The utterance's.
    message : str
        What was got, what was expected, and how to mend it.
    """

    id: str
    message: str


class FeatureError(ValueError):
    """An utterance has no features, and that was asked to be fatal. ``problems``: all of those found."""

    def __init__(self, problems):
        more = f" ({len(problems) - 1} more utterances have problems)" if len(problems) > 1 else ""
        super().__init__(f"utterance {problems[0].id}: {problems[0].message}{more}")
        self.problems = list(problems)

    def __reduce__(self):
        return type(self), (self.problems,)


@dataclass(frozen=True)
class FeaturePipeline:
    """Audio to features, derivatives, then normalisation of every column.

    Parameters
    ----------
    kind : {"mfcc", "fbank", "given"}
        Cepstra, log mel energies, or the utterances' own features.
    rate : int
        Samples a second that all audio must have.
    num_mels, num_ceps : int
        Mel filters, and cepstral coefficients of them.
    deltas : int
        Derivatives beside the features: 0, 1, 2 …
    cmvn : {"utterance", "speaker", "online", "none"}
        Over what mean and variance are normalised. "speaker": over all that :meth:`extract` is given of a speaker,
        unless statistics are handed in (those without a speaker count as one); "online": over the past, see
        :class:`OnlineCMVN`.
    variance : bool
        Variances too.
    cmvn_db : float, optional
        Mean and variance are those of the frames that are at most so far below their utterance's loudest, so that it
        does not matter how much silence was recorded; with ``cmvn`` "utterance" and "speaker". None: all frames.
    frame_length, frame_shift, window, preemphasis, low, high, snip_edges
        As of :class:`Fbank`.
    use_energy : bool
        As of :class:`Fbank` and :class:`MFCC`.
    floor_db : float, optional
        As of :class:`Fbank`; with ``cmvn="online"`` below the loudest so far.
    delta_window : int
        Frames to either side in a derivative.
    given_width : int, optional
        Columns of given features.
    cmvn_window, prior_frames : int
        As of :class:`OnlineCMVN`.
    prior : dict, optional
        Statistics before the first frame, for "online"; :meth:`with_prior` gathers them.

    Examples
    --------
    >>> pipeline = FeaturePipeline(rate=8000)
    >>> pipeline.width
    39
    >>> FeaturePipeline.from_dict(pipeline.to_dict()) == pipeline
    True
    """

    kind: str = "mfcc"
    rate: int = 16000
    num_mels: int = 23
    num_ceps: int = 13
    deltas: int = 2
    cmvn: str = "utterance"
    variance: bool = True
    cmvn_db: float | None = None
    frame_length: float = 25.0
    frame_shift: float = 10.0
    window: str = "povey"
    preemphasis: float = 0.97
    low: float = 20.0
    high: float = 0.0
    snip_edges: bool = True
    use_energy: bool = False
    floor_db: float | None = None
    delta_window: int = 2
    given_width: int | None = None
    cmvn_window: int | None = 600
    prior_frames: int = 200
    prior: dict | None = None

    def __post_init__(self):
        for name, known in (("kind", _KINDS), ("cmvn", _CMVN)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")
        if self.deltas < 0 or self.delta_window < 1:
            raise ValueError(
                f"deltas must be at least 0 and delta_window at least 1; got {self.deltas} and {self.delta_window}."
            )
        # Its settings are checked where it is made.
        self._frontend  # noqa: B018

    @cached_property
    def _frontend(self):
        shared = {
            name: getattr(self, name)
            for name in (
                "rate", "num_mels", "frame_length", "frame_shift", "window", "preemphasis", "low", "high", "snip_edges",
                "use_energy", "floor_db",
            )
        }  # fmt: skip
        if self.kind == "given":
            return None
        shared["floor_past"] = self.cmvn == "online"
        return MFCC(num_ceps=self.num_ceps, **shared) if self.kind == "mfcc" else Fbank(**shared)

    @property
    def width(self) -> int:
        """Columns of the features."""
        if self.kind != "given":
            return self._frontend.width * (self.deltas + 1)
        if self.given_width is None:
            raise ValueError("the width of given features is not known: set given_width.")
        return self.given_width * (self.deltas + 1)

    def extract(
        self,
        utterances: Sequence[Utterance],
        warp: float | Sequence[float] = 1.0,
        *,
        statistics: SpeakerCMVN | None = None,
        strict: bool = False,
    ) -> tuple[list[torch.Tensor | None], list[FeatureProblem]]:
        """Features of utterances.

        Parameters
        ----------
        utterances : sequence of Utterance
        warp : float or one an utterance
            Vocal tract length factors.
        statistics : SpeakerCMVN, optional
            For ``cmvn="speaker"``: statistics of the speakers, gathered with :meth:`statistics` or elsewhere, instead
            of those of the utterances at hand.
        strict : bool
            Raise at problems.

        Returns
        -------
        features : list of (T, D) float32 tensors
            One an utterance, in their order; None where there was a problem.
        problems : list of FeatureProblem
            Unreadable audio, another rate, too short for one frame, features that do not fit.

        Raises
        ------
        FeatureError
            With ``strict``, after all were tried.

        Notes
        -----
        Short utterances are worked on together. Beside the results some ten minutes of audio are held at a time.
        """
        features, loud, problems = self._unnormalised(utterances, warp)
        if strict and problems:
            raise FeatureError(problems)
        if self.cmvn == "speaker":
            if statistics is None:
                statistics = _gather(utterances, loud, self.variance)
            pairs = zip(utterances, features, strict=True)
            return [x if x is None else statistics.apply(u.speaker, x) for u, x in pairs], problems
        if self.cmvn == "online":
            online = self._online()
            return [x if x is None else online(x) for x in features], problems
        if self.cmvn == "utterance":
            return [x if x is None else Moments.of(y).apply(x, self.variance) for x, y in zip(features, loud)], problems
        return features, problems

    def statistics(self, utterances: Sequence[Utterance], unknown: str = "raise") -> SpeakerCMVN:
        """The statistics of the speakers' features before normalisation."""
        return _gather(utterances, self._unnormalised(utterances, 1.0)[1], self.variance, unknown)

    def with_prior(self, utterances: Sequence[Utterance]) -> "FeaturePipeline":
        """The same pipeline with the utterances' statistics as the prior of online normalisation."""
        prior = self.statistics(utterances).moments().to_dict()
        return FeaturePipeline(**{**self.to_dict(), "prior": prior})

    def stream(
        self, warp: float = 1.0, *, speaker: str | None = None, statistics: SpeakerCMVN | None = None
    ) -> "PipelineStream":
        """Features of one signal while it comes in; equal to :meth:`extract` of the whole.

        Normalisation over the whole utterance cannot be streamed: ``cmvn`` must be "online", "none", or "speaker" with
        the statistics of a speaker handed in.
        """
        if self.kind == "given":
            raise ValueError('given features cannot be streamed from audio; use kind="mfcc" or "fbank".')
        if self.cmvn == "none":
            normalise = None
        elif self.cmvn == "online":
            normalise = self._online().stream().accept
        elif self.cmvn == "speaker" and statistics is not None:

            def normalise(frames):
                return statistics.apply(speaker or "", frames)
        else:
            raise ValueError(
                f'cmvn="{self.cmvn}" needs the whole utterance; to stream, use cmvn="online" or "none", or "speaker" '
                "with statistics= of the speaker."
            )
        return PipelineStream(self._frontend.stream(warp), DeltaStream(self.deltas, self.delta_window), normalise)

    def to_dict(self) -> dict:
        """The settings, as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping) -> "FeaturePipeline":
        """What :meth:`to_dict` wrote."""
        unknown = set(saved) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown settings of a FeaturePipeline: {', '.join(sorted(unknown))}.")
        return cls(**saved)

    def _online(self):
        prior = None if self.prior is None else Moments.from_dict(self.prior)
        return OnlineCMVN(self.cmvn_window, self.variance, prior, self.prior_frames)

    def _unnormalised(self, utterances, warp):
        """Features with derivatives, one an utterance or None; the rows that count in statistics; the problems."""
        warps = [float(warp)] * len(utterances) if isinstance(warp, int | float) else [float(w) for w in warp]
        if len(warps) != len(utterances):
            raise ValueError(
                f"warp must be one number, or one for each of the {len(utterances)} utterances; got {len(warps)}."
            )
        results: list[torch.Tensor | None] = [None] * len(utterances)
        loud: list[torch.Tensor | None] = [None] * len(utterances)
        problems: dict[int, str] = {}
        if self.kind == "given":
            self._take_given(utterances, results, problems)
        else:
            self._compute(utterances, warps, results, loud, problems)
        loud = [x if y is None else y for x, y in zip(results, loud)]
        return results, loud, [FeatureProblem(utterances[i].id, problems[i]) for i in sorted(problems)]

    def _take_given(self, utterances, results, problems):
        width = self.given_width
        for i, utterance in enumerate(utterances):
            given = utterance.features
            if given is None:
                problems[i] = 'has no features. Give features=, or choose kind="mfcc" or "fbank" for audio.'
                continue
            width = given.shape[1] if width is None else width
            features = torch.tensor(given)
            if not len(features):
                problems[i] = "has no frames. Leave it out."
            elif features.shape[1] != width:
                problems[i] = f"has features of {features.shape[1]} columns; expected {width}."
            elif not torch.isfinite(features).all():
                problems[i] = "has features that are not finite. Mend or leave it out."
            else:
                results[i] = deltas(features, self.deltas, self.delta_window)

    def _compute(self, utterances, warps, results, loud, problems):
        held: list[tuple[int, torch.Tensor]] = []
        total = 0
        for i, utterance in enumerate(utterances):
            try:
                samples, rate = utterance.load()
            except AudioError as error:
                problems[i] = str(error).removeprefix(f"utterance {utterance.id}: ")
                continue
            if rate != self.rate:
                problems[i] = (
                    f"has {rate} samples a second; expected {self.rate}. Mend it: "
                    f"resample(samples, {rate}, {self.rate})."
                )
            elif not self._frontend.framing.count(len(samples)):
                problems[i] = (
                    f"is too short: {1000 * len(samples) / rate:.1f} ms do not fill one frame of "
                    f"{self.frame_length:g} ms. Leave it out."
                )
            else:
                held.append((i, torch.tensor(samples)))
                total += len(samples)
            if total > _HELD * self.rate:
                self._compute_held(held, warps, results, loud)
                held, total = [], 0
        self._compute_held(held, warps, results, loud)

    def _compute_held(self, held, warps, results, loud):
        """Fill in the results of (index, samples), those of like length together."""
        held = sorted(held, key=lambda entry: len(entry[1]))
        start = 0
        while start < len(held):
            end = start + 1
            while end < len(held) and (end + 1 - start) * len(held[end][1]) <= _TOGETHER * self.rate:
                end += 1
            places, signals = zip(*held[start:end], strict=True)
            lengths = torch.tensor([len(x) for x in signals])
            batch = torch.nn.utils.rnn.pad_sequence(signals, batch_first=True)
            chosen = [warps[i] for i in places]
            chosen = chosen[0] if len(set(chosen)) == 1 else chosen
            features, frames, below = self._frontend(batch, lengths, chosen, loudness=True)
            rows = deltas(features, self.deltas, self.delta_window, frames)
            for i, row, level, count in zip(places, rows, below, frames.tolist(), strict=True):
                results[i] = row[:count].clone()
                if self.cmvn_db is not None:
                    loud[i] = results[i][level[:count] >= -self.cmvn_db]
            start = end


class PipelineStream:
    """Features of one signal while it comes in; made by :meth:`FeaturePipeline.stream`."""

    def __init__(self, frames, derivatives, normalise):
        self._frames, self._derivatives, self._normalise = frames, derivatives, normalise

    def accept(self, samples: torch.Tensor) -> torch.Tensor:
        """The rows (T, D) that further samples (N,), float32, complete."""
        return self._normalised(self._derivatives.accept(self._frames.accept(samples)))

    def finish(self) -> torch.Tensor:
        """The rows that were still to come when the signal ended."""
        rows = self._derivatives.accept(self._frames.finish())
        rest = self._derivatives.finish()
        return self._normalised(torch.cat([rows, rest]) if len(rest) else rows)

    def _normalised(self, rows):
        return self._normalise(rows) if self._normalise is not None and len(rows) else rows


def _gather(utterances, features, variance, unknown="raise"):
    result = SpeakerCMVN(variance, unknown)
    for utterance, x in zip(utterances, features, strict=True):
        if x is not None:
            result.add(utterance.speaker, x)
    return result
