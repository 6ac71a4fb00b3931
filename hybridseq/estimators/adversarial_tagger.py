"""A tagger whose inference is a generator."""

import copy
import sys
from dataclasses import replace

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch.nn.functional import pad

from hybridseq.adversarial import distribution
from hybridseq.adversarial.labels.language_model import fit_language_model
from hybridseq.adversarial.train import train_two_players
from hybridseq.estimators import adversarial_parameters as parameters
from hybridseq.estimators import predicting
from hybridseq.estimators.epoch_table import EpochTable
from hybridseq.estimators.found_constraint import Found
from hybridseq.estimators.sequence_tagger import HeldOutScore, SequenceTagger
from hybridseq.estimators.tagger_card import restore_tagger
from hybridseq.inference.amortised import best_of
from hybridseq.inference.refine import refine
from hybridseq.inference.search_error import SearchReport, search_error
from hybridseq.structures.linear_chain import LinearChain
from hybridseq.training.batches import BucketSampler, SentenceDataset, by_length
from hybridseq.training.inputs import DataError, check_labels, check_sentences, encode_labels
from hybridseq.training.seeds import seeded

_TOLD = "epoch", "critic_loss", "generator_loss", "critic_accuracy", "score", "seconds"


class AdversarialTagger(SequenceTagger):
    """A :class:`SequenceTagger` whose inference is a generator.

    F(x, y) is a linear chain from an encoder, with a term over the whole label sequence if one is asked for. Its chain
    is trained first, by log loss; then a generator G(x, z), which starts with the chain's encoder, learns to answer
    with the y that F likes best, and F learns against G's answers as a structured SVM learns against Viterbi's
    :cite:p:`tu2018,tu2020joint`.

    Parameters
    ----------
    encoder
        As of :class:`SequenceTagger`.
    objective : str
        What the players play for: ``"margin_rescaled"``, ``"slack_rescaled"``, ``"contrastive"``, ``"perceptron"``, a
        GAN's ``"non_saturating"``, ``"hinge"``, ``"least_squares"``, ``"wasserstein"``, or ``"nce_ranking"``. And
        ``"cross_entropy"``: the same generator trained by itself, the baseline.
    term : {None, "language_model", "cnn", "attention"}
        What F sees of all labels together beside the chain. With one there is no exact argmax.
    inference : {"one_pass", "refined", "best_of", "exact"}
        G's answer; that answer raised by :func:`hybridseq.inference.refine`, never below; the best by F of ``draws``
        answers; F's own argmax by Viterbi, where F is a chain. It can be set after fitting.
    constraint
        As of :class:`SequenceTagger`. It holds in prediction; the players train without it.
    relaxation : {"straight_through", "softmax", "gumbel", "gumbel_straight_through"}
        How G's logits become an answer that F can score while training.
    temperature : float
        Of the relaxation.
    two_heads : bool
        Whether G has a second head for cost-augmented answers in training, so that the first needs no further tuning.
    passes : int
        Parallel looks of G at the neighbours' guesses, which start as mean field of F's chain; 0: none.
    reach : int
        How far a look goes to either side.
    noise_size : int
        Components of z; 0: none.
    draws : int
        Of ``inference="best_of"``: of z, or, without noise, of G's distribution.
    term_weight : float
        What the term counts in F.
    term_speed : float
        The term's learning rate, in units of ``critic_rate``.
    adversarial_epochs : int
        Passes of the two players.
    critic_rate : float or None
        F's learning rate; None leaves F as its own training left it, and G only learns to search it.
    search_sweeps : int, optional
        As of :class:`~hybridseq.adversarial.TwoPlayers`; None: 2 where F has a term, else 0.
    generator_rate, critic_steps, generator_steps, cost_weight, anchor, anchor_end, entropy_bonus, gradient_penalty, \
mismatch, dropout_in_answers, truncate_critic, truncate_generator
        As of :class:`~hybridseq.adversarial.TwoPlayers`.
    generator_averaging : float
        The decay a step of the moving average of G's weights that is scored and kept; 0 keeps them as they are.
    hidden_size, num_layers, word_size, char_encoder, char_size, column_size, word_vectors, lowercase, min_count, \
word_dropout, dropout, learning_rate, weight_decay, batch_size, max_epochs, patience, schedule, averaging, clip_norm, \
valid_fraction, callbacks, unseen_labels, on_infeasible, device, random_state, verbose
        As of :class:`SequenceTagger`; those of training are the chain's.

    Attributes
    ----------
    network_ : AdversarialNetwork
        With ``generator`` and ``critic``.
    history_ : list of dict
        The players' epochs: both losses, how often F scores gold above the answer, the held-out score.
    chain_history_ : list of dict
        The chain's own training before.
    warnings_ : list of str
        Signs of collapse, with remedies.
    classes_, constraint_, scheme_, best_epoch_, best_score_
        As of :class:`SequenceTagger`.

    Notes
    -----
    ``predict_marginals`` and ``predict_k_best`` tell of G's own distribution, whose positions are independent.
    One pass costs no search: O(T·K²·passes·reach) beside the encoder, in parallel over positions.
    """

    # What the shared code of taggers asks for, and what is not this tagger's to choose.
    structure = "crf"
    transition_rate = None

    def __init__(
        self,
        encoder="bilstm",
        objective="margin_rescaled",
        term=None,
        inference="one_pass",
        constraint="auto",
        *,
        relaxation="straight_through",
        temperature=1.0,
        two_heads=True,
        passes=3,
        reach=1,
        noise_size=0,
        draws=8,
        term_weight=1.0,
        term_speed=10.0,
        adversarial_epochs=5,
        critic_rate=1e-4,
        generator_rate=5e-4,
        critic_steps=1,
        generator_steps=1,
        cost_weight=1.0,
        anchor=1.0,
        anchor_end=1.0,
        entropy_bonus=0.0,
        gradient_penalty=0.0,
        mismatch=0.0,
        dropout_in_answers=False,
        search_sweeps=None,
        generator_averaging=0.99,
        truncate_critic=True,
        truncate_generator=False,
        hidden_size=200,
        num_layers=1,
        word_size=100,
        char_encoder="cnn",
        char_size=100,
        column_size=30,
        word_vectors=None,
        lowercase=True,
        min_count=1,
        word_dropout=0.5,
        dropout=0.4,
        learning_rate=5e-3,
        weight_decay=5e-2,
        batch_size=None,
        max_epochs=None,
        patience=None,
        schedule="cosine",
        averaging=1.0,
        clip_norm=5.0,
        valid_fraction=0.1,
        callbacks=(),
        unseen_labels="error",
        on_infeasible="raise",
        device="cpu",
        random_state=None,
        verbose=1,
    ):
        self.encoder = encoder
        self.objective = objective
        self.term = term
        self.inference = inference
        self.constraint = constraint
        self.relaxation = relaxation
        self.temperature = temperature
        self.two_heads = two_heads
        self.passes = passes
        self.reach = reach
        self.noise_size = noise_size
        self.draws = draws
        self.term_weight = term_weight
        self.term_speed = term_speed
        self.adversarial_epochs = adversarial_epochs
        self.critic_rate = critic_rate
        self.generator_rate = generator_rate
        self.critic_steps = critic_steps
        self.generator_steps = generator_steps
        self.cost_weight = cost_weight
        self.anchor = anchor
        self.anchor_end = anchor_end
        self.entropy_bonus = entropy_bonus
        self.gradient_penalty = gradient_penalty
        self.mismatch = mismatch
        self.dropout_in_answers = dropout_in_answers
        self.search_sweeps = search_sweeps
        self.generator_averaging = generator_averaging
        self.truncate_critic = truncate_critic
        self.truncate_generator = truncate_generator
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.word_size = word_size
        self.char_encoder = char_encoder
        self.char_size = char_size
        self.column_size = column_size
        self.word_vectors = word_vectors
        self.lowercase = lowercase
        self.min_count = min_count
        self.word_dropout = word_dropout
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.schedule = schedule
        self.averaging = averaging
        self.clip_norm = clip_norm
        self.valid_fraction = valid_fraction
        self.callbacks = callbacks
        self.unseen_labels = unseen_labels
        self.on_infeasible = on_infeasible
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def partial_fit(self):
        """There is none: two players learn together, over several passes."""
        raise AttributeError("AdversarialTagger has no partial_fit: its two players learn together, over all the data")

    def _check_parameters(self):
        parameters.check(self)

    def _wanted_constraint(self):
        """Also of the baseline: one pass can be decoded under a constraint however it was trained."""
        return self.constraint

    def fit(self, X, y, X_valid=None, y_valid=None, chain=None):
        """Fit anew.

        Parameters
        ----------
        X, y, X_valid, y_valid
            As of :meth:`SequenceTagger.fit`.
        chain : SequenceTagger, optional
            A fitted tagger whose chain F starts from, so that none is trained; it is left as it is. It is to have been
            fitted with the same parameters of the network (``encoder``, ``hidden_size`` and so on).

        Returns
        -------
        self

        Raises
        ------
        DataError
            Where sentences and labels do not fit together, or the chain does not know a label; names the place.
        ValueError
            Where a parameter is not usable, or the chain is of another shape.
        """
        if chain is not None:
            parameters.check_chain(self, chain)
        return self._fit_anew(X, y, X_valid, y_valid, None if chain is None else chain.labels_, chain=chain)

    def _fit(self, X, y, held_out, labels, *, found, seed, chain=None):
        """Fit chain, then players, and take the result on only when all of it is there."""
        if self.verbose:
            print(found.message, file=sys.stderr)
        if chain is None:
            chain = parameters.chain_tagger(self)
            chain._fit(X, y, held_out, labels, found=Found(None, found.scheme, "F's chain, by log loss:"), seed=seed)
        encoded = replace(chain.input_.encode(X), labels=encode_labels(y, labels))
        dataset = SentenceDataset(encoded)
        with seeded(seed):
            network = parameters.players(self, copy.deepcopy(chain.network_), len(labels)).to(self.device)
            if self.term == "language_model":
                sequences = [torch.from_numpy(part) for part in np.split(encoded.labels, encoded.starts[1:])]
                fit_language_model(network.critic.term, sequences, seed=seed)
        size = self.batch_size or min(16, max(4, len(X) // 100))
        sampler = BucketSampler(encoded.lengths, size, seed)
        metric = "held-out F1" if found.scheme else "held-out acc"
        trained = train_two_players(
            network.generator,
            network.critic,
            lambda rng: (self._moved(*dataset[indices]) for indices in sampler),
            parameters.recipe(self),
            score=held_out and self._scorer(chain, labels, found, network, *held_out),
            told=EpochTable(*_TOLD, metric=metric) if self.verbose else None,
            seed=seed,
        )
        network.generator = trained.generator
        self.classes_ = np.array(labels.labels)
        self.labels_, self.input_, self.network_ = labels, chain.input_, network.eval()
        self.constraint_, self.scheme_ = found.constraint, found.scheme
        self.history_, self.chain_history_, self.warnings_ = trained.history, chain.history_, trained.warnings
        self.best_epoch_, self.best_score_, self.passes_ = trained.best_epoch, trained.best_score, 0
        self._fitted_with = self.get_params(deep=False)

    def _moved(self, batch, labels):
        return {name: value.to(self.device) for name, value in batch.inputs.items()}, labels.to(self.device)

    def _scorer(self, chain, labels, found, network, X, y):
        """F1 of one pass on held-out sentences."""
        score = HeldOutScore(self, chain.input_, labels, found.scheme, found.constraint, X, y)

        def scored(generator, critic):
            kept, network.generator = network.generator, generator
            try:
                return score(network)
            finally:
                network.generator = kept

        return scored

    def predict(self, X, constraint=None):
        """The answer of ``inference`` for sentences; parameters and result as of :meth:`SequenceTagger.predict`.

        A refined or drawn answer is taken only where it keeps what the sentence's labels must keep. Where a refined
        one does not, the best labels that do are sought around it, by Viterbi of the chain and the slope of the term.
        """
        if self.inference == "exact":
            return self._viterbi(*self._prepare(X, constraint))
        found = super().predict(X, constraint)
        if self.inference == "one_pass":
            return found
        sentences, kept = self._prepare(X, constraint)
        names, rejected = np.array(self.labels_.labels, dtype=object), {}
        there = [i for i, labels in enumerate(found) if labels is not None]
        for indices, x, scored in self._batches([X[i] for i in there]):
            rows = [there[i] for i in indices]
            better = self._search(x, scored, self._padded([found[i] for i in rows]))
            for k, i in enumerate(rows):
                labels = names[better[k, : len(found[i])].cpu().numpy()].tolist()
                what = None if kept is None else kept.constraints[i]
                if what is None or what.accepts(labels):
                    found[i] = labels
                elif self.inference == "refined":
                    row = scored.rows(torch.tensor([k], device=better.device))
                    rejected[i] = self._slopes_of_term(row, better[k : k + 1])
        if rejected:
            others = self._viterbi(
                sentences, replace(kept, skipped=sorted(set(range(len(X))) - set(rejected))), rejected
            )
            own = [X[i] for i in rejected]
            before, after = (self.score_samples(own, [some[i] for i in rejected]) for some in (found, others))
            for i, higher in zip(rejected, after > before):
                if higher:
                    found[i] = others[i]
        return found

    def _slopes_of_term(self, scored, y):
        """∂/∂y of F's term at label sequences, (B, T, K)."""
        if self.term is None:
            return torch.zeros(scored.space.shape, dtype=scored.dtype, device=y.device)
        places = torch.arange(y.shape[1], device=y.device)
        return scored.weight * scored.term.slopes(y, scored.space.lengths, places)

    def _search(self, x, scored, one_pass):
        """Better answers than those of one pass, by F."""
        if self.inference == "refined":
            return refine(scored, one_pass)
        generator, space = self.network_.generator, scored.space
        draw = torch.Generator().manual_seed(0)
        with torch.no_grad():
            if generator.noise_size:
                zs = generator.draw_noise(space.batch, self.draws, draw, like=one_pass.float())
                drawn = torch.stack([space.harden(space.squash(generator.logits(x, z))) for z in zs])
            else:
                drawn = distribution.draw(generator.logits(x), space, self.draws, draw)
            return best_of(scored, torch.cat([one_pass[None], drawn]))

    def _viterbi(self, sentences, kept, more=None):
        """The best labels of F's chain; ``more``: index to what else a sentence's labels score (1, T, K)."""
        network = self.network_.critic.network

        def structure(indices, constrained=False):
            chain = network(**self._inputs(sentences.dataset, indices)).unrestricted()
            if more is None:
                return chain
            emissions, *others = chain.scores
            rows = [more[i][:, : emissions.shape[1]] for i in indices]
            added = torch.cat([pad(row, (0, 0, 0, emissions.shape[1] - row.shape[1])) for row in rows])
            return LinearChain(emissions + added, *others, lengths=chain.lengths)

        sentences.structure = structure
        return predicting.decode(sentences, self.labels_.labels, kept, self.on_infeasible)

    def _inputs(self, dataset, indices):
        return self._moved(*dataset[indices])[0]

    def _batches(self, X):
        """(indices, x, F(x, ·)) of batches of like length."""
        if not X:
            return
        encoded = self.input_.encode(X)
        dataset = SentenceDataset(encoded)
        for indices in by_length(encoded.lengths):
            x = self._inputs(dataset, indices)
            with torch.no_grad():
                scored = self.network_.critic.at(x)
            yield indices, x, scored

    def _padded(self, label_lists):
        ids = self.labels_.encode_all(label_lists)
        rows = [torch.as_tensor(one) for one in ids]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100).long().to(self.device)

    def score_samples(self, X, y) -> np.ndarray:
        """F(x, y) of each sentence, (n,).

        Raises
        ------
        DataError
            Where X and y do not fit together, or training never saw a label.
        """
        check_is_fitted(self, "network_")
        check_sentences(X)
        check_labels(X, y, ("X", "y"))
        found = np.empty(len(X))
        for indices, _, scored in self._batches(X):
            found[indices] = scored.score(self._padded([y[i] for i in indices])).detach().cpu().numpy()
        return found

    def search_error(self, X, y=None, constraint=None) -> list[SearchReport]:
        """How far F of the predictions is below F of the best output, batch by batch.

        Parameters
        ----------
        X : list of sentences
        y : list of lists of labels, optional
            Gold labels, which tell faults of the search from faults of the model.
        constraint
            As of :meth:`predict`; F's best output itself is sought without any.

        Returns
        -------
        list of SearchReport
            Exact where F is a chain; otherwise beside the refined answer.
        """
        answers = self.predict(X, constraint)
        if any(one is None for one in answers):
            raise DataError("some sentences have no prediction (on_infeasible='skip'); leave them out")
        reports = []
        for indices, _, scored in self._batches(X):
            gold = None if y is None else self._padded([y[i] for i in indices])
            answer = self._padded([answers[i] for i in indices])
            exact = "auto" if self.term is None else None
            rivals = () if self.term is None else (refine(scored, answer),)
            reports.append(search_error(scored, answer, y=gold, exact=exact, rivals=rivals))
        return reports

    def _restore(self, state, tensors):
        restore_tagger(self, state, tensors, parameters.build_players)
        self.chain_history_, self.warnings_ = [], []
