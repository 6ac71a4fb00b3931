import itertools
import random

import pytest

from tests.constraints.expressions import LABELS, expression


@pytest.mark.parametrize("seed", range(60))
def test_random_expressions_say_what_plain_python_says(seed):
    source = random.Random(seed)
    for _ in range(5):
        labels = LABELS[: source.randint(1, 4)]
        constraint, says = expression(source, labels)
        plan = constraint.compile(labels, allow_empty=True)
        for length in range(1, 5 if len(labels) > 3 else 6):
            total = 0
            for ids in itertools.product(range(len(labels)), repeat=length):
                sequence = tuple(labels[i] for i in ids)
                expected = says(sequence)
                total += expected
                assert plan.accepts(ids) == expected, (constraint, sequence)
            if plan.positions is None:
                assert plan.count(length) == total
                assert plan.feasible(length) == bool(total)
