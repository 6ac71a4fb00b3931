"""HMM topologies: the states of a unit, a phone or a word, and the ways through them."""

import math
from dataclasses import dataclass

#: Where a unit is entered and left; neither consumes a frame.
ENTRY, EXIT = -1, -2
_NAMES = {ENTRY: "entry", EXIT: "exit"}


@dataclass(frozen=True)
class Topology:
    """The states of a unit.

    Attributes
    ----------
    classes : tuple of int
        The class of each state, from 0: states of one class share the column of the frame scores.
    arcs : tuple of (int, int, float)
        Arcs (from, to, log-probability in nats). ``ENTRY`` (−1) and ``EXIT`` (−2) are where the unit begins and ends.

    Raises
    ------
    ValueError
        Where classes leave a number out, an arc leads nowhere, a unit could last no frame, or a state lies on no way
        from entry to exit.
    """

    classes: tuple
    arcs: tuple

    def __post_init__(self):
        object.__setattr__(self, "classes", tuple(int(c) for c in self.classes))
        object.__setattr__(self, "arcs", tuple((int(a), int(b), float(w)) for a, b, w in self.arcs))
        if not self.classes or set(self.classes) != set(range(self.num_classes)):
            raise ValueError(f"classes must use every number from 0 on, at least 0; got {self.classes}.")
        places = range(self.num_states)
        for a, b, weight in self.arcs:
            if not ((a in places or a == ENTRY) and (b in places or b == EXIT)) or (a, b) == (ENTRY, EXIT):
                raise ValueError(
                    f"an arc joins states 0 to {self.num_states - 1}, from ENTRY ({ENTRY}) or to EXIT ({EXIT}), and "
                    f"not entry with exit; got {(a, b)}."
                )
            if not weight < math.inf:
                raise ValueError(f"an arc's log-probability must be a number below inf; got {weight} for {(a, b)}.")
        forth, back = self._reached(ENTRY, 0, 1), self._reached(EXIT, 1, 0)
        for state in places:
            if state not in forth or state not in back:
                raise ValueError(f"state {state} lies on no way from entry to exit; give it arcs or leave it out.")

    def __repr__(self):
        return f"Topology({self.num_states} states, {self.num_classes} classes, at least {self.min_frames} frames)"

    def _reached(self, place, near, far):
        """Every state's least number of arcs from a place."""
        found, front, distance = {}, {place}, 0
        while front:
            distance += 1
            front = {arc[far] for arc in self.arcs if arc[near] in front and arc[2] > -math.inf} - found.keys()
            found.update(dict.fromkeys(front, distance))
        return found

    @property
    def num_states(self):
        """Number of states."""
        return len(self.classes)

    @property
    def num_classes(self):
        """Number of classes."""
        return max(self.classes, default=-1) + 1

    @property
    def min_frames(self):
        """The fewest frames that the unit can last."""
        return self._reached(ENTRY, 0, 1)[EXIT] - 1

    def with_loops(self, stay):
        """The topology whose states stay with the given probabilities.

        Other arcs share what is left in their old proportions. States without a self-loop keep their arcs.

        Parameters
        ----------
        stay : sequence of float
            For each state, 0 ≤ p < 1.
        """
        stay = [float(p) for p in stay]
        if len(stay) != self.num_states or not all(0 <= p < 1 for p in stay):
            raise ValueError(f"stay must give each of the {self.num_states} states a probability below 1; got {stay}.")
        loops = {a for a, b, _ in self.arcs if a == b}
        leaving = {s: sum(math.exp(w) for a, b, w in self.arcs if a == s and b != s) for s in loops}

        def weight(a, b, w):
            if a not in loops:
                return w
            if a == b:
                return math.log(stay[a]) if stay[a] > 0 else -math.inf
            return w + math.log1p(-stay[a]) - math.log(leaving[a])

        return Topology(self.classes, [(a, b, weight(a, b, w)) for a, b, w in self.arcs])

    def to_dict(self):
        """What ``from_dict`` takes, ready for JSON."""
        arcs = [[_NAMES.get(a, a), _NAMES.get(b, b), w if w > -math.inf else None] for a, b, w in self.arcs]
        return {"classes": list(self.classes), "arcs": arcs}

    @classmethod
    def from_dict(cls, given):
        """The topology that ``to_dict`` described."""
        places = {name: place for place, name in _NAMES.items()}
        arcs = [(places.get(a, a), places.get(b, b), -math.inf if w is None else w) for a, b, w in given["arcs"]]
        return cls(given["classes"], arcs)


def _probability(name, value):
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1; got {value!r}.")


def left_to_right(num_states, skip=False, self_loop=0.5):
    """States one after another, each with a self-loop and a class of its own :cite:p:`bakis1976,rabiner1989`.

    Parameters
    ----------
    num_states : int
    skip : bool
        Whether one state at a time may be left out; the first and the last never are. A skip is as probable as a step.
    self_loop : float
        Probability of staying, between 0 and 1.
    """
    if num_states < 1:
        raise ValueError(f"num_states must be at least 1; got {num_states!r}.")
    _probability("self_loop", self_loop)
    stay, leave = math.log(self_loop), math.log1p(-self_loop)
    arcs = [(ENTRY, 0, 0.0)]
    for state in range(num_states):
        arcs.append((state, state, stay))
        onward = [n for n in (state + 1, state + 2)[: 1 + skip] if n < num_states] or [EXIT]
        arcs += [(state, n, leave - math.log(len(onward))) for n in onward]
    return Topology(tuple(range(num_states)), tuple(arcs))


def three_state():
    """The classic phone: beginning, middle, end; at least three frames."""
    return left_to_right(3)


def whole_word(num_states, skip=True, frames=None):
    """A word without phones: left to right.

    Parameters
    ----------
    num_states, skip
        As of ``left_to_right``.
    frames : float, optional
        Mean number of frames of the word, more than ``num_states``: sets the self-loops. Otherwise they are 0.5.
    """
    if frames is not None and not frames > num_states:
        raise ValueError(f"frames must be more than num_states = {num_states}; got {frames!r}.")
    return left_to_right(num_states, skip, 0.5 if frames is None else 1 - num_states / frames)


def chain():
    """The phone of lattice-free MMI, as short as one frame :cite:p:`povey2016`.

    Its first frame is of class 0, further ones are of class 1. All arcs have probability one half.
    """
    half = math.log(0.5)
    return Topology((0, 1), ((ENTRY, 0, 0.0), (0, 1, half), (0, EXIT, half), (1, 1, half), (1, EXIT, half)))
