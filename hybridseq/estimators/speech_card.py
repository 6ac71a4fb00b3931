"""A fitted speech recogniser as JSON and tensors, and back."""

from dataclasses import asdict, replace

from hybridseq.estimators import speech_parameters as parameters
from hybridseq.estimators.card import describe_parameters
from hybridseq.nn.prior import Prior
from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.acoustic.loop import Progress
from hybridseq.speech.acoustic.views import Augmentation
from hybridseq.speech.features import FeaturePipeline
from hybridseq.speech.graph import Units
from hybridseq.speech.lexicon import Lexicon
from hybridseq.speech.ngram import NGramModel
from hybridseq.speech.recipe import Report, build_network
from hybridseq.speech.recognizer import Recognizer, Scales
from hybridseq.speech.start import GMM

#: Parameters that may be objects, all of which the fitted state holds.
_HELD = "features", "lexicon", "lm", "augment", "realign", "checkpoint"


def describe_recognizer(model) -> tuple[dict, dict]:
    """The card of a fitted model, and its tensors."""
    fitted = model.recognizer_
    given = dict(model._fitted_with)
    held = {name: given.pop(name) for name in _HELD}
    simple = {name: v for name, v in held.items() if name != "checkpoint" and isinstance(v, str | int | float | bool)}
    card = describe_parameters({**given, **simple})
    augment = held["augment"]
    state = {
        "held": sorted(name for name, v in held.items() if v is not None and name not in simple),
        "augment": asdict(augment) if isinstance(augment, Augmentation) else None,
        "realign": None if held["realign"] is None else list(held["realign"]),
        "pipeline": fitted.pipeline.to_dict(),
        "units": fitted.units.to_dict(),
        "lexicon": None if fitted.lexicon is None else fitted.lexicon.to_dict(),
        "grammar": grammar_to_json(fitted.grammar),
        "scales": asdict(fitted.scales),
        "silence_prob": fitted.silence_prob,
        "search": {name: getattr(fitted, name) for name in ("beam", "max_active", "backend")},
        "network": model._sizes,
        "history": model.history_,
        "left_out": model.left_out_,
        "interrupted": model.interrupted_,
        "tuning": getattr(model, "tuning_", None),
    }
    acoustic = fitted.acoustic
    tensors = acoustic.state() if isinstance(acoustic, GMM) else acoustic.state_dict()
    return {**card, "state": state}, tensors


def restore_recognizer(model, state: dict, tensors: dict) -> None:
    """Give an unfitted model the state and the tensors of a saved one."""
    pipeline = FeaturePipeline.from_dict(state["pipeline"])
    units = Units.from_dict(state["units"])
    lexicon = None if state["lexicon"] is None else Lexicon.from_dict(state["lexicon"])
    grammar = grammar_from_json(state["grammar"])
    put_back = {
        "features": pipeline,
        "lexicon": lexicon,
        "lm": grammar,
        "augment": None if state["augment"] is None else Augmentation(**_tuples(state["augment"])),
        "realign": None if state["realign"] is None else tuple(state["realign"]),
    }
    for name in state["held"]:
        setattr(model, name, put_back.get(name))
    if model.acoustic == "gmm":
        acoustic = GMM.from_state(tensors)
    else:
        recipe = replace(parameters.make_recipe(model, pipeline, 0), **state["network"])
        prior = Prior.uniform(units.num_labels) if "prior.log_probs" in tensors else None
        acoustic = HybridModel(build_network(recipe, pipeline.width, units.num_labels), prior).eval()
        acoustic.load_state_dict(tensors)
    model.recognizer_ = Recognizer(
        pipeline,
        units,
        lexicon,
        grammar,
        acoustic,
        scales=Scales(**state["scales"]),
        silence_prob=state["silence_prob"],
        **state["search"],
    )
    model.history_, model.left_out_ = state["history"], state["left_out"]
    model.interrupted_, model._sizes = state["interrupted"], state["network"]
    model.report_ = Report(dict(model.left_out_), [Progress(**row) for row in model.history_])
    model.vocabulary_ = list(grammar.vocabulary)
    if state["tuning"] is not None:
        model.tuning_ = state["tuning"]
    model._fitted_with = model.get_params(deep=False)


def _tuples(values):
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def grammar_to_json(grammar) -> dict:
    """An n-gram model as JSON; what is impossible is null."""
    rows = [
        [list(ngram), None if value == float("-inf") else value, grammar.backoffs.get(ngram)]
        for ngram, value in grammar.logprobs.items()
    ]
    return {"unknown": grammar.unknown, "ngrams": rows}


def grammar_from_json(saved) -> NGramModel:
    """The model that ``grammar_to_json`` told."""
    logprobs = {tuple(ngram): float("-inf") if value is None else value for ngram, value, _ in saved["ngrams"]}
    backoffs = {tuple(ngram): weight for ngram, _, weight in saved["ngrams"] if weight is not None}
    return NGramModel(logprobs, backoffs, saved["unknown"])
