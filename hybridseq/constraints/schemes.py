"""Tag schemes as pure string logic: which labels may begin, follow one another and end a sentence.

A scheme is one :class:`Scheme` in :data:`SCHEMES`; another one is one more entry.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

OUTSIDE = "O"


def split_label(label: str) -> tuple[str, str]:
    """The prefix and the type: ``"B-date"`` gives ``("B", "date")``, ``"O"`` gives ``("O", "")``."""
    prefix, _, kind = label.partition("-")
    return prefix, kind


@dataclass(frozen=True)
class Scheme:
    """The rules of one tag scheme.

    Parameters
    ----------
    name : str
        What the scheme is called.
    prefixes : frozenset of str
        The prefixes that stand before ``-type``; ``O`` stands alone in every scheme.
    openers : frozenset of str
        The prefixes of which detection wants to see at least one.
    may_start, may_end : callable
        ``label -> bool``: may the label be the first, the last of a sentence?
    may_follow : callable
        ``(previous, label) -> bool``: may the two stand side by side?
    rule : str
        The rule in words, for error messages.
    bare : bool
        Whether a prefix may stand without a type, as in word segmentation.
    """

    name: str
    prefixes: frozenset[str]
    openers: frozenset[str]
    may_start: Callable[[str], bool]
    may_follow: Callable[[str, str], bool]
    may_end: Callable[[str], bool]
    rule: str
    bare: bool = False

    def admits(self, label: str) -> bool:
        """Whether the label is spelled as this scheme spells labels, in whatever place."""
        prefix, kind = split_label(label)
        return label == OUTSIDE or (prefix in self.prefixes and (bool(kind) or (self.bare and label == prefix)))

    def violations(self, labels: Sequence[str]) -> list[tuple[int, str]]:
        """Each place where the rules are broken, with what is wrong there; O(T)."""
        found = []
        for i, label in enumerate(labels):
            if not self.admits(label):
                found.append((i, f"{label!r} is not spelled as {self.name} spells labels"))
            elif i == 0:
                if not self.may_start(label):
                    found.append((i, f"{label!r} begins the sentence"))
            elif self.admits(labels[i - 1]) and not self.may_follow(labels[i - 1], label):
                found.append((i, f"{label!r} follows {labels[i - 1]!r}"))
        if len(labels) and self.admits(labels[-1]) and not self.may_end(labels[-1]):
            found.append((len(labels) - 1, f"{labels[-1]!r} ends the sentence"))
        return found


def _bio_follow(previous: str, label: str) -> bool:
    prefix, kind = split_label(label)
    return prefix != "I" or (previous != OUTSIDE and split_label(previous)[1] == kind)


BIO = Scheme(
    name="BIO",
    prefixes=frozenset("BI"),
    openers=frozenset("B"),
    may_start=lambda label: split_label(label)[0] != "I",
    may_follow=_bio_follow,
    may_end=lambda label: True,
    rule="I-X stands only after B-X or I-X, and never first",
)


def _iob1_follow(previous: str, label: str) -> bool:
    prefix, kind = split_label(label)
    return prefix != "B" or (previous != OUTSIDE and split_label(previous)[1] == kind)


IOB1 = Scheme(
    name="IOB1",
    prefixes=frozenset("BI"),
    openers=frozenset("I"),
    may_start=lambda label: split_label(label)[0] != "B",
    may_follow=_iob1_follow,
    may_end=lambda label: True,
    rule="B-X stands only after B-X or I-X, to part two spans of one type",
)


def _closed(name: str, inner: str, bare: bool = False) -> Scheme:
    """A scheme that marks the last token of a span, and spans of one token."""

    def may_follow(previous, label):
        before, kind = split_label(previous)
        prefix, own = split_label(label)
        if before in ("B", inner):
            return prefix in (inner, "E") and own == kind
        return prefix not in (inner, "E")

    return Scheme(
        name=name,
        prefixes=frozenset({"B", inner, "E", "S"}),
        openers=frozenset("BS"),
        may_start=lambda label: split_label(label)[0] not in (inner, "E"),
        may_follow=may_follow,
        may_end=lambda label: split_label(label)[0] not in ("B", inner),
        rule=f"B-X, any number of {inner}-X, E-X make a span, or S-X alone",
        bare=bare,
    )


BIOES = _closed("BIOES", "I")
BMES = _closed("BMES", "M", bare=True)

#: Every known scheme by name, in the order in which detection tries them.
SCHEMES: dict[str, Scheme] = {scheme.name: scheme for scheme in (BIO, IOB1, BIOES, BMES)}


@dataclass(frozen=True)
class Detection:
    """What :func:`detect` chose, and why.

    Parameters
    ----------
    name : str or None
        The scheme's name; None where none fits.
    reason : str
        One line.
    """

    name: str | None
    reason: str


def detect(labels: Iterable[str] | Iterable[Sequence[str]]) -> Detection:
    """Which scheme do these labels follow?

    Parameters
    ----------
    labels : iterable of str, or iterable of sequences of str
        Label names, or whole label sequences. Names tell how labels are spelled; only sequences tell
        whether the scheme's rules are kept (IOB1 and IOB2 are spelled alike), so prefer them.

    Returns
    -------
    Detection
        ``name`` is None where a label is spelled otherwise, where no label opens a span, or where a sequence
        breaks the rules: a mask would then make that sequence impossible.

    Notes
    -----
    O(number of labels). Nothing is raised: a label set without a scheme is legitimate.
    """
    names: dict[str, None] = {}
    sequences: dict[tuple[str, ...], int] = {}
    for i, item in enumerate(labels):
        if isinstance(item, str):
            names.setdefault(item)
        else:
            sequences.setdefault(tuple(item), i)
    for sequence in sequences:
        names.update(dict.fromkeys(sequence))
    if not names:
        return Detection(None, "no labels were seen")

    reason = ""
    for scheme in SCHEMES.values():
        stranger = next((name for name in names if not scheme.admits(name)), None)
        if stranger is not None:
            reason = reason or f"{stranger!r} is neither O nor one of {_spellings(scheme)} ({scheme.name})"
            continue
        if not any(split_label(name)[0] in scheme.openers for name in names):
            reason = reason or f"no label opens a span as {scheme.name} does ({_spellings(scheme, scheme.openers)})"
            continue
        for sequence, i in sequences.items():
            broken = scheme.violations(sequence)
            if broken:
                place, what = broken[0]
                reason = reason or f"{what} at sentence {i}, position {place}, against {scheme.name}: {scheme.rule}"
                break
        else:
            kept = f"and all {len(sequences)} distinct sequences keep its rule" if sequences else "by spelling alone"
            return Detection(scheme.name, f"every label is O or {_spellings(scheme)}, {kept}")
    return Detection(None, reason)


def _spellings(scheme: Scheme, prefixes: Iterable[str] | None = None) -> str:
    return ", ".join(f"{prefix}-X" for prefix in sorted(scheme.prefixes if prefixes is None else prefixes))
