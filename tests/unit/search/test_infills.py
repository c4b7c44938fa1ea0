"""Which designs of the surrogate front are evaluated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretopress.compression.plans import Plan
from paretopress.config.variables import Design
from paretopress.search.infills import INFILL_RULES, Candidate

fractions = st.floats(0, 1)
points = st.tuples(fractions, fractions.map(lambda value: -value))


def candidates(objectives: list[tuple[float, float]]) -> list[Candidate]:
    return [
        Candidate(Design(0, 0, 0.0, 0.0, 0, 0, 0), Plan((("layer", number),), False), point)
        for number, point in enumerate(objectives, start=1)
    ]


@given(
    st.lists(points, min_size=3, max_size=12, unique=True),
    st.lists(points, min_size=1, max_size=8),
    st.integers(1, 2),
)
def test_objective_distance_takes_those_farthest_from_the_known_front(found, known, count):
    given_ = candidates(found)
    chosen = INFILL_RULES["objective_distance"](
        given_, np.array(known), count, np.random.default_rng(0)
    )
    distance = {
        c.plan.design_id: min(float(np.hypot(*np.subtract(c.objectives, point))) for point in known)
        for c in given_
    }
    assert len({c.plan.design_id for c in chosen}) == count
    least = min(distance[c.plan.design_id] for c in chosen)
    assert all(distance[c.plan.design_id] <= least + 1e-12 for c in given_ if c not in chosen)


@pytest.mark.parametrize("rule", INFILL_RULES)
def test_without_a_known_front_infills_are_drawn_by_the_generator(rule):
    given_ = candidates([(0.1 * number, -0.1 * number) for number in range(10)])
    runs = [
        INFILL_RULES[rule](given_, np.empty((0, 2)), 2, np.random.default_rng(seed))
        for seed in (1, 1, 2, 3, 4, 5)
    ]
    assert runs[0] == runs[1]
    assert any(run != runs[0] for run in runs)
    assert all(len({c.plan.design_id for c in run}) == 2 for run in runs)
