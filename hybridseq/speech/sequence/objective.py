"""A sequence criterion over a training set: graphs compiled once, utterances that cannot be used named."""

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from hybridseq.nn.names import choose
from hybridseq.objectives.costs import hamming_cost, label_cost
from hybridseq.speech.acoustic.hybrid import batches_by_length
from hybridseq.speech.graph import min_frames, pack
from hybridseq.speech.sequence.criteria import CRITERIA
from hybridseq.speech.start.align import fitting, names_of
from hybridseq.speech.start.bulk import distinct


class SequenceObjective:
    """What a network's scores of whole utterances are worth.

    Parameters
    ----------
    criterion : {"mmi", "boosted_mmi", "smbr", "lfmmi", "full_sum", "ctc"}
    graphs : list of SearchGraph
        Each utterance's transcript; None where there is none. Equal ones are compiled once.
    lengths : list of int
        Frames of each utterance; None where there are no features.
    denominator : Denominator, optional
        "lfmmi" wants one of phones.
    alignments : Alignments, optional
        For "boosted_mmi" and "smbr".
    ids : list of str, optional
        What utterances are called; by default their numbers.
    acoustic_scale, grammar_scale, word_penalty : float
        Those of use: a criterion that weighs paths otherwise than the search does betters other paths.
    boost : float
        Of "boosted_mmi".
    costs : (P, P) tensor, optional
        Of a frame for "boosted_mmi" and "smbr", [aligned column, taken]: from 0 to 1, and 0 where they are the same,
        such as of ``unit_costs``. By default 1 for every other column.

    Attributes
    ----------
    usable : list of int
        The utterances that can be trained on.
    problems : list of (str, str)
        The id of each other one, and why.

    Raises
    ------
    ValueError
        Where the criterion lacks its denominator or alignments, or no utterance can be used.
    """

    def __init__(
        self,
        criterion,
        graphs,
        lengths,
        denominator=None,
        alignments=None,
        *,
        ids=None,
        acoustic_scale=1.0,
        grammar_scale=1.0,
        word_penalty=0.0,
        boost=0.1,
        costs=None,
    ):
        self.criterion = choose("criterion", criterion, CRITERIA)
        self.name, self.boost, self.acoustic_scale, self.costs = criterion, boost, acoustic_scale, costs
        self.ids = names_of(ids, len(graphs))
        self._check(denominator, alignments, lengths)
        options = grammar_scale, word_penalty
        self.denominator = pack(denominator.graph, *options) if self.criterion.competes else None
        self.numerators, which, told = _compiled(graphs, denominator if self.criterion.competes else None, options)
        self._check_columns()
        self.graph_of = [None if told[i] is not None else self.numerators[which[i]] for i in range(len(graphs))]
        kept, problems = fitting(lengths, [None if g is None else g.search for g in self.graph_of])
        problems.update({i: why for i, why in enumerate(told) if why is not None})
        if self.criterion.aligned:
            problems.update({i: "no alignment" for i in kept.tolist() if alignments[i] is None})
        self.usable = [i for i in kept.tolist() if i not in problems]
        self.problems = [(self.ids[i], problems[i]) for i in sorted(problems)]
        if not self.usable:
            name, why = self.problems[0] if self.problems else ("?", "there are none")
            raise ValueError(f"no utterance can be used for {criterion!r}; {name}: {why}.")

    def __repr__(self):
        return f"SequenceObjective({self.name!r}, {len(self.usable)} utterances, {len(self.problems)} left out)"

    def _check(self, denominator, alignments, lengths):
        if len(lengths) != len(self.ids):
            raise ValueError(f"graphs and lengths must be as many; got {len(self.ids)} and {len(lengths)}.")
        for name, value, low in (("acoustic_scale", self.acoustic_scale, True), ("boost", self.boost, False)):
            if not (value > 0 if low else value >= 0) or value == np.inf:
                raise ValueError(f"{name} must be {'above' if low else 'at least'} 0 and finite; got {value!r}.")
        if self.criterion.competes and denominator is None:
            raise ValueError(f"{self.name!r} needs a denominator; make one by word_denominator or phone_denominator.")
        if self.name == "lfmmi" and denominator.on != "phones":
            raise ValueError("'lfmmi' needs a denominator of phones; make it by phone_denominator, or ask for 'mmi'.")
        if self.criterion.aligned and alignments is None:
            raise ValueError(f"{self.name!r} needs alignments, to tell right frames from wrong ones; see align_all.")
        if alignments is not None and len(alignments) != len(self.ids):
            raise ValueError(f"alignments must be of {len(self.ids)} utterances; got {len(alignments)}.")

    def _check_columns(self):
        if not self.criterion.competes:
            return
        known = set(self.denominator.graph.labels.tolist())
        for numerator in self.numerators:
            if numerator is not None and (apart := set(numerator.arcs.graph.labels.tolist()) - known):
                raise ValueError(
                    f"a transcript's graph consumes column {min(apart)}, which the denominator never does; build both "
                    "for the same units, and both with silence or both without."
                )

    def fits(self, i, length):
        """Whether utterance i has a path of so many frames."""
        return length >= self.graph_of[i].least

    def __call__(self, emissions, lengths, rows, labels=None):
        """The loss of some utterances.

        Parameters
        ----------
        emissions : (B, T, P) tensor
            Frame scores, not scaled.
        lengths : (B,) int64 tensor
        rows : list of int
            Which utterances they are.
        labels : (B, T) int64 tensor, optional
            Their alignment, −100 beyond.

        Returns
        -------
        (B,) tensor
            In nats, "smbr" in frames.
        """
        scaled = emissions * self.acoustic_scale
        numerator = None if self.name == "smbr" else self.numerator(scaled, lengths, rows)
        denominator = None if self.denominator is None else self.denominator.beside(scaled, lengths)
        cost = self._cost(labels, scaled) if self.criterion.aligned else None
        return self.criterion.loss(numerator, denominator, cost, self.boost)

    def _cost(self, labels, emissions):
        if self.costs is None:
            return hamming_cost(labels, emissions.shape[2], emissions.dtype)
        return label_cost(labels, self.costs.to(emissions))

    def numerator(self, scaled, lengths, rows):
        """The ``PathGraph`` of some utterances' transcripts beside scaled scores (B, T, P)."""
        chosen = [self.graph_of[i].arcs for i in rows]
        alike = all(c is chosen[0] for c in chosen)
        return pack(chosen[0] if alike else chosen).beside(scaled, lengths)

    def evaluate(self, model, features, alignments=None, batch_frames=20000):
        """The mean loss a frame of a model, without gradients and in evaluation mode.

        Parameters
        ----------
        model : HybridModel
        features : list of (T, D) tensors
            Of all utterances.
        alignments : Alignments, optional

        Returns
        -------
        float
        """
        training = model.training
        model.eval()
        total = frames = 0.0
        try:
            with torch.no_grad():
                for batch in batches_by_length([len(features[i]) for i in self.usable], batch_frames):
                    rows = [self.usable[b] for b in batch]
                    lengths = torch.tensor([len(features[i]) for i in rows])
                    scores = model(pad_sequence([features[i] for i in rows], batch_first=True), lengths)
                    labels = None
                    if self.criterion.aligned:
                        parts = [torch.from_numpy(alignments[i]) for i in rows]
                        labels = pad_sequence(parts, batch_first=True, padding_value=-100)
                    total += self(scores, lengths, rows, labels).double().sum().item()
                    frames += int(lengths.sum())
        finally:
            model.train(training)
        return total / frames


class _Numerator:
    """A transcript's graph, compiled, and the fewest frames that it takes."""

    def __init__(self, search, options):
        self.search, self.arcs, self.least = search, search.to_arcs(*options), min_frames(search)


def _compiled(graphs, denominator, options):
    """The different transcripts' numerators, each utterance's among them, and why one has none, or None."""
    different, which = distinct(graphs)
    found, reasons = [], []
    for graph in different:
        try:
            search = graph if denominator is None else denominator.numerator(graph)
            found.append(_Numerator(search, options))
            reasons.append(None)
        except ValueError as error:
            found.append(None)
            reasons.append(str(error))
    told = ["no graph: its transcript could not be compiled" if w < 0 else reasons[w] for w in which]
    return found, which, told
