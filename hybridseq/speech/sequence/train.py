"""Training a network on whole utterances: what was said against all that could have been."""

import time
from dataclasses import dataclass, field, replace

import torch
from torch.nn import functional as F

from hybridseq.nn.prior import Prior
from hybridseq.speech.acoustic.loop import Schedule, padded, train
from hybridseq.speech.acoustic.views import labels_of
from hybridseq.speech.sequence.objective import SequenceObjective

#: Slower than cross-entropy: the network is nearly right and only the balance of its states moves.
SEQUENCE_SCHEDULE = Schedule(epochs=4, learning_rate=3e-4)
#: Frames over which the share of a state is averaged, and the least that a prior gives to one.
_PRIOR_FRAMES, _LEAST = 10000.0, 1e-5


@dataclass(frozen=True, eq=False)
class SequenceReport:
    """What sequence training did.

    Attributes
    ----------
    criterion : str
    before, after : float
        The criterion a frame, of the first view in evaluation mode.
    history : list of Progress
    problems : list of (str, str)
        The id of each utterance that was left out, and why.
    num_used : int
        Utterances that were trained on.
    seconds : float
    """

    criterion: str
    before: float
    after: float
    history: list = field(repr=False)
    problems: list = field(repr=False)
    num_used: int = 0
    seconds: float = 0.0

    @property
    def num_left_out(self):
        """Utterances that were left out."""
        return len(self.problems)


def train_sequence(
    model,
    views,
    graphs,
    denominator,
    criterion,
    schedule,
    rng,
    *,
    ids=None,
    alignments=None,
    acoustic_scale=None,
    grammar_scale=1.0,
    word_penalty=0.0,
    boost=0.1,
    costs=None,
    smoothing=None,
    prior=None,
    mask=None,
    told=None,
    checkpoint=None,
):
    r"""Train a network by a criterion of whole utterances :cite:p:`vesely2013`.

    The loss a frame is (1 − smoothing) · criterion / acoustic_scale + smoothing · cross-entropy
    :cite:p:`su2013`. Emissions are acoustic_scale · (log p(s | x) − log p(s)), as in use: the same paths compete in
    training and in search. Divided by the scale, a criterion has the gradient that cross-entropy has, a difference of
    two occupancies from −1 to 1.

    Parameters
    ----------
    model : HybridModel
        Changed in place; mostly trained by cross-entropy before.
    views : list of View
    graphs : list of SearchGraph
        Each utterance's transcript, without a grammar; for "ctc" of ``CTCSymbols.graph``.
    denominator : Denominator or None
        "full_sum" and "ctc" have none.
    criterion : {"mmi", "boosted_mmi", "smbr", "lfmmi", "full_sum", "ctc"}
    schedule : Schedule or None
        None: ``SEQUENCE_SCHEDULE``.
    rng : numpy Generator
    ids : list of str, optional
    alignments : Alignments, optional
        Right states for "boosted_mmi", "smbr" and the smoothing.
    acoustic_scale : float, optional
        As of ``SequenceObjective``. By default 1, and 0.3 for "full_sum": at first all alignments must stay in play.
    grammar_scale, word_penalty, boost, costs
        As of ``SequenceObjective``.
    smoothing : float, optional
        The share of frame by frame cross-entropy, at least 0 and below 1. By default 0.1 where there are alignments.
    prior : {"fixed", "occupancies"}, optional
        "fixed": the model's stays. Criteria with a denominator set the balance of states themselves, and another prior
        would undo it. "occupancies": the running share of each state among the transcripts' paths, moved at every step.
        "full_sum" has it by default :cite:p:`zeyer2017`: nothing else keeps one state from taking all frames, and a
        prior that is set only now and then lets them rush from state to state.
    mask, told, checkpoint
        As of ``loop.train``.

    Returns
    -------
    SequenceReport

    Raises
    ------
    ValueError
        As of ``SequenceObjective``; and where smoothing is asked for without alignments.
    """
    began = time.perf_counter()
    schedule = SEQUENCE_SCHEDULE if schedule is None else schedule
    acoustic_scale = (0.3 if criterion == "full_sum" else 1.0) if acoustic_scale is None else acoustic_scale
    smoothing = (0.0 if alignments is None else 0.1) if smoothing is None else smoothing
    prior = ("occupancies" if criterion == "full_sum" else "fixed") if prior is None else prior
    _check(criterion, smoothing, alignments, prior)
    features = views[0].features
    objective = SequenceObjective(
        criterion,
        graphs,
        [None if x is None else len(x) for x in features],
        denominator,
        alignments,
        ids=ids,
        acoustic_scale=acoustic_scale,
        grammar_scale=grammar_scale,
        word_penalty=word_penalty,
        boost=boost,
        costs=costs,
    )
    if not objective.criterion.divides:
        model.prior = None
    elif model.prior is None and prior == "occupancies":
        model.prior = Prior.uniform(model.network.num_labels)

    def loss_of(scores, lengths, rows, ways):
        labels = None
        if alignments is not None and (smoothing or objective.criterion.aligned):
            labels = padded([_labels(w, i, alignments[i]) for i, w in zip(rows, ways)])
        loss = objective(scores, lengths, rows, labels).sum() / (acoustic_scale * lengths.sum())
        if smoothing:
            loss = (1 - smoothing) * loss + smoothing * _cross_entropy(model, scores, labels)
        if prior == "occupancies":
            _follow(model, objective.numerator(scores.detach() * acoustic_scale, lengths, rows).marginals())
        return loss

    usable = [_usable_view(view, objective) for view in views]
    before = objective.evaluate(model, features, alignments)
    history = train(
        model,
        usable,
        objective.usable,
        loss_of,
        schedule,
        rng,
        stage=criterion,
        mask=mask,
        told=told,
        checkpoint=checkpoint,
    )
    final = objective.evaluate(model, features, alignments)
    seconds = time.perf_counter() - began
    return SequenceReport(criterion, before, final, history, objective.problems, len(objective.usable), seconds)


def _check(criterion, smoothing, alignments, prior):
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing must be at least 0 and below 1; got {smoothing!r}.")
    if smoothing and alignments is None:
        raise ValueError(f"smoothing = {smoothing} needs alignments; give them, or smoothing=0.")
    if prior not in {"fixed", "occupancies"}:
        raise ValueError(f"prior must be 'fixed' or 'occupancies'; got {prior!r}.")
    if criterion == "ctc" and prior == "occupancies":
        raise ValueError("'ctc' divides by no prior; for alignments of its graphs with one, ask for 'full_sum'.")


def _labels(view, i, labels):
    """As ``labels_of``; all −100 where there is no alignment."""
    if labels is None:
        return torch.full((len(view.features[i]),), -100)
    return labels_of(view, i, labels)


def _usable_view(view, objective):
    """The view without utterances that its speed made too short: these are seen as they are."""
    features = list(view.features)
    for i in objective.usable:
        if features[i] is not None and not objective.fits(i, len(features[i])):
            features[i] = None
    return replace(view, features=features)


def _cross_entropy(model, scores, labels):
    """Cross-entropy a frame, of scores that the prior has divided."""
    if model.prior is not None:
        scores = scores + (model.prior.scale * model.prior.log_probs).to(scores)
    known = (labels >= 0).sum().clamp(min=1)
    return F.cross_entropy(scores.transpose(1, 2), labels, reduction="sum") / known


def _follow(model, marginals):
    """Move the prior towards the occupancies (B, T, P) of a step."""
    counts = marginals.double().sum((0, 1))
    frames = counts.sum()
    old = model.prior
    share = torch.exp(-frames / _PRIOR_FRAMES)
    probs = share * old.log_probs.double().exp() + (1 - share) * counts / frames
    model.prior = Prior(probs.to(old.log_probs), float(old.scale), _LEAST)
