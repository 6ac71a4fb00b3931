"""Choosing the weights of a path's parts by word errors on held-out recordings."""

import itertools
import math
from dataclasses import replace

import numpy as np

from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.scoring import score_words

_PENALTIES = 0.0, -2.0, -5.0, -10.0, -20.0, -40.0, 2.0, 5.0
_SCALES = {"word_penalty": "word_penalty", "acoustic_scale": "acoustic", "grammar_scale": "grammar"}


def tune(recognizer, utterances, features, wanted, graph):
    """The recogniser with the weights that make the fewest errors, and all that was tried.

    Parameters
    ----------
    recognizer : Recognizer
    utterances : list of Utterance
        With words.
    features : list of (T, D) tensors, or None
    wanted : dict of str to sequence of float or None
        What to try of each weight.
    graph : SearchGraph
        The recogniser's.

    Returns
    -------
    recognizer : Recognizer
    tried : list of dict
        The weights, ``errors`` and ``wer`` of each combination.

    Notes
    -----
    Scores are computed once; a search a combination.
    """
    grid = _grid(recognizer, wanted)
    usable = [i for i, x in enumerate(features) if x is not None and utterances[i].words]
    if not usable:
        raise ValueError("there is no recording with a transcript to tune on")
    features = [features[i] for i in usable]
    references = [utterances[i].words for i in usable]
    hybrid = isinstance(recognizer.acoustic, HybridModel)
    scores = recognizer.acoustic.frame_scores(features, posteriors=True) if hybrid else recognizer.scores(features)
    tried = []
    for prior_scale, points in itertools.groupby(grid, lambda point: point.get("prior_scale")):
        divided = scores
        if hybrid and recognizer.acoustic.prior is not None:
            divisor = np.float32(prior_scale) * recognizer.acoustic.prior.log_probs.numpy()
            divided = [x - divisor for x in scores]
        for point in points:
            scales = {name: point[name] for name in _SCALES}
            found = recognizer.decoder(graph, **scales).decode_batch(divided)
            errors = score_words(references, [h.words for h in found])
            tried.append({**point, "errors": errors.errors, "wer": errors.wer})
    best = min(tried, key=lambda row: row["errors"])
    chosen = recognizer.with_scales(**{field: best[name] for name, field in _SCALES.items()})
    if wanted["prior_scale"] is not None:
        network, prior = recognizer.acoustic.network, recognizer.acoustic.prior.scaled(best["prior_scale"])
        chosen = replace(chosen, acoustic=HybridModel(network, prior).eval())
    return chosen, tried


def _grid(recognizer, wanted):
    """Every combination, as dictionaries; the prior's scale changes slowest."""
    if all(values is None for values in wanted.values()):
        wanted = {**wanted, "word_penalty": _PENALTIES}
    prior = getattr(recognizer.acoustic, "prior", None)
    if wanted["prior_scale"] is not None and prior is None:
        raise ValueError("prior_scale cannot be tuned: the acoustic model divides by no prior")
    now = {name: getattr(recognizer.scales, field) for name, field in _SCALES.items()}
    names = ["prior_scale", *_SCALES] if prior is not None else list(_SCALES)
    if prior is not None:
        now["prior_scale"] = float(prior.scale)
    axes = [_values(name, wanted[name], now[name]) for name in names]
    return [dict(zip(names, point)) for point in itertools.product(*axes)]


def _values(name, given, now):
    if given is None:
        return [now]
    values = [float(v) for v in np.atleast_1d(np.asarray(given, float))]
    least = None if name == "word_penalty" else 0.0
    if not values or not all(math.isfinite(v) and (least is None or v >= least) for v in values):
        raise ValueError(f"{name} must be numbers to try{', at least 0' if least is not None else ''}; got {given!r}")
    return values
