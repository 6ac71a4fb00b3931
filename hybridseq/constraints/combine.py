"""Constraints made of constraints."""

from dataclasses import dataclass

from hybridseq.constraints.constraint import BUDGET, Constraint, automaton_of, within_budget
from hybridseq.constraints.errors import ConstraintError


def _regular(what, *constraints):
    """Raise where one of them only makes sense as a part of its own, joined by &."""
    for constraint in constraints:
        for part in constraint.parts:
            if isinstance(part, Soft) or getattr(part, "alone", False):
                raise ConstraintError(f"{part!r} cannot stand within {what}; join it with the rest by & instead")


@dataclass(frozen=True, repr=False)
class _Several(Constraint):
    members: tuple[Constraint, ...]

    @classmethod
    def of_parts(cls, *constraints):
        """The members' join; joins of the same kind are taken apart."""
        members = []
        for constraint in constraints:
            members += constraint.members if type(constraint) is cls else [constraint]
        if cls is not Then:
            members = list(dict.fromkeys(members))
        if cls is not And:
            _regular(cls.sign, *members)
        return members[0] if len(members) == 1 else cls(tuple(members))

    def __repr__(self):
        return f" {self.sign} ".join(_bracketed(member, self) for member in self.members)

    def names(self):
        return frozenset().union(*(member.names() for member in self.members))

    def of(self, tokens):
        return type(self).of_parts(*(member.of(tokens) for member in self.members))

    def _fold(self, names, budget, operation):
        # Small automata first, each result minimal: what is built on the way stays small.
        automata = [automaton_of(member, names, budget) for member in self.members]
        if not isinstance(self, Then):
            automata.sort(key=lambda automaton: automaton.num_states)
        result = automata[0]
        for automaton in automata[1:]:
            result = within_budget(self, lambda: getattr(result, operation)(automaton, budget)).minimise()  # noqa: B023
        return result


class And(_Several):
    """All members hold."""

    sign = "&"

    @property
    def parts(self):
        return tuple(part for member in self.members for part in member.parts)

    def pairs_over(self, names):
        found = [member.pairs_over(names) for member in self.members]
        if any(arrays is None for arrays in found):
            return None
        first, pairs, last = found[0]
        for more in found[1:]:
            first, pairs, last = first & more[0], pairs & more[1], last & more[2]
        return first, pairs, last

    def automaton_over(self, names, budget=BUDGET):
        return self._fold(names, budget, "intersect")

    def accepts(self, labels):
        return all(part.accepts(labels) for part in self.parts)


class Or(_Several):
    """Some member holds."""

    sign = "|"

    def automaton_over(self, names, budget=BUDGET):
        return self._fold(names, budget, "union")


class Then(_Several):
    """The sequence can be cut so that each member holds of its piece."""

    sign = ">>"

    def automaton_over(self, names, budget=BUDGET):
        return self._fold(names, budget, "concatenate")


@dataclass(frozen=True, repr=False)
class _One(Constraint):
    member: Constraint

    def __post_init__(self):
        _regular(self.sign, self.member)

    def names(self):
        return self.member.names()

    def of(self, tokens):
        return type(self)(self.member.of(tokens))


class Not(_One):
    """The member does not hold."""

    sign = "~"

    def __repr__(self):
        return f"~{_bracketed(self.member, self)}"

    def automaton_over(self, names, budget=BUDGET):
        return automaton_of(self.member, names, budget).complement()

    def own_violations(self, labels):
        if not self.member.accepts(labels):
            return []
        return super().own_violations(labels) or []


class Star(_One):
    """The sequence can be cut into pieces of which the member holds."""

    sign = ".star()"

    def __repr__(self):
        return f"{_bracketed(self.member, self)}.star()"

    def automaton_over(self, names, budget=BUDGET):
        return within_budget(self, lambda: automaton_of(self.member, names, budget).star(budget))


@dataclass(frozen=True, repr=False)
class Soft(Constraint):
    """A constraint with a price. See :meth:`Constraint.soft`."""

    member: Constraint
    weight: float
    learn: bool = False

    def __post_init__(self):
        _regular(".soft()", self.member)

    def __repr__(self):
        return f"{_bracketed(self.member, self)}.soft({self.weight}{', learn=True' if self.learn else ''})"

    def names(self):
        return self.member.names()

    def of(self, tokens):
        return Soft(self.member.of(tokens), self.weight, self.learn)

    def automaton_over(self, names, budget=BUDGET):
        """The automaton of the sequences that pay nothing."""
        return self.member.automaton_over(names, budget)

    def accepts(self, labels):
        """True: a soft constraint may be broken. Ask its ``member`` whether a sequence pays."""
        return True

    def own_violations(self, labels):
        return []


_BINDING = {Or: 0, And: 1, Then: 2, Not: 3}


def _bracketed(member, outer):
    own, around = _BINDING.get(type(member), 4), _BINDING.get(type(outer), 4)
    return (
        f"({member!r})" if own < around or (own == around and own < 3) or (own == 3 and around == 4) else repr(member)
    )
