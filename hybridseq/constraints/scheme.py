"""The constraint that label sequences keep a tag scheme's rules."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hybridseq.constraints.plan import PairPlan
from hybridseq.constraints.schemes import SCHEMES, Scheme, detect


class ConstraintError(ValueError):
    """A constraint that cannot be made, or that does not fit the labels it is compiled for."""


@dataclass(frozen=True)
class Violation:
    """One broken rule: the position, the label there, and what is wrong."""

    position: int
    label: str
    reason: str


@dataclass(frozen=True, repr=False)
class SchemeConstraint:
    """Label sequences must keep the rules of a tag scheme. Made by :func:`scheme` or :func:`auto`."""

    name: str
    labels: tuple[str, ...] | None = None

    def __repr__(self):
        labels = "" if self.labels is None else f", labels={list(self.labels)!r}"
        return f"scheme({self.name!r}{labels})"

    @property
    def rules(self) -> Scheme:
        """The scheme's rules."""
        return SCHEMES[self.name]

    def violations(self, labels: Sequence[str]) -> list[Violation]:
        """Every broken rule of a label sequence, from left to right; O(T)."""
        found = [Violation(i, labels[i], reason) for i, reason in self.rules.violations(labels)]
        if self.labels is not None:
            known = set(self.labels)
            for i, label in enumerate(labels):
                if label not in known and self.rules.admits(label):
                    found.append(Violation(i, label, f"{label!r} is not one of the constraint's labels"))
        return sorted(found, key=lambda violation: violation.position)

    def accepts(self, labels: Sequence[str]) -> bool:
        """Whether a label sequence keeps every rule; the empty one does. O(T)."""
        return not self.violations(labels)

    def compile(self, label_names: Iterable[str]) -> PairPlan:
        """The constraint over these labels, in this order.

        Parameters
        ----------
        label_names : iterable of str
            The K names, in the order of the label indices.

        Returns
        -------
        PairPlan

        Raises
        ------
        ConstraintError
            Where a name stands twice, is not spelled as the scheme spells labels, is not among the
            constraint's own labels, or where no label may begin a sequence.

        Notes
        -----
        O(K²), done once for each label set.
        """
        names = tuple(label_names)
        rules = self.rules
        twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twice is not None:
            raise ConstraintError(f"label names must be distinct; got {twice!r} more than once")
        for name in names:
            if not rules.admits(name):
                raise ConstraintError(
                    f"every label must be O or a prefix of {sorted(rules.prefixes)} with a type, such as "
                    f"'B-date', to compile {self!r}; got {name!r}. Rename the label, or leave the constraint out"
                )
            if self.labels is not None and name not in self.labels:
                raise ConstraintError(
                    f"label {name!r} is not among the labels of {self!r}{_nearest(name, self.labels)}. "
                    "Add it there, or make the constraint without labels"
                )
        first = np.array([rules.may_start(name) for name in names], dtype=bool)
        if not first.any():
            raise ConstraintError(
                f"{self!r} accepts no sequence over the labels {list(names)}: none of them may begin one "
                f"({rules.rule}). Add the labels that are missing, such as 'O'"
            )
        return PairPlan(
            labels=names,
            first=first,
            pairs=np.array([[rules.may_follow(i, j) for j in names] for i in names], dtype=bool),
            last=np.array([rules.may_end(name) for name in names], dtype=bool),
        )


def scheme(name: str, labels: Iterable[str] | None = None) -> SchemeConstraint:
    """The constraint that labels keep a tag scheme.

    Parameters
    ----------
    name : str
        ``"BIO"`` (IOB2): ``I-X`` stands only after ``B-X`` or ``I-X``, and never first.
    labels : iterable of str, optional
        The only labels allowed. Without them, whatever labels it is compiled for.

    Returns
    -------
    SchemeConstraint
        Immutable, with ``accepts``, ``violations`` and ``compile``.

    Raises
    ------
    ConstraintError
        Where the scheme is unknown, or a label is not spelled as it spells labels.

    Examples
    --------
    >>> bio = scheme("BIO")
    >>> bio.accepts(["B-date", "I-date", "O"]), bio.accepts(["O", "I-date"])
    (True, False)
    >>> bio.compile(["O", "B-date", "I-date"]).first
    array([ True,  True, False])
    """
    if name not in SCHEMES:
        raise ConstraintError(f"scheme must be one of {list(SCHEMES)}; got {name!r}{_nearest(str(name), SCHEMES)}")
    if labels is not None:
        if isinstance(labels, str):
            raise ConstraintError(f"labels must be a list of label names; got the string {labels!r}")
        labels = tuple(dict.fromkeys(labels))
        for label in labels:
            if not SCHEMES[name].admits(label):
                raise ConstraintError(
                    f"labels must be O or a prefix of {sorted(SCHEMES[name].prefixes)} with a type, such as "
                    f"'B-date', for scheme {name!r}; got {label!r}"
                )
    return SchemeConstraint(name, labels)


def auto(labels_seen: Iterable[str] | Iterable[Sequence[str]]) -> SchemeConstraint | None:
    """The scheme constraint that these labels keep, or None where they follow no known scheme.

    Parameters
    ----------
    labels_seen : iterable of str, or iterable of sequences of str
        Better the training sequences themselves than the label names alone: where one of them breaks the
        rules, no constraint is chosen, as it would make that sequence impossible.

    See Also
    --------
    hybridseq.constraints.detect : the same choice with its reason.
    """
    name = detect(labels_seen).name
    return None if name is None else scheme(name)


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
