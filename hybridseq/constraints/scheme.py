"""The constraint that label sequences keep a tag scheme's rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hybridseq.constraints.constraint import Violation, nearest
from hybridseq.constraints.errors import ConstraintError
from hybridseq.constraints.neighbours import PairConstraint
from hybridseq.constraints.schemes import SCHEMES, Scheme, detect


@dataclass(frozen=True, repr=False)
class SchemeConstraint(PairConstraint):
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

    @property
    def rule(self) -> str:
        """The rule in words."""
        return self.rules.rule

    def names(self):
        return frozenset(self.labels or ())

    def check_names(self, names):
        """Raise where a name is not spelled as the scheme spells labels, or is not one of the constraint's own."""
        for name in names:
            if not self.rules.admits(name):
                raise ConstraintError(
                    f"every label must be O or a prefix of {sorted(self.rules.prefixes)} with a type, such as "
                    f"'B-date', to compile {self!r}; got {name!r}. Rename the label, or leave the constraint out"
                )
            if self.labels is not None and name not in self.labels:
                raise ConstraintError(
                    f"label {name!r} is not among the labels of {self!r}{nearest(name, self.labels)}. "
                    "Add it there, or make the constraint without labels"
                )

    def pairs_over(self, names):
        rules = self.rules
        known = np.array([rules.admits(x) and (self.labels is None or x in self.labels) for x in names], bool)
        first = np.array([rules.may_start(x) for x in names], bool) & known
        pairs = np.array([[rules.may_follow(x, y) for y in names] for x in names], bool).reshape(2 * (len(names),))
        last = np.array([rules.may_end(x) for x in names], bool)
        return first, pairs & known & known[:, None], last & known

    def own_violations(self, labels: Sequence[str]) -> list[Violation]:
        """Every broken rule of a label sequence; O(T)."""
        found = [self._violation(labels, i, reason) for i, reason in self.rules.violations(labels)]
        if self.labels is not None:
            known = set(self.labels)
            for i, label in enumerate(labels):
                if label not in known and self.rules.admits(label):
                    found.append(self._violation(labels, i, f"{label!r} is not one of the constraint's labels"))
        return found

    def accepts(self, labels: Sequence[str]) -> bool:
        """Whether a label sequence keeps every rule; the empty one does. O(T)."""
        return not self.violations(labels)


def scheme(name: str, labels: Iterable[str] | None = None) -> SchemeConstraint:
    """The constraint that labels keep a tag scheme.

    Parameters
    ----------
    name : str
        ``"BIO"`` (IOB2): ``I-X`` stands only after ``B-X`` or ``I-X``, and never first. ``"IOB1"``: spans begin
        with ``I-X``, and ``B-X`` only parts two spans of one type. ``"BIOES"``: ``B-X I-X* E-X``, or ``S-X`` for a
        span of one token. ``"BMES"``: the same with ``M`` for ``I``; types may be left out.
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
        raise ConstraintError(f"scheme must be one of {list(SCHEMES)}; got {name!r}{nearest(str(name), SCHEMES)}")
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
