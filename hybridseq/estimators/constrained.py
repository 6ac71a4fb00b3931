"""Which constraint each sentence keeps."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hybridseq.constraints import Constraint
from hybridseq.constraints.combine import And
from hybridseq.constraints.dataset import words
from hybridseq.constraints.feasible import is_positional, mask_of, satisfiable
from hybridseq.constraints.linear import Linear
from hybridseq.constraints.positions import Allowed, Tokens, tokens
from hybridseq.constraints.settle import settle
from hybridseq.training.inputs import DataError


@dataclass(frozen=True)
class Kept:
    """What each sentence's labels must keep, settled before anything is computed.

    Attributes
    ----------
    constraints : list of Constraint or None
        One a sentence.
    skipped : list of int
        Sentences that nothing satisfies and that are left out.
    """

    constraints: list
    skipped: list

    def groups(self):
        """Sentences that share a plan: (constraint without single positions or None, indices)."""
        found = {}
        left_out = set(self.skipped)
        for i, constraint in enumerate(self.constraints):
            if i not in left_out:
                found.setdefault(_regular(constraint), []).append(i)
        return [(constraint, np.array(indices)) for constraint, indices in found.items()]

    def mask(self, indices, lengths, steps, names):
        """The labels that single positions allow in some sentences, (B, T, K) bool, or None where all are."""
        masks = []
        for row, i in enumerate(indices):
            for part in self.constraints[i].parts if self.constraints[i] is not None else ():
                if is_positional(part):
                    masks.append((row, mask_of(part, names, int(lengths[row]))))
        if not masks:
            return None
        allowed = np.ones((len(indices), steps, len(names)), bool)
        for row, mask in masks:
            allowed[row, : len(mask)] &= mask
        return allowed

    def mended(self, rows, on_infeasible) -> "Kept":
        """What rows keep instead that turned out to have no answer within their budgets; no other rows."""
        constraints = list(self.constraints)
        for i in rows:
            parts = [part for part in constraints[i].parts if not isinstance(part, Linear)]
            constraints[i] = And.of_parts(*parts) if parts and on_infeasible == "relax" else None
        return Kept(constraints, sorted(set(range(len(constraints))) - set(rows)))


def _regular(constraint):
    kept = [part for part in constraint.parts if not is_positional(part)] if constraint is not None else []
    return And.of_parts(*kept) if kept else None


def keep(base, extra, X, lengths, names, on_infeasible) -> Kept:
    """Settle what each of the sentences X keeps.

    Parameters
    ----------
    base : Constraint or None
        For all sentences.
    extra : Constraint, list of (Constraint or None), dictionary, or None
        Beside it: for all sentences, or one a sentence; a dictionary is what certain tokens allow.
    X, lengths
        The sentences, and how long they are.
    names : tuple of str
        The labels.
    on_infeasible : {"raise", "relax", "unconstrained", "skip"}
        See :func:`hybridseq.constraints.settle.settle`.

    Raises
    ------
    InfeasibleError
        Where nothing satisfies a sentence's constraint.
    DataError
        Where ``extra`` is of another length than X, or speaks of tokens where X has none.
    ValueError
        Where ``extra`` is no constraint.
    """
    extras = _one_each(extra, len(X))
    wanted = [_joined(base, more) for more in extras]
    if any(isinstance(part, Allowed) and part.mask.ndim == 3 for one in set(wanted) - {None} for part in one.parts):
        wanted = [_own_masks(one, i, len(X)) for i, one in enumerate(wanted)]
    for what in dict.fromkeys(wanted):
        if what is not None:
            _check_labels_known(what, names)
    if all(one is wanted[0] for one in wanted) and wanted[0] is not None and not _of_tokens(wanted[0]):
        own = _regular(wanted[0])
        if own == wanted[0] and all(satisfiable(own, names, int(n)) for n in np.unique(lengths)):
            return Kept(wanted, [])
    constraints, skipped = [], []
    for i, constraint in enumerate(wanted):
        if constraint is not None:
            if _of_tokens(constraint):
                constraint = constraint.of(_words(X[i], i))
            constraint, feasible = settle(constraint, names, int(lengths[i]), on_infeasible, i)
            if not feasible:
                skipped.append(i)
        constraints.append(constraint)
    warn_of_skipped(skipped, len(X))
    return Kept(constraints, skipped)


def warn_of_skipped(skipped, count):
    """One warning that counts the sentences that are left out, if any."""
    if skipped:
        warnings.warn(
            f"{len(skipped)} of {count} sentences are skipped, as nothing satisfies their constraint "
            f"(the first: {skipped[0]})",
            stacklevel=5,
        )


def _own_masks(constraint, i, count):
    """The constraint with row i of the masks that are given for all sentences."""
    parts = []
    for part in constraint.parts if constraint is not None else ():
        if isinstance(part, Allowed) and part.mask.ndim == 3 and len(part.mask) != count:
            raise DataError(f"{part!r} has {len(part.mask)} rows, but X has {count} sentences; give one row a sentence")
        parts.append(part.row(i) if isinstance(part, Allowed) else part)
    return And.of_parts(*parts) if parts else None


def _one_each(extra, count):
    if isinstance(extra, Mapping):
        extra = tokens(extra)
    if extra is None or isinstance(extra, Constraint):
        return [extra] * count
    if isinstance(extra, str) or not hasattr(extra, "__len__"):
        raise ValueError(f"constraint must be a constraint, or a list with one (or None) a sentence; got {extra!r}")
    if len(extra) != count:
        raise DataError(f"constraint has {len(extra)} entries, but X has {count} sentences; give one a sentence")
    for i, one in enumerate(extra):
        if one is not None and not isinstance(one, Constraint):
            raise ValueError(f"constraint[{i}] must be a constraint or None; got {one!r}")
    return list(extra)


def _joined(base, more):
    if base is None or more is None:
        return base if more is None else more
    return base & more


def _of_tokens(constraint):
    return any(isinstance(part, Tokens) for part in constraint.parts)


def _check_labels_known(constraint, names):
    for part in constraint.parts:
        if not isinstance(part, Allowed):
            part.check_names(names)


def _words(sentence, i):
    if hasattr(sentence, "dtype"):
        raise DataError(f"sentence {i} is an array: a constraint on tokens needs words")
    return words(sentence)
