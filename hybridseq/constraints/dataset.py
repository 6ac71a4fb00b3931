"""Which label sequences of a data set break a constraint."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hybridseq.constraints.combine import Soft
from hybridseq.constraints.constraint import Violation, automaton_of, check_sequence
from hybridseq.constraints.errors import ConstraintError
from hybridseq.constraints.linear import Linear
from hybridseq.constraints.positions import Allowed, Positional, Tokens

#: How many broken sequences a report shows.
SHOWN = 5


@dataclass(frozen=True)
class DatasetReport:
    """What :meth:`Constraint.check_dataset` found.

    Attributes
    ----------
    sequences : int
        How many were looked at.
    broken : tuple of int
        The indices of those that the constraint does not accept.
    by_part : dict of str to int
        For each part of the constraint, how many sequences break it; parts that none breaks are there with 0.
    examples : tuple of (int, Violation)
        The first violation of the first few broken sequences.
    """

    sequences: int
    broken: tuple[int, ...]
    by_part: dict[str, int]
    examples: tuple[tuple[int, Violation], ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether every sequence is accepted."""
        return not self.broken

    def __str__(self):
        if self.ok:
            return f"all {self.sequences} label sequences keep the constraint"
        lines = [f"{len(self.broken)} of {self.sequences} label sequences break the constraint"]
        lines += [f"  {count:6d}  {part}" for part, count in self.by_part.items() if count]
        lines += [
            f"  for example sequence {i}, position {violation.position}: {violation.reason}"
            for i, violation in self.examples
        ]
        return "\n".join(lines)


def check_dataset(constraint, y, X=None) -> DatasetReport:
    """See ``Constraint.check_dataset``. O(tokens) array operations for each part.

    ``X``, the sentences, is needed where the constraint speaks of tokens: lists of words, or of tuples that begin
    with the word.
    """
    sequences = [check_sequence(labels) for labels in y]
    broken: dict[int, None] = {}
    by_part: dict[str, int] = {}
    for part in constraint.parts:
        if isinstance(part, Soft):
            continue
        wrong = _breaking_tokens(part, sequences, X) if isinstance(part, Tokens) else _breaking(part, sequences)
        by_part[repr(part)] = by_part.get(repr(part), 0) + len(wrong)
        broken.update(dict.fromkeys(wrong))
    indices = tuple(sorted(broken))
    own = [constraint if X is None else constraint.of(words(X[i])) for i in indices[:SHOWN]]
    examples = [(i, one.violations(sequences[i])[0]) for i, one in zip(indices, own)]
    return DatasetReport(len(sequences), indices, by_part, tuple(examples))


def words(sentence) -> list[str]:
    """The words of a sentence whose tokens are words, or tuples that begin with the word."""
    return [token if isinstance(token, str) else token[0] for token in sentence]


def _breaking_tokens(part, sequences, X):
    if X is None:
        raise ConstraintError(f"{part!r} speaks of tokens; give the sentences too")
    return [i for i, labels in enumerate(sequences) if part.of(words(X[i])).violations(labels)]


def _breaking(part, sequences: Sequence[list[str]]) -> list[int]:
    if isinstance(part, Linear | Allowed | Positional) or not any(sequences):
        return [i for i, labels in enumerate(sequences) if not part.accepts(labels)]
    names = tuple(sorted(part.names() | {label for labels in sequences for label in labels}))
    automaton = automaton_of(part, names)
    number = {name: i for i, name in enumerate(names)}
    dead = automaton.num_states
    table = np.vstack([np.where(automaton.table < 0, dead, automaton.table), np.full((1, len(names)), dead)])
    accepting = np.append(automaton.accepting, False)
    lengths = np.array([len(labels) for labels in sequences], np.int64)
    starts = np.cumsum(lengths) - lengths
    flat = np.array([number[label] for labels in sequences for label in labels] + [0], np.int64)
    order = np.argsort(-lengths, kind="stable")
    state = np.zeros(len(sequences), np.int64)
    for t in range(int(lengths.max(initial=0))):
        active = order[: np.searchsorted(-lengths[order], -t)]
        state[active] = table[state[active], flat[starts[active] + t]]
    return np.flatnonzero(~accepting[state]).tolist()
