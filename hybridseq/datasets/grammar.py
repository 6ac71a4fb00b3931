"""A small context-free grammar that writes sentences together with their spans.

A rule is a list of alternatives, all equally likely (write one twice to have it twice as often). In an alternative
``<name>`` stands for a rule, ``(a|b)`` for a choice, ``[a]`` for something left out half of the time, and
``{slot}`` for a value that a filler gives, all of whose tokens the slot labels.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

_PIECE = re.compile(r"<(\w+)>|\{(\w+)\}|([(\[|\])])|([^\s<>{}()\[\]|]+)")

Filler = Callable[[Random, set[str]], str]


@dataclass(frozen=True)
class Node:
    """A part of an alternative: ``kind`` is word, rule, slot, one (a choice among parts) or all (a sequence)."""

    kind: str
    text: str = ""
    parts: tuple["Node", ...] = ()


def parse(pattern: str) -> Node:
    """The tree of one alternative; a ValueError shows the pattern whose brackets do not match."""
    stack: list[list[list[Node]]] = [[[]]]
    opened: list[str] = []
    for rule, slot, mark, word in _PIECE.findall(pattern):
        here = stack[-1][-1]
        if rule:
            here.append(Node("rule", rule))
        elif slot:
            here.append(Node("slot", slot))
        elif word:
            here.append(Node("word", word))
        elif mark in "([":
            stack.append([[]])
            opened.append(mark)
        elif not opened or (mark != "|" and opened[-1] + mark not in ("()", "[]")):
            raise ValueError(f"the brackets of {pattern!r} do not match")
        elif mark == "|":
            stack[-1].append([])
        else:
            choice = Node("one", parts=tuple(Node("all", parts=tuple(branch)) for branch in stack.pop()))
            if opened.pop() == "[":
                choice = Node("one", parts=(Node("all"), choice))
            stack[-1][-1].append(choice)
    if opened:
        raise ValueError(f"the brackets of {pattern!r} do not match")
    return Node("all", parts=tuple(stack[0][0]))


class Grammar:
    """Rules and fillers, ready to be drawn from.

    Parameters
    ----------
    rules : mapping of str to sequence of str
        The alternatives of each rule.
    fillers : mapping of str to callable
        ``filler(random, used) -> str`` for each slot; ``used`` holds the values that the sentence has so far.
    outside : collection of str
        The slots whose tokens are labelled ``O``: they look like others, and are none.

    Raises
    ------
    ValueError
        Where brackets do not match, or a rule or slot is used that does not exist.
    """

    def __init__(self, rules: Mapping[str, Sequence[str]], fillers: Mapping[str, Filler], outside: Sequence[str] = ()):
        self.rules = {name: tuple(parse(pattern) for pattern in rules[name]) for name in rules}
        self.fillers = dict(fillers)
        self.outside = frozenset(outside)
        for name, alternatives in self.rules.items():
            for node in _nodes(alternatives):
                known = {"rule": self.rules, "slot": self.fillers}.get(node.kind)
                if known is not None and node.text not in known:
                    raise ValueError(f"rule {name!r} uses the {node.kind} {node.text!r}; there are {sorted(known)}")

    def draw(self, random: Random, start: str) -> tuple[list[str], list[str]]:
        """One sentence of rule ``start``: its tokens and their IOB2 tags; O(length)."""
        tokens: list[str] = []
        tags: list[str] = []
        used: set[str] = set()

        def write(node: Node):
            if node.kind == "word":
                tokens.append(node.text)
                tags.append("O")
            elif node.kind == "slot":
                value = self.fillers[node.text](random, used)
                used.add(value)
                words = value.split()
                tokens.extend(words)
                if node.text in self.outside:
                    tags.extend(["O"] * len(words))
                else:
                    tags.extend([f"B-{node.text}"] + [f"I-{node.text}"] * (len(words) - 1))
            elif node.kind == "rule":
                write(random.choice(self.rules[node.text]))
            elif node.kind == "one":
                write(random.choice(node.parts))
            else:
                for part in node.parts:
                    write(part)

        write(random.choice(self.rules[start]))
        return tokens, tags


def _nodes(nodes):
    for node in nodes:
        yield node
        yield from _nodes(node.parts)
