"""The ways to train a recogniser: frame by frame, then perhaps by whole utterances; or by these from the start."""

from dataclasses import replace

import numpy as np

from hybridseq.nn.prior import Prior
from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.acoustic.loop import seeded
from hybridseq.speech.acoustic.views import make_views
from hybridseq.speech.recipe import (
    DEFAULT_SCALES,
    Report,
    build_network,
    fit_recognizer,
    make_grammar,
    make_mask,
    make_units,
    telling,
    transcript_graphs,
)
from hybridseq.speech.recognizer import Recognizer
from hybridseq.speech.sequence import (
    SEQUENCE_SCHEDULE,
    CTCSymbols,
    hold_back_blank,
    phone_denominator,
    phone_sequences,
    train_sequence,
    unit_costs,
    word_denominator,
)
from hybridseq.speech.start import align_all

#: name: whether a network that cross-entropy trained is refined, or None for cross-entropy itself.
TRAINING = {
    "cross_entropy": None,
    "mmi": True,
    "boosted_mmi": True,
    "smbr": True,
    "lfmmi": True,
    "full_sum": False,
    "ctc": False,
}


def train(utterances, recipe, training, schedule, *, lexicon, grammar, told, checkpoint, preparing=None):
    """Train, and keep what there is where Ctrl-C ends it.

    Parameters
    ----------
    utterances : list of Utterance
    recipe : Recipe
    training : str
        A name of ``TRAINING``.
    schedule : dict
        Settings of the schedule by which whole utterances refine a network.
    lexicon, grammar, told, checkpoint, preparing
        As of ``fit_recognizer``; the checkpoint must be there.

    Returns
    -------
    recognizer : Recognizer
    report : Report
    interrupted : bool
        Whether training ended early.

    Raises
    ------
    KeyboardInterrupt
        Where no pass was over.
    """
    options = {"lexicon": lexicon, "grammar": grammar, "preparing": preparing}
    try:
        recognizer, report = _train(utterances, recipe, training, schedule, told, checkpoint, **options)
        return recognizer, report, report.start is not None and report.start.interrupted
    except KeyboardInterrupt:
        if not checkpoint.passes:
            raise
    # The first view is enough where no further pass is made.
    recipe = replace(recipe, augmentation=replace(recipe.augmentation, views=0))
    return *_train(utterances, recipe, training, schedule, None, checkpoint.as_finished(), **options), True


def _train(utterances, recipe, training, schedule, told, checkpoint, lexicon, grammar, preparing):
    refines = TRAINING[training]
    if refines is False:
        return _from_nothing(utterances, recipe, training, told, checkpoint, lexicon, grammar, preparing)
    recognizer, report = fit_recognizer(
        utterances, recipe, lexicon=lexicon, grammar=grammar, told=told, checkpoint=checkpoint, preparing=preparing
    )
    if refines:
        _refine(recognizer, report, utterances, recipe, training, schedule, told, checkpoint, preparing)
    return recognizer, report


def _refine(recognizer, report, utterances, recipe, criterion, schedule, told, checkpoint, preparing):
    """Train the recogniser's network by a criterion of whole utterances, in place.

    Views are drawn anew: voices and noises that the network has not learnt by heart.
    """
    utterances = [u for u in utterances if u.words]
    rng = np.random.default_rng([recipe.seed, 1])
    views, _ = make_views(utterances, recipe.pipeline, recipe.augmentation, rng, telling("features", preparing))
    lexicon, units, scales = recognizer.lexicon, recognizer.units, recognizer.scales
    texts = [u.words for u in utterances]
    options = {"acoustic_scale": scales.acoustic}
    if criterion == "lfmmi":
        spoken = phone_sequences(texts, units, lexicon, rng, recipe.silence_prob)
        denominator = phone_denominator(spoken, units)
    else:
        words = sorted({w for text in texts for w in text})
        denominator = word_denominator(words, units, lexicon, silence_prob=recipe.silence_prob)
        options |= {"grammar_scale": scales.grammar, "word_penalty": scales.word_penalty}
    if criterion in {"boosted_mmi", "smbr"}:
        options["costs"] = unit_costs(units)
    found = train_sequence(
        recognizer.acoustic,
        views,
        transcript_graphs(utterances, lexicon, units, recipe.silence_prob),
        denominator,
        criterion,
        replace(SEQUENCE_SCHEDULE, **schedule),
        rng,
        ids=[u.id for u in utterances],
        alignments=report.states,
        mask=make_mask(recipe, recipe.pipeline.width),
        told=told,
        checkpoint=checkpoint,
        **options,
    )
    recognizer.acoustic.eval()
    _tell(report, found)


def _from_nothing(utterances, recipe, criterion, told, checkpoint, lexicon, grammar, preparing):
    """A recogniser whose network sums over all alignments from the first pass on."""
    rng = seeded(recipe.seed)
    report = Report(dict.fromkeys([u.id for u in utterances if not u.words], "has no transcript"))
    utterances = [u for u in utterances if u.words]
    views, problems = make_views(utterances, recipe.pipeline, recipe.augmentation, rng, telling("features", preparing))
    report.left_out.update({p.id: p.message for p in problems})
    features, ids = views[0].features, [u.id for u in utterances]
    if all(x is None for x in features):
        raise ValueError(f"there is no utterance to train on: {len(report.left_out)} were left out")
    if criterion == "ctc":
        words = sorted({w for u in utterances for w in u.words})
        symbols = CTCSymbols(words if lexicon is None else lexicon.phones)
        units, graphs = symbols.units(), [symbols.graph(u.words, lexicon) for u in utterances]
    else:
        units = make_units(utterances, features, lexicon, recipe.states_per_word)
        graphs = transcript_graphs(utterances, lexicon, units, recipe.silence_prob)
    prior = None if criterion == "ctc" else Prior.uniform(units.num_labels)
    width = recipe.pipeline.width
    model = HybridModel(build_network(recipe, width, units.num_labels), prior)
    if criterion == "ctc" and isinstance(recipe.network, str):
        hold_back_blank(model.network)
    found = train_sequence(
        model,
        views,
        graphs,
        None,
        criterion,
        recipe.schedule,
        rng,
        ids=ids,
        mask=make_mask(recipe, width),
        told=told,
        checkpoint=checkpoint,
    )
    model.eval()
    _tell(report, found)
    there = [i for i, x in enumerate(features) if x is not None]
    scores = [None] * len(features)
    for i, x in zip(there, model.frame_scores([features[i] for i in there])):
        scores[i] = x
    report.states = align_all(scores, graphs, ids)
    if criterion != "ctc":
        units = units.with_loops(report.states.self_loops(units))
    grammar = make_grammar(grammar, utterances, lexicon)
    recognizer = Recognizer(
        recipe.pipeline,
        units,
        lexicon,
        grammar,
        model,
        scales=recipe.scales or DEFAULT_SCALES["hybrid"],
        silence_prob=recipe.silence_prob,
    )
    return recognizer, report


def _tell(report, found):
    report.history = [*report.history, *found.history]
    report.left_out.update({id: why for id, why in found.problems if id not in report.left_out})
