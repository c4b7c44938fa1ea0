"""Sampling of designs and their vectors."""

import numpy as np

from paretopress.compression.designs import (
    INTEGER,
    VARIABLES,
    SearchSpace,
    design_from_vector,
    sample_vectors,
)


def test_samples_stay_in_the_space_and_round_trip():
    space = SearchSpace(linear_amount=(0.2, 0.4), conv_amount=(0.001, 0.999))
    vectors = sample_vectors(space, 2000, np.random.default_rng(0))
    assert (vectors >= space.lower()).all()
    assert (vectors <= space.upper()).all()
    assert (vectors[:, INTEGER] == vectors[:, INTEGER].round()).all()
    assert all((design_from_vector(vector).vector() == vector).all() for vector in vectors)


def test_every_value_of_an_integer_is_equally_likely():
    space = SearchSpace(linear_amount=(0.001, 0.999), conv_amount=(0.001, 0.999))
    vectors = sample_vectors(space, 9000, np.random.default_rng(1))
    for column in np.flatnonzero(INTEGER):
        counts = np.bincount(
            vectors[:, column].astype(int), minlength=int(space.upper()[column]) + 1
        )
        share = 1 / len(counts)
        assert np.abs(counts / 9000 - share).max() < 5 * np.sqrt(share * (1 - share) / 9000), (
            VARIABLES[column]
        )
