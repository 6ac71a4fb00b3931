"""From recordings and transcripts to a trained recogniser: the whole chain, its parts exchangeable."""

from dataclasses import dataclass, field

import numpy as np
import torch

from hybridseq.nn.prior import Prior
from hybridseq.speech.acoustic.cross_entropy import train_cross_entropy
from hybridseq.speech.acoustic.hybrid import HybridModel
from hybridseq.speech.acoustic.loop import Schedule, seeded
from hybridseq.speech.acoustic.networks import make_network
from hybridseq.speech.acoustic.views import Augmentation, make_views
from hybridseq.speech.features import SpecAugment
from hybridseq.speech.graph import Units, left_to_right, three_state, transcript_graph, whole_word
from hybridseq.speech.ngram import NGramModel, estimate
from hybridseq.speech.recognizer import Recognizer, Scales
from hybridseq.speech.start import train_gmm

#: How frame scores count where nothing else is said.
DEFAULT_SCALES = {"hybrid": Scales(acoustic=0.2), "gmm": Scales(acoustic=0.1)}


@dataclass(frozen=True)
class Recipe:
    """How a recogniser is made. What it is made from is given to :func:`fit_recognizer`.

    Attributes
    ----------
    pipeline : FeaturePipeline
    acoustic : {"hybrid", "gmm"}
        Whether a network is trained on the alignments of the GMM-HMM, or that model is all.
    network : str, nn.Module or callable
        A name, see :func:`make_network`; a module ``(features (B, T, D), lengths) -> (B, T, P)``; or a function of
        (D, P) that makes one.
    hidden_size, num_layers, dropout
        Of a network that is named.
    states_per_word : int or "auto"
        Of whole-word models; "auto" looks at how long words last.
    gaussians : int
        Mean number a state in the GMM-HMM.
    start_rounds : int
        Its iterations.
    schedule : Schedule
    augmentation : Augmentation
    realign : sequence of float
        When the network aligns anew, as shares of training.
    prior : {"counts", "posteriors", "uniform"}
    prior_scale : float
    label_smoothing : float
    silence_prob : float
    scales : Scales, optional
        None: frame scores count a fifth, those of a GMM-HMM a tenth. Neighbouring frames say the same thing again, so
        that their sum is too sure beside transitions and grammar.
    seed : int
    """

    pipeline: object
    acoustic: str = "hybrid"
    network: object = "tdnn"
    hidden_size: int = 256
    num_layers: int = 4
    dropout: float = 0.0
    states_per_word: int | str = "auto"
    gaussians: int = 2
    start_rounds: int = 12
    schedule: Schedule = field(default_factory=Schedule)
    augmentation: Augmentation = field(default_factory=Augmentation)
    realign: tuple = (0.25, 0.5)
    prior: str = "counts"
    prior_scale: float = 1.0
    label_smoothing: float = 0.0
    silence_prob: float = 0.5
    scales: Scales | None = None
    seed: int = 0


@dataclass
class Report:
    """What training did.

    Attributes
    ----------
    left_out : dict of str to str
        Utterances that were not trained on, and why.
    history : list of Progress
        The passes.
    start : TrainingReport
        Of the GMM-HMM.
    states : list of (T,) arrays or None
        The last alignment.
    """

    left_out: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    start: object = None
    states: object = None


def states_for(frames, words):
    """States of a whole-word model from utterances' numbers of frames and of words.

    A fifth of the frames that a word lasts at the median, so that a state lasts 50 ms; but no more than the fastest
    twentieth of the utterances have frames for, 3 at least and 10 at most.
    """
    each = np.asarray(frames) / np.maximum(1, np.asarray(words))
    return int(np.clip(min(np.median(each) / 5, np.quantile(each, 0.05)), 3, 10))


def make_units(utterances, features, lexicon, states_per_word="auto", silence="SIL"):
    """The units of a model: three-state phones of the lexicon, or whole words without one."""
    if lexicon is not None:
        return Units(lexicon.phones, three_state(), lexicon.silence, three_state())
    known = [(len(x), len(u.words)) for u, x in zip(utterances, features) if x is not None and u.words]
    count = states_for(*zip(*known)) if states_per_word == "auto" else states_per_word
    words = sorted({w for u in utterances for w in u.words})
    return Units(words, whole_word(count), silence, left_to_right(1))


def make_grammar(grammar, utterances, lexicon):
    """A grammar from what was asked for: a model; None, words follow each other freely; or an order to estimate."""
    if isinstance(grammar, NGramModel):
        return grammar
    texts = [u.words for u in utterances]
    if grammar is None:
        return NGramModel.word_loop(sorted({w for t in texts for w in t}) if lexicon is None else lexicon.words)
    return estimate(texts, order=grammar, vocabulary=None if lexicon is None else lexicon.words)


def fit_recognizer(utterances, recipe, *, lexicon=None, grammar=None, told=None, checkpoint=None, preparing=None):
    """Train a recogniser.

    Parameters
    ----------
    utterances : list of Utterance
        With words. Those that cannot be used are left out, by name.
    recipe : Recipe
    lexicon : Lexicon, optional
        Without one every word is a model of its own.
    grammar : NGramModel or int, optional
        A model; the order of one that is estimated from the transcripts; None: any word may follow any other.
    told : callable, optional
        Gets a ``Progress`` after each pass.
    checkpoint : Checkpoint, optional
        Where training is kept and taken up again.
    preparing : callable, optional
        Gets (what is done, how many times, of how many) while features and a first alignment are made.

    Returns
    -------
    recognizer : Recognizer
    report : Report

    Raises
    ------
    OutOfLexiconError
        Where transcripts have words that the lexicon lacks.
    ValueError
        Where no utterance is left to train on.
    """
    rng = seeded(recipe.seed)
    report = Report()
    if lexicon is not None:
        lexicon.check([u.words for u in utterances if u.words])
    silent = [u.id for u in utterances if not u.words]
    report.left_out.update(dict.fromkeys(silent, "has no transcript"))
    utterances = [u for u in utterances if u.words]
    augmentation = recipe.augmentation if recipe.acoustic == "hybrid" else Augmentation(views=0)
    views, problems = make_views(utterances, recipe.pipeline, augmentation, rng, telling("features", preparing))
    report.left_out.update({p.id: p.message for p in problems})
    features = views[0].features
    if all(x is None for x in features):
        first = next(iter(report.left_out.items()), None)
        raise ValueError(
            "there is no utterance to train on: "
            + (
                f"{len(report.left_out)} were left out, the first, {first[0]}, because it {first[1]}"
                if first
                else "none given"
            )
        )
    units = make_units(utterances, features, lexicon, recipe.states_per_word)
    graphs = transcript_graphs(utterances, lexicon, units, recipe.silence_prob)
    ids = [u.id for u in utterances]
    gmm, alignments, report.start = train_gmm(
        features,
        graphs,
        units,
        ids=ids,
        num_gaussians=recipe.gaussians,
        iterations=recipe.start_rounds,
        seed=recipe.seed,
        progress=preparing and (lambda done: preparing("first alignment", done.iteration, recipe.start_rounds)),
    )
    report.left_out.update(dict(alignments.problems))
    units = units.with_loops(alignments.self_loops(units))
    graphs = transcript_graphs(utterances, lexicon, units, recipe.silence_prob)
    grammar = make_grammar(grammar, utterances, lexicon)
    rest = {"scales": recipe.scales or DEFAULT_SCALES[recipe.acoustic], "silence_prob": recipe.silence_prob}
    if recipe.acoustic == "gmm":
        report.states = alignments
        return Recognizer(recipe.pipeline, units, lexicon, grammar, gmm, **rest), report
    width = next(x.shape[1] for x in features if x is not None)
    model = HybridModel(build_network(recipe, width, units.num_labels), Prior.uniform(units.num_labels))
    report.states, report.history = train_cross_entropy(
        model,
        views,
        graphs,
        alignments,
        recipe.schedule,
        rng,
        realign=recipe.realign,
        prior=recipe.prior,
        prior_scale=recipe.prior_scale,
        label_smoothing=recipe.label_smoothing,
        mask=make_mask(recipe, width),
        told=told,
        checkpoint=checkpoint,
    )
    return Recognizer(recipe.pipeline, units, lexicon, grammar, model.eval(), **rest), report


def telling(what, preparing):
    """The callable of (done, total) that tells what it is of; None stays None."""
    return preparing and (lambda done, total: preparing(what, done, total))


def build_network(recipe, width, num_labels):
    """The recipe's network for D features and P states."""
    if isinstance(recipe.network, str):
        maps = recipe.pipeline.deltas + 1
        sizes = {"hidden_size": recipe.hidden_size, "num_layers": recipe.num_layers, "dropout": recipe.dropout}
        return make_network(recipe.network, width, num_labels, maps=maps, **sizes)
    network = recipe.network if isinstance(recipe.network, torch.nn.Module) else recipe.network(width, num_labels)
    if not hasattr(network, "num_labels"):
        network.num_labels = num_labels
    return network


def make_mask(recipe, width):
    """SpecAugment as the recipe has it."""
    a = recipe.augmentation
    blocks = recipe.pipeline.deltas + 1
    if width % blocks:
        blocks = 1
    return SpecAugment(a.time_masks, a.time_width, a.freq_masks, a.freq_width, blocks=blocks)


def transcript_graphs(utterances, lexicon, units, silence_prob):
    """One graph a transcript, shared by utterances that say the same."""
    made = {}
    for utterance in utterances:
        if utterance.words not in made:
            optional = units.silence is not None
            made[utterance.words] = transcript_graph(utterance.words, lexicon, units, optional, silence_prob)
    return [made[u.words] for u in utterances]
