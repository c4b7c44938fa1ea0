"""Which design a word means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretopress.config.export import Choice, read_choice
from paretopress.export.chosen import candidates, knee


def front(*points: tuple[float, float]) -> list[dict]:
    return [
        {"design_id": f"{index:012x}", "bytes": size, "accuracy": accuracy}
        for index, (size, accuracy) in enumerate(points)
    ]


ROWS = front((0.1, 0.7), (0.2, 0.78), (0.5, 0.79), (0.9, 0.8))


def chosen(text: str) -> list[int]:
    found = candidates(read_choice(text), ROWS, [], "bytes", "own")
    return [int(row["design_id"], 16) for row in found]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("smallest", [0, 1, 2, 3]),
        ("knee", [1]),
        ("most-accurate", [3]),
        ("least-accuracy 0.78", [1, 2, 3]),
        ("000000000002", [2]),
    ],
)
def test_a_word_means_designs_in_this_order(text, means):
    assert chosen(text) == means
    assert str(read_choice(text)) == text


def test_a_design_that_is_on_no_front_is_found_among_all():
    other = {"design_id": "abcdefabcdef", "bytes": 0.3, "accuracy": 0.2}
    assert candidates(Choice("abcdefabcdef"), ROWS, [other], "bytes", "own") == [other]


POINT = st.tuples(st.floats(0.01, 1), st.floats(0.01, 1))


@given(st.lists(POINT, min_size=1, max_size=12, unique_by=(lambda p: p[0], lambda p: p[1])))
def test_no_design_is_farther_above_the_line_between_the_ends_than_the_knee(points):
    sizes, accuracies = np.sort(np.array(points), axis=0).T
    found = knee(sizes, accuracies)
    if len(points) < 3:
        assert found == 0
        return
    ends = np.array([sizes[-1] - sizes[0], accuracies[-1] - accuracies[0]])
    # Twice the areas of the triangles with both ends.
    areas = ends[0] * (accuracies - accuracies[0]) - ends[1] * (sizes - sizes[0])
    assert areas[found] >= areas.max() - 1e-9
