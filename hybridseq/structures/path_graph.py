"""An automaton beside emissions: the distribution over its paths."""

from dataclasses import replace

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from hybridseq.kernels.arcs import backends
from hybridseq.kernels.arcs.graph import Graph
from hybridseq.kernels.chain.reference import log_prob_of
from hybridseq.structures import checks
from hybridseq.structures.expectation import expectation
from hybridseq.structures.structure import NO_LABEL, Structure, wide


def _check_scores(name, scores, shapes):
    checks.check_tensor(name, scores, " or ".join(shapes))
    if not scores.is_floating_point():
        raise TypeError(f"{name} must be a floating-point tensor; got {scores.dtype}.")
    if tuple(scores.shape) not in shapes.values():
        wanted = " or ".join(f"{form} = {shape}" for form, shape in shapes.items())
        raise checks.ShapeError(f"{name} must have shape {wanted}; got {checks.shape_of(scores)}.")


def _check_graph(graph, emissions):
    if not isinstance(graph, Graph):
        raise TypeError(f"graph must be a hybridseq.kernels.arcs Graph; got {type(graph).__name__}.")
    batch, _, labels = emissions.shape
    if not graph.shared and graph.num_graphs != batch:
        raise checks.ShapeError(f"a pack must have one graph for each of B = {batch} rows; got {graph.num_graphs}.")
    if not torch.compiler.is_compiling() and (high := int(graph.labels.max())) >= labels:
        raise ValueError(
            f"the graph's states consume columns up to {high}, but the emissions have K = {labels}; build the graph "
            "for the columns that the layer has."
        )


def _sum_pairs(used, graph, labels):
    """The use (B, T-1, A) of arcs as that of label pairs, (B, T-1, K, K)."""
    pair = graph.labels[graph.source] * labels + graph.labels[graph.target]
    if not graph.shared:
        first, after = graph.arc_offset[:-1, None], graph.arc_offset[1:, None]
        arc = first + torch.arange(used.shape[2], device=pair.device)
        # Beyond a graph's arcs nothing is used, whatever pair that goes to.
        pair = torch.where(arc < after, pair[arc.clamp(max=len(pair) - 1)], 0)[:, None]
    shape = *used.shape[:2], labels * labels
    found = used.new_zeros(shape).scatter_add(2, pair.expand_as(used), used)
    return found.view(*shape[:2], labels, labels)


class PathGraph(Structure):
    """The distribution over the paths of an automaton, p(path) ∝ exp F(path): HMM topologies, CTC, MMI's graphs.

    A path s_1 … s_L consumes one position a state and scores initial[s_1] + Σ emissions[t, labels[s_t]] + Σ moves of
    its arcs + final[s_L]. Several paths may spell the same labels: values of labels (``score``, ``log_prob``,
    ``marginals``) sum over them; ``decode``, ``max_score``, ``k_best``, ``sample`` and ``entropy`` are about single
    paths, so that the k best may spell equal labels. Compiled kernels run it where there are any.

    Parameters
    ----------
    emissions : (B, T, K) tensor
    graph : Graph
        Of ``hybridseq.kernels.arcs``: S states and M moves, shared by all rows; or a pack with one a row.
    moves : (M,), (B, M) or (B, T-1, M) tensor
        Scores of the moves that arcs refer to.
    initial, final : (S,) or (B, S) tensor
        Scores of a path's first and last state. Of a pack: (S,), all graphs' states one after another.
    lengths : (B,) int64 tensor, optional
        Right padding. By default all T.
    backend : str, optional
        Name of a registered backend of ``kernels.arcs``; "reference" is pure torch.

    Raises
    ------
    ShapeError, TypeError, ValueError
        Where shapes do not agree, a pack has not one graph a row, or a state's column is not in the emissions.

    Notes
    -----
    O(B·T·(S + A)) for A arcs, times k for the k best. Where no path is possible: log-partition −inf, labels −100,
    marginals 0.
    """

    def __init__(
        self,
        emissions: Float[Tensor, "..."],
        graph: Graph,
        moves: Float[Tensor, "..."],
        initial: Float[Tensor, "..."],
        final: Float[Tensor, "..."],
        lengths: Int[Tensor, "..."] | None = None,
        backend: str | None = None,
    ):
        checks.check_emissions(emissions)
        _check_graph(graph, emissions)
        batch, steps, _ = emissions.shape
        states, count = graph.num_states, graph.num_moves
        ends = {"(S,)": (states,)} | ({"(B, S)": (batch, states)} if graph.shared else {})
        rows = {"(M,)": (count,), "(B, M)": (batch, count), "(B, T-1, M)": (batch, steps - 1, count)}
        for name, x, shapes in (("moves", moves, rows), ("initial", initial, ends), ("final", final, ends)):
            _check_scores(name, x, shapes)
        if lengths is None:
            lengths = torch.full((batch,), steps, device=emissions.device)
        else:
            checks.check_integers("lengths", lengths, "(B,)")
            checks.check_lengths(lengths, emissions)
        self.emissions = wide(emissions)
        self.moves, self.initial, self.final = (x.to(self.emissions) for x in (moves, initial, final))
        self.lengths = lengths.to(emissions.device, torch.int64)
        self.graph = graph if graph.labels.device == emissions.device else graph.to(emissions.device)
        self.backend = backends.choose(emissions.device, backend)

    def __repr__(self):
        batch, steps, labels = self.emissions.shape
        graphs = "one for all" if self.graph.shared else "one a row"
        return (
            f"PathGraph(B={batch}, T={steps}, K={labels}, {self.graph.num_states} states and {self.graph.num_arcs} "
            f"arcs, {graphs}, backend={self.backend!r})"
        )

    @property
    def num_labels(self):
        """K."""
        return self.emissions.shape[2]

    @property
    def scores(self):
        """The four score tensors: emissions, moves, initial, final."""
        return self.emissions, self.moves, self.initial, self.final

    @property
    def _kernel(self):
        return backends.get(self.backend)

    @property
    def _run(self):
        return *self.scores, self.lengths, self.graph

    def _first(self, states, axis):
        """The number throughout of each row's first state, in states' shape with its rows at ``axis``."""
        first = self.graph.state_offset[:-1]
        return first.view(*[1] * axis, -1, *[1] * (states.dim() - axis - 1))

    def labels_of(self, states: Tensor, axis: int = 0) -> Tensor:
        """The labels that states consume, their rows along ``axis``; −100 stays."""
        place = self._first(states, axis) + states.clamp(min=0)
        return torch.where(states >= 0, self.graph.labels[place], NO_LABEL)

    def raw_score(self, labels):
        checks.check_label_range(labels, self)
        return self._kernel.score_labels(*self._run, labels.to(torch.int64)).double()

    def raw_log_prob(self, labels):
        return log_prob_of(self.raw_score(labels), self.raw_log_partition())

    def raw_log_partition(self):
        return self._kernel.log_partition(*self._run).double()

    def marginals(self) -> Float[Tensor, "B T K"]:
        """Probability of every label at every position, differentiable."""
        return self._kernel.marginals(*self._run)

    def state_marginals(self) -> Float[Tensor, "B T S"]:
        """Probability of every state, numbered within the row's graph, at every position; differentiable."""
        return self._kernel.state_marginals(*self._run)

    def move_marginals(self) -> Float[Tensor, "B R M"]:
        """Expected use of every move at every step, (B, T-1, M); differentiable."""
        return self._kernel.move_marginals(*self._run)

    def pair_marginals(self) -> Float[Tensor, "B R K K"]:
        """Probability of labels (i, j) at positions t and t+1, (B, T-1, K, K); O(B·T·K²) memory."""
        graph, batch = self.graph, len(self.emissions)
        sizes = graph.arc_offset.diff()
        own = torch.arange(graph.num_arcs, device=sizes.device) - graph.arc_offset[:-1].repeat_interleave(sizes)
        apart = replace(graph, move=own, num_moves=int(sizes.max()))
        if graph.shared:
            moves = self.moves[..., graph.move]
        else:
            arc = graph.arc_offset[:-1, None] + torch.arange(apart.num_moves, device=sizes.device)
            column = graph.move[arc.clamp(max=max(0, graph.num_arcs - 1))] if graph.num_arcs else arc
            every = self.moves if self.moves.dim() > 1 else self.moves.expand(batch, -1)
            column = column if every.dim() == 2 else column[:, None].expand(-1, every.shape[1], -1)
            moves = every.gather(-1, column)
        run = self.emissions, moves, self.initial, self.final, self.lengths, apart
        return _sum_pairs(self._kernel.move_marginals(*run), graph, self.num_labels)

    def paths(self) -> Int64[Tensor, "B T"]:
        """The states of the best path, numbered within the row's graph; padded with −100, all −100 where none is."""
        return self._kernel.decode(*self._run)

    def decode(self) -> Int64[Tensor, "B T"]:
        """The labels of the best path, padded with −100; all −100 where none is possible."""
        return self.labels_of(self.paths())

    def raw_max_score(self):
        states = self.paths()
        feasible = (states >= 0).any(1)
        return torch.where(feasible, self._path_score(torch.where(states >= 0, states, 0)), -torch.inf)

    def _path_score(self, states):
        """The score (B,) of the best path through given states."""
        graph, inside = self.graph, checks.inside(self)
        place = self._first(states, 0) + states
        nodes = self.emissions.double().gather(2, graph.labels[place][:, :, None]).squeeze(2)
        total = torch.where(inside, nodes, 0).sum(1)
        if states.shape[1] > 1 and graph.num_arcs:
            total = total + torch.where(inside[:, 1:], self._best_moves(place), 0).sum(1)
        last = place.gather(1, self.lengths[:, None] - 1)
        ends = ((self.initial, place[:, :1]), (self.final, last))
        for scores, at in ends:
            scores = scores.double()
            total = total + (scores[at] if scores.dim() == 1 else scores.gather(1, at)).squeeze(1)
        return total

    def _best_moves(self, place):
        """The best score (B, T-1) of the arcs between neighbouring states."""
        graph = self.graph
        arcs = graph.target * graph.num_states + graph.source
        begin = torch.searchsorted(arcs, place[:, 1:] * graph.num_states + place[:, :-1])
        found = []
        for n in range(graph.parallel):
            arc = (begin + n).clamp(max=graph.num_arcs - 1)
            there = arcs[arc] == arcs[begin.clamp(max=graph.num_arcs - 1)]
            column = graph.move[arc]
            if self.moves.dim() == 1:
                value = self.moves[column]
            else:
                steps = self.moves if self.moves.dim() == 3 else self.moves[:, None].expand(-1, place.shape[1] - 1, -1)
                value = steps.gather(2, column[:, :, None]).squeeze(2)
            found.append(torch.where(there, value.double(), -torch.inf))
        return torch.stack(found).amax(0)

    def raw_k_best(self, k):
        states, scores = self._kernel.k_best(*self._run, k)
        return self.labels_of(states), scores

    def k_best_paths(self, k: int) -> tuple[Int64[Tensor, "B k T"], Float[Tensor, "B k"]]:
        """The states of the k best paths and their scores; missing ones are −100 and −inf."""
        checks.check_count("k", k)
        states, scores = self._kernel.k_best(*self._run, k)
        return states, self._round(scores)

    def raw_sample(self, uniforms):
        return self.labels_of(self._kernel.sample(*self._run, uniforms), axis=1)

    def _same_graph(self, other):
        if not isinstance(other, PathGraph) or other.graph is not self.graph:
            raise ValueError(
                "only path graphs over one Graph object can be compared, for paths of different graphs are different "
                f"things; got {other!r} beside {self!r}."
            )

    def raw_expected_score(self, other):
        self._same_graph(other)
        scores, direction = list(self.scores), list(other.scores)
        for n in range(1, 4):
            wider = scores[n] if scores[n].dim() > direction[n].dim() else direction[n]
            scores[n], direction[n] = (self._widened(x, wider) for x in (scores[n], direction[n]))

        def run(name, values, *rest):
            return getattr(self._kernel, name)(*values, self.lengths, self.graph, *rest)

        return expectation(run, tuple(scores), tuple(direction), other is self)

    @staticmethod
    def _widened(scores, like):
        if scores.dim() == 2 and like.dim() == 3:
            scores = scores[:, None]
        return scores.expand(like.shape)

    def raw_expected_cost(self, cost):
        """Mean (B,) of a cost (B, T, K) that adds up over positions, unrounded."""
        zeros = (torch.zeros_like(x) for x in self.scores[1:])
        return self._kernel.expected_score(*self._run, (cost.to(self.emissions), *zeros)).double()

    def expected_cost(self, cost: Float[Tensor, "B T K"]) -> Float[Tensor, "B"]:
        checks.check_like_emissions("cost", cost, self.emissions)
        return self._round(self.raw_expected_cost(cost))

    def _on(self, emissions):
        return PathGraph(emissions, self.graph, *self.scores[1:], self.lengths, self.backend)

    def augment(self, cost: Float[Tensor, "B T K"]) -> "PathGraph":
        checks.check_like_emissions("cost", cost, self.emissions)
        return self._on(self.emissions + cost.to(self.emissions))

    def restrict(self, what, labels=None, weights=None) -> "PathGraph":
        """The paths whose labels a (B, T, K) bool tensor allows. Constraints belong into the graph itself."""
        if not isinstance(what, Tensor):
            raise TypeError(
                "a path graph is restricted by a (B, T, K) bool tensor of allowed labels; build a constraint into the "
                f"graph instead. Got {type(what).__name__}."
            )
        checks.check_allowed(what, self.emissions)
        return self._on(torch.where(what, self.emissions, -torch.inf))
