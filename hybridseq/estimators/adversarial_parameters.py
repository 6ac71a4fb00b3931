"""What an adversarial tagger's parameters say: its chain, its players, and how these are trained."""

import inspect

import numpy as np
from sklearn.utils.validation import check_is_fitted

from hybridseq.adversarial.labels import RELAXATIONS, TERMS, GlobalChainScore, LabelGenerator
from hybridseq.adversarial.labels.network import AdversarialNetwork
from hybridseq.adversarial.recipe import OBJECTIVES, TwoPlayers
from hybridseq.estimators import tagger_parameters
from hybridseq.estimators.numbers import check_number
from hybridseq.estimators.sequence_tagger import SequenceTagger
from hybridseq.estimators.tagger_network import build_network
from hybridseq.inference import ChainScore
from hybridseq.nn.names import choose

#: How an answer is found.
INFERENCE = {"one_pass": True, "refined": True, "best_of": True, "exact": True}
_OWN = {
    "critic_rate",
    "generator_rate",
    "critic_steps",
    "generator_steps",
    "cost_weight",
    "anchor",
    "anchor_end",
    "entropy_bonus",
    "gradient_penalty",
    "mismatch",
    "dropout_in_answers",
    "search_sweeps",
    "truncate_critic",
    "truncate_generator",
}

#: What shapes the network, so that a chain and its tagger are to agree on it.
_SHAPE = (
    "encoder",
    "structure",
    "hidden_size",
    "num_layers",
    "word_size",
    "char_encoder",
    "char_size",
    "column_size",
    "word_vectors",
    "lowercase",
    "min_count",
)


def check(tagger) -> None:
    """Raise a ValueError that names the first parameter that is not usable."""
    choose("objective", tagger.objective, {**OBJECTIVES, "cross_entropy": None})
    choose("relaxation", tagger.relaxation, RELAXATIONS)
    choose("inference", tagger.inference, INFERENCE)
    if tagger.term is not None:
        choose("term", tagger.term, TERMS)
    if tagger.inference == "exact" and tagger.term is not None:
        raise ValueError(
            f"inference='exact' needs an F whose argmax is known: a chain plus term={tagger.term!r} has none. Set "
            "inference='refined', or term=None"
        )
    for name, least in (("adversarial_epochs", 1), ("noise_size", 0), ("passes", 0), ("reach", 1), ("draws", 1)):
        check_number(name, getattr(tagger, name), least=least, whole=True)
    check_number("temperature", tagger.temperature, above=0)
    check_number("term_weight", tagger.term_weight, least=0)
    check_number("term_speed", tagger.term_speed, least=0)
    tagger_parameters.check(chain_tagger(tagger))
    recipe(tagger)


def chain_tagger(tagger) -> SequenceTagger:
    """The tagger that trains F's chain before the players meet: log loss, no constraint."""
    known = inspect.signature(SequenceTagger).parameters
    shared = {name: value for name, value in tagger.get_params(deep=False).items() if name in known}
    return SequenceTagger(**{**shared, "objective": "log_loss", "constraint": None})


def check_chain(tagger, chain) -> None:
    """Raise where a tagger's chain cannot be the start of F."""
    if not isinstance(chain, SequenceTagger) or isinstance(chain, type(tagger)):
        raise TypeError(f"chain must be a fitted SequenceTagger; got {type(chain).__name__}")
    check_is_fitted(chain, "network_")
    for name in _SHAPE:
        own, other = getattr(tagger, name), getattr(chain, name)
        if own is not other and not np.all(own == other):
            raise ValueError(f"the chain was fitted with {name}={other!r}, but here it is {own!r}: give the same")
    if chain.network_.structure is None:
        raise ValueError(f"it was fitted with objective={chain.objective!r}, which has no chain: use 'log_loss'")


def recipe(tagger) -> TwoPlayers:
    """How the players are trained."""
    given = {name: getattr(tagger, name) for name in _OWN}
    if tagger.search_sweeps is None:
        # A term learns fast from nothing, and would be left high where the generator does not look.
        given["search_sweeps"] = 0 if tagger.term is None else 2
    alone = tagger.objective == "cross_entropy"
    if alone:
        given.update(critic_rate=None, score_weight=0.0, anchor=1.0, anchor_end=1.0)
    return TwoPlayers(
        objective="perceptron" if alone else tagger.objective,
        epochs=tagger.adversarial_epochs,
        averaging=tagger.generator_averaging,
        schedule="cosine",
        clip_norm=tagger.clip_norm,
        **given,
    )


def players(tagger, network, num_labels) -> AdversarialNetwork:
    """The generator and F, from the network of a trained chain; the generator starts with its weights."""
    generator = LabelGenerator(
        network,
        tagger.relaxation,
        temperature=tagger.temperature,
        passes=tagger.passes,
        reach=tagger.reach,
        noise_size=tagger.noise_size,
        two_heads=tagger.two_heads,
    )
    if tagger.term is None:
        return AdversarialNetwork(generator, ChainScore(network))
    term = TERMS[tagger.term](num_labels)
    return AdversarialNetwork(generator, GlobalChainScore(network, term, tagger.term_weight, tagger.term_speed))


def build_players(tagger, reader, num_labels) -> AdversarialNetwork:
    """Players with fresh weights, for saved ones to be loaded into."""
    return players(tagger, build_network(chain_tagger(tagger), reader, num_labels), num_labels)
