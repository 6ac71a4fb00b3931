"""What compiled learners need of a problem."""

from dataclasses import dataclass

import numpy as np

from hybridseq.constraints.plan import PairPlan
from hybridseq.kernels.features.numba_cpu import sequence
from hybridseq.training.linear.problem import Problem


def is_compiled(plan) -> bool:
    """Whether a plan is one that compiled learners keep: label pairs, or none."""
    return plan is None or (isinstance(plan, PairPlan) and plan.positions is None)


@dataclass(frozen=True)
class Online:
    """A problem as the compiled learners take it.

    Attributes
    ----------
    corpus, search, difference
        See :mod:`hybridseq.kernels.features.numba_cpu.sequence`.
    """

    corpus: sequence.Corpus
    search: sequence.Search
    difference: sequence.Difference

    @classmethod
    def of(cls, problem: Problem) -> "Online":
        """Prepare a problem; O(n + K²) memory beside it."""
        pairs = problem.pairs
        places = np.full((pairs.num_labels,) * 2, -1, np.int64)
        places[pairs.sources, pairs.targets] = pairs.states + np.arange(len(pairs.sources))
        corpus = sequence.corpus(
            pairs.table(problem.attributes),
            problem.starts,
            problem.lengths,
            problem.labels,
            places,
            pairs.sources,
            pairs.targets,
        )
        penalties = (None,) * 3 if problem.plan is None else problem.plan.penalties
        search = sequence.search(len(pairs), pairs.num_labels, int(problem.lengths.max()), penalties)
        return cls(corpus, search, sequence.difference(corpus, len(pairs)))
