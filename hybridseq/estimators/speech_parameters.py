"""The parameters of the speech recogniser: which are usable, and the recipe that they make."""

import copy
from collections import Counter
from dataclasses import replace
from numbers import Integral
from os import PathLike

import torch

from hybridseq.estimators.numbers import check_number
from hybridseq.estimators.speech_training import TRAINING
from hybridseq.nn.names import choose
from hybridseq.speech.acoustic.cross_entropy import PRIORS
from hybridseq.speech.acoustic.loop import Schedule
from hybridseq.speech.acoustic.networks import NETWORKS
from hybridseq.speech.acoustic.views import Augmentation
from hybridseq.speech.audio import AudioError, audio_info
from hybridseq.speech.features import FeaturePipeline
from hybridseq.speech.lexicon import Lexicon
from hybridseq.speech.ngram import NGramModel, read_arpa
from hybridseq.speech.recipe import DEFAULT_SCALES, Recipe

#: What features of a name are beside the defaults of a pipeline: the band of a telephone; a background 45 dB below the
#: loudest, so that silence sounds alike in every room; and statistics of frames that are loud enough to be speech.
FEATURES = {
    "mfcc": {"num_mels": 26, "low": 60.0, "high": -200.0, "floor_db": 45.0, "cmvn_db": 30.0},
    "fbank": {"num_mels": 40, "low": 60.0, "high": -200.0, "floor_db": 45.0, "cmvn_db": 30.0},
    "given": {"deltas": 0},
}
_ACOUSTIC = {"hybrid": True, "gmm": True}
_NORMALIZE = {"speaker": True, "utterance": True, "online": True, "none": True}
_BACKENDS = {"own": True, "kaldi": True}
#: Parameters that the recipe has under the same name.
_OF_THE_RECIPE = (
    "hidden_size", "num_layers", "dropout", "gaussians", "states_per_word", "prior", "prior_scale", "silence_prob",
)  # fmt: skip
#: name: least, and whether it is whole.
_NUMBERS = {
    "gaussians": {"least": 1, "whole": True},
    "rate": {"least": 1, "whole": True},
    "hidden_size": {"least": 1, "whole": True},
    "num_layers": {"least": 1, "whole": True},
    "dropout": {"least": 0, "below": 1},
    "epochs": {"least": 1, "whole": True},
    "learning_rate": {"above": 0},
    "batch_frames": {"least": 1, "whole": True},
    "sequence_epochs": {"least": 1, "whole": True},
    "sequence_rate": {"above": 0},
    "prior_scale": {"least": 0},
    "acoustic_scale": {"above": 0},
    "grammar_scale": {"least": 0},
    "word_penalty": {},
    "silence_prob": {"above": 0, "below": 1},
    "max_active": {"least": 20, "whole": True},
}


def check(model) -> None:
    """Raise a ValueError where a parameter is not usable."""
    choose("acoustic", model.acoustic, _ACOUSTIC)
    choose("normalize", model.normalize, _NORMALIZE)
    choose("training", model.training, TRAINING)
    if model.acoustic == "gmm" and model.training != "cross_entropy":
        raise ValueError(f"training={model.training!r} trains a network; acoustic='gmm' has none")
    if model.backend is not None:
        choose("backend", model.backend, _BACKENDS)
    if model.prior is not None:
        choose("prior", model.prior, dict.fromkeys(PRIORS, True))
    if isinstance(model.encoder, str):
        choose("encoder", model.encoder, NETWORKS)
    elif not callable(model.encoder):
        raise ValueError(
            f"encoder must be one of {list(NETWORKS)}, a module (B, T, D) -> (B, T, P), or a function of (D, P) that "
            f"makes one; got {model.encoder!r}"
        )
    if not isinstance(model.features, FeaturePipeline):
        choose("features", model.features, FEATURES)
    for name, bounds in _NUMBERS.items():
        check_number(name, getattr(model, name), optional=True, **bounds)
    if model.states_per_word != "auto":
        check_number("states_per_word", model.states_per_word, least=1, whole=True)
    if model.beam is not None and not model.beam > 0:
        raise ValueError(f"beam must be above 0 nats (inf: no beam); got {model.beam!r}")
    if not isinstance(model.augment, bool | Augmentation):
        raise ValueError(f"augment must be True, False or an Augmentation; got {model.augment!r}")
    for share in model.realign or ():
        check_number("every number of realign", share, above=0, below=1)
    _check_language(model)


def _check_language(model):
    lm = model.lm
    if isinstance(lm, bool) or not (lm is None or isinstance(lm, Integral | NGramModel | str | PathLike)):
        raise ValueError(f"lm must be None, an order such as 2, an NGramModel or the path of an ARPA file; got {lm!r}")
    if isinstance(lm, Integral) and lm < 1:
        raise ValueError(f"lm, as the order of a model that is estimated, must be at least 1; got {lm!r}")
    lexicon = model.lexicon
    if not (lexicon is None or isinstance(lexicon, Lexicon | dict | str | PathLike)):
        raise ValueError(f"lexicon must be None, a Lexicon, a dictionary or the path of a file; got {lexicon!r}")


def read_lexicon(given):
    """The lexicon that the parameter stands for, or None."""
    if given is None or isinstance(given, Lexicon):
        return given
    return Lexicon(given) if isinstance(given, dict) else Lexicon.read(given)


def read_grammar(given):
    """What ``fit_recognizer`` takes for the parameter."""
    return read_arpa(given) if isinstance(given, str | PathLike) else given


def make_pipeline(model, utterances) -> FeaturePipeline:
    """The pipeline of a model that is fitted on utterances."""
    if isinstance(model.features, FeaturePipeline):
        pipeline = model.features
        if model.rate is not None and model.rate != pipeline.rate and pipeline.kind != "given":
            raise ValueError(f"rate is {model.rate}, but features is a pipeline for {pipeline.rate}; give one of them")
    else:
        settings = {"kind": model.features, "cmvn": model.normalize, **FEATURES[model.features]}
        if model.features == "given":
            width = next((u.features.shape[1] for u in utterances if u.features is not None), None)
            if width is None:
                raise ValueError("features='given', but no utterance has any; give arrays (T, D), or features='mfcc'")
            pipeline = FeaturePipeline(given_width=width, **settings)
        else:
            pipeline = FeaturePipeline(rate=model.rate or usual_rate(utterances), **settings)
    return pipeline.with_prior(utterances) if pipeline.cmvn == "online" and pipeline.prior is None else pipeline


def usual_rate(utterances) -> int:
    """The sample rate that most utterances have."""
    counts, first = Counter(), None
    for utterance in utterances:
        try:
            counts[_rate(utterance)] += 1
        except AudioError as error:
            first = first or str(error)
    if not counts:
        raise ValueError(f"no audio can be read: {first or 'there are no utterances'}")
    return counts.most_common(1)[0][0]


def _rate(utterance):
    if utterance.samples is None and utterance.path is not None:
        return audio_info(utterance.path)[1]
    if utterance.rate is None:
        utterance.load()
    return utterance.rate


def make_recipe(model, pipeline, seed) -> Recipe:
    """The recipe; what a parameter leaves open (None) is the recipe's own default."""
    schedule = _given(model, epochs="epochs", learning_rate="learning_rate", batch_frames="batch_frames")
    augmentation = model.augment if isinstance(model.augment, Augmentation) else Augmentation()
    if model.augment is False:
        augmentation = replace(augmentation, views=0, time_masks=0, freq_masks=0)
    network = copy.deepcopy(model.encoder) if isinstance(model.encoder, torch.nn.Module) else model.encoder
    scales = _given(model, acoustic="acoustic_scale", grammar="grammar_scale", word_penalty="word_penalty")
    return Recipe(
        pipeline=pipeline,
        acoustic=model.acoustic,
        network=network,
        schedule=Schedule(**schedule),
        augmentation=augmentation,
        scales=replace(DEFAULT_SCALES[model.acoustic], **scales),
        seed=seed,
        **_given(model, **{name: name for name in _OF_THE_RECIPE}),
        **({} if model.realign is None else {"realign": tuple(model.realign)}),
    )


def sequence_schedule(model) -> dict:
    """Settings of the schedule of training by whole utterances that parameters set."""
    return _given(model, epochs="sequence_epochs", learning_rate="sequence_rate")


def search_options(model) -> dict:
    """Fields of a ``Recognizer`` that parameters set."""
    return _given(model, beam="beam", max_active="max_active", backend="backend")


def _given(model, **names):
    """Values of parameters that are not None, under other names."""
    values = {name: getattr(model, parameter) for name, parameter in names.items()}
    return {name: value for name, value in values.items() if value is not None}
