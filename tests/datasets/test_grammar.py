from collections import Counter
from random import Random

import pytest

from hybridseq.datasets.grammar import Grammar


def draws(rules, n=2000, **fillers):
    random = Random(0)
    grammar = Grammar(rules, {name: (lambda r, used, v=v: v) for name, v in fillers.items()}, outside=("o",))
    return [grammar.draw(random, "s") for _ in range(n)]


def test_every_alternative_is_drawn_as_often_as_it_stands_there():
    texts = Counter(" ".join(tokens) for tokens, _ in draws({"s": ["a [b] (c|d <t>)"], "t": ["1", "2", "2"]}))
    assert set(texts) == {f"a{b} {c}" for b in ("", " b") for c in ("c", "d 1", "d 2")}
    assert texts["a c"] / 2000 == pytest.approx(1 / 4, abs=0.03)
    assert texts["a b d 2"] / 2000 == pytest.approx(1 / 6, abs=0.03)


def test_an_option_that_is_a_choice_is_left_out_half_of_the_time():
    texts = Counter(" ".join(tokens) for tokens, _ in draws({"s": ["x [a|b|c]"]}))
    assert texts["x"] / 2000 == pytest.approx(1 / 2, abs=0.04)


def test_slots_become_iob2_tags_and_outside_slots_do_not():
    ((tokens, tags),) = draws({"s": ["to {c} {c} {o}"]}, n=1, c="New York", o="Old Rome")
    assert tokens == ["to", "New", "York", "New", "York", "Old", "Rome"]
    assert tags == ["O", "B-c", "I-c", "B-c", "I-c", "O", "O"]


@pytest.mark.parametrize(
    ("pattern", "match"),
    [("(a", "brackets"), ("a)", "brackets"), ("(a]", "brackets"), ("a|b", "brackets"),
     ("<t>", "the rule 't'"), ("{t}", "the slot 't'")],
)  # fmt: skip
def test_a_bad_rule_is_named(pattern, match):
    with pytest.raises(ValueError, match=match):
        Grammar({"s": [pattern]}, {})
