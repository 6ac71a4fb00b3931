"""Random automata with scores for the laws, and the paths of small ones by enumeration."""

import itertools
from dataclasses import dataclass

import torch

from hybridseq.kernels.arcs.graph import Graph

FORMS = ("shared", "rows", "steps")


@dataclass
class ArcCase:
    """Scores of a batch over random graphs; ``leaves`` are the four tensors with gradients on."""

    batch: int = 5
    steps: int = 7
    labels: int = 3
    states: int = 4
    packed: bool = False
    form: str = "shared"
    dtype: torch.dtype = torch.float64
    spread: float = 1.0
    seed: int = 0
    density: float = 0.5

    def __post_init__(self):
        self.generator = torch.Generator().manual_seed(self.seed)
        b, t = self.batch, self.steps
        if self.packed:
            sizes = torch.randint(1, self.states + 1, (b,), generator=self.generator).tolist()
            self.graph = Graph.pack([self.random_graph(max(1, n)) for n in sizes])
        else:
            self.graph = self.random_graph(self.states)
        m, s = self.graph.num_moves, self.graph.num_states
        ends = (s,) if self.packed or self.form == "shared" else (b, s)
        moves = {"shared": (m,), "rows": (b, m), "steps": (b, t - 1, m)}[self.form]
        shapes = (b, t, self.labels), moves, ends, ends
        self.leaves = tuple(self.normal(*shape).requires_grad_() for shape in shapes)
        self.lengths = torch.randint(1, t + 1, (b,), generator=self.generator)
        self.lengths[0] = t

    def random_graph(self, states):
        """Every state leads to itself; some arcs are parallel, some share their move."""
        g = self.generator
        hit = torch.rand(states, states, generator=g) < self.density
        source, target = (hit | torch.eye(states, dtype=torch.bool)).nonzero().unbind(1)
        twice = torch.rand(len(source), generator=g) < 0.2
        source, target = torch.cat([source, source[twice]]), torch.cat([target, target[twice]])
        order = torch.randperm(len(source), generator=g)
        labels = torch.randint(self.labels, (states,), generator=g)
        columns = max(1, len(source) - 2)
        move = torch.randint(columns, (len(source),), generator=g)
        return Graph.from_arcs(labels, source[order], target[order], move, columns)

    def normal(self, *shape):
        return self.spread * torch.randn(shape, generator=self.generator, dtype=self.dtype)

    def uniform(self, *shape):
        return torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def forbid(self, share=0.3, fields=(0, 1, 2, 3)):
        """−inf in a share of the scores."""
        for i in fields:
            hit = torch.rand(self.leaves[i].shape, generator=self.generator) < share
            self.leaves[i].data[hit] = -torch.inf
        return self

    def directions(self):
        return tuple(self.normal(*x.shape) for x in self.leaves)

    @property
    def arguments(self):
        return *self.leaves, self.lengths, self.graph

    def exact(self):
        """The same in float64, with leaves of its own."""
        return *(x.detach().double().requires_grad_() for x in self.leaves), self.lengths, self.graph

    def row(self, b):
        """Row b by itself: its arguments, without the padding."""
        emissions, moves, initial, final = (x.detach() for x in self.leaves)
        length, graph = int(self.lengths[b]), self.graph
        if self.packed:
            states = slice(*graph.state_offset[b : b + 2].tolist())
            arcs = slice(*graph.arc_offset[b : b + 2].tolist())
            first = states.start
            graph = Graph.from_arcs(
                *(graph.labels[states], graph.source[arcs] - first, graph.target[arcs] - first, graph.move[arcs]),
                graph.num_moves,
            )
            initial, final = initial[states], final[states]
        elif self.form != "shared":
            initial, final = initial[b], final[b]
        moves = moves if self.form == "shared" else moves[b : b + 1]
        moves = moves[:, : length - 1] if self.form == "steps" else moves
        return emissions[b : b + 1, :length], moves, initial, final, self.lengths[b : b + 1], graph

    def paths(self, b):
        """All paths of row b: states, labels, and moves used, with the score of each, by plain enumeration."""
        emissions, moves, initial, final, lengths, graph = self.row(b)
        arcs = {}
        for a, ends in enumerate(zip(graph.source.tolist(), graph.target.tolist())):
            arcs.setdefault(ends, []).append(int(graph.move[a]))
        found = []
        for states in itertools.product(range(graph.num_states), repeat=int(lengths)):
            steps = [arcs.get(pair, []) for pair in itertools.pairwise(states)]
            for used in itertools.product(*steps):
                labels = graph.labels[list(states)].tolist()
                score = initial[states[0]] + final[states[-1]]
                score = score + sum(emissions[0, t, y] for t, y in enumerate(labels))
                for t, m in enumerate(used):
                    score = score + (
                        moves[m] if moves.dim() == 1 else moves[0, m] if moves.dim() == 2 else moves[0, t, m]
                    )
                found.append((list(states), labels, used, score))
        return found
