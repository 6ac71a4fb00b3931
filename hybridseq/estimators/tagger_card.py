"""A fitted tagger as JSON, and back."""

from types import SimpleNamespace

import numpy as np
import torch

from hybridseq.constraints.serial import from_json, to_json
from hybridseq.estimators.card import describe_parameters, plain
from hybridseq.estimators.found_constraint import trained_part
from hybridseq.estimators.tagger_hmm import given_prior
from hybridseq.estimators.tagger_network import build_network
from hybridseq.text import LabelVocabulary
from hybridseq.training.inputs import input_from_json


def describe_tagger(tagger) -> dict:
    """Everything of a fitted tagger but its weights, for JSON.

    ``objects`` names the parameters that JSON cannot hold and that loading needs again.
    """
    parameters = {name: value for name, value in tagger._fitted_with.items() if name != "callbacks"}
    # The vectors are among the weights now, and their file may be gone.
    if parameters.pop("word_vectors") is not None:
        parameters["word_size"] = tagger.network_.inputs.words.embedding_dim
    if not isinstance(parameters.get("prior", ""), str):
        parameters["prior"], parameters["prior_scale"] = given_prior(SimpleNamespace(**parameters))
    return {
        **describe_parameters(parameters),
        "state": {
            "labels": tagger.labels_.to_json(),
            "input": tagger.input_.to_json(),
            "scheme": tagger.scheme_,
            "constrained": tagger.constraint_ is not None,
            "constraint": None if tagger.constraint_ is None else to_json(tagger.constraint_),
            "history": [{k: plain(v) for k, v in row.items()} for row in tagger.history_],
            "best_epoch": tagger.best_epoch_,
            "best_score": tagger.best_score_,
            "passes": tagger.passes_,
        },
    }


def restore_tagger(tagger, state: dict, tensors: dict, build=build_network) -> None:
    """Give an unfitted tagger the state and the weights of a saved one.

    ``build(tagger, input, K)`` makes its network.
    """
    tagger.labels_ = LabelVocabulary.from_json(state["labels"])
    tagger.classes_ = np.array(tagger.labels_.labels)
    tagger.input_ = input_from_json(state["input"])
    tagger.scheme_ = state["scheme"]
    if state["constraint"] is not None:
        # Folders of format 1 hold schemes only, and do not say so.
        tagger.constraint_ = from_json({"kind": "SchemeConstraint", **state["constraint"]})
    else:
        tagger.constraint_ = tagger.constraint if state["constrained"] else None
    tagger.history_, tagger.passes_ = state["history"], state["passes"]
    tagger.best_epoch_, tagger.best_score_ = state["best_epoch"], state["best_score"]
    with torch.random.fork_rng(devices=[]):
        network = build(tagger, tagger.input_, len(tagger.labels_))
    trained = trained_part(tagger.constraint_)
    if trained is not None:
        network.constrain(trained.compile(tagger.labels_.labels))
    network.load_state_dict(tensors)
    tagger.network_ = network.to(tagger.device).eval()
    tagger._fitted_with = tagger.get_params(deep=False)
