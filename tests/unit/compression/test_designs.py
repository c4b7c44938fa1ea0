"""Sampling of designs and their vectors."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from spaces import WHOLE, bounded, vector_of

from paretopress.compression.designs import sample_vectors, space_of
from paretopress.config.variables import OF_THE_PAPER, VARIABLES, Design, Known


def test_samples_stay_in_the_space_and_round_trip():
    space = bounded(linear_amount=(0.2, 0.4), conv_amount=(0.001, 0.999))
    vectors = sample_vectors(space, 2000, np.random.default_rng(0))
    assert (vectors >= space.lower()).all()
    assert (vectors <= space.upper()).all()
    assert (vectors[:, space.integer] == vectors[:, space.integer].round()).all()
    assert all((vector_of(space, space.design(vector)) == vector).all() for vector in vectors)


def test_every_value_of_an_integer_is_equally_likely():
    space = WHOLE
    vectors = sample_vectors(space, 9000, np.random.default_rng(1))
    for column in np.flatnonzero(space.integer):
        counts = np.bincount(
            vectors[:, column].astype(int), minlength=int(space.upper()[column]) + 1
        )
        share = 1 / len(counts)
        assert np.abs(counts / 9000 - share).max() < 5 * np.sqrt(share * (1 - share) / 9000), (
            space.names[column]
        )


def test_a_space_is_what_its_variables_say():
    space = space_of({
        "linear_scope": [2], "conv_amount": [0.5, 0.9, 0.8], "conv_bits": [8, 32, 3],
        "quantization": [0], "keep": ["fc"],
    })  # fmt: skip
    assert [variable.name for variable in space.free] == [
        "conv_scope", "linear_amount", "conv_amount", "linear_target", "conv_target", "conv_bits",
    ]  # fmt: skip
    assert space.names == [*OF_THE_PAPER, "conv_bits"], "linear_bits are 32 for all designs"
    assert [variable.symbol for variable in space.variables] == [
        *(f"x{number}" for number in range(1, 8)), "",
    ]  # fmt: skip
    assert space.lower().tolist() == [0, 0.001, 0, 0, 0, 0]
    assert space.upper().tolist() == [2, 0.999, 2, 2, 2, 2]
    design = space.design(np.array([1, 0.25, 1, 0, 2, 1]))
    assert design == Design(2, 1, 0.25, 0.8, 0, 2, 0, conv_bits=8)


def test_the_space_of_the_paper_has_its_seven_variables_and_no_more():
    space = space_of({})
    assert space.names == [variable.name for variable in space.free] == list(OF_THE_PAPER)
    assert space.integer.tolist() == [True, True, False, False, True, True, True]


def listed(known: Known) -> st.SearchStrategy:
    """What a config may say of a variable."""
    if known.values:
        return st.lists(st.sampled_from(list(known.values)), min_size=1, unique=True)
    return st.lists(st.integers(1, 999).map(lambda i: i / 1000), min_size=1, unique=True) | st.just(
        {"minimum": 0.2, "maximum": 0.7}
    )


SETTINGS = st.fixed_dictionaries({name: listed(known) for name, known in VARIABLES.items()})


@given(SETTINGS, st.integers(0, 99))
def test_every_drawn_design_has_allowed_values_and_is_its_vector_again(settings, seed):
    space = space_of(settings)
    assume(space.free)  # a config without any choice is refused
    vectors = sample_vectors(space, 20, np.random.default_rng(seed))
    assert vectors.shape == (20, len(space.free))
    for vector in vectors:
        design = space.design(vector)
        for name, allowed in settings.items():
            value = getattr(design, name)
            assert 0.2 <= value <= 0.7 if isinstance(allowed, dict) else value in allowed, (
                f"{name} = {value}"
            )
        assert (vector_of(space, design) == vector).all()


def test_a_value_that_a_list_lacks_has_the_index_of_the_nearest_one():
    """A canonical form resets what has no effect, whatever the list allows."""
    space = space_of({"conv_scope": [1, 2], "conv_target": [1, 2], "conv_bits": [3, 4, 8]})
    folded = Design(conv_scope=0, conv_target=0, conv_bits=32)
    by_name = dict(zip([known.name for known in space.free], vector_of(space, folded), strict=True))
    assert (by_name["conv_scope"], by_name["conv_target"], by_name["conv_bits"]) == (0, 0, 2)
    assert by_name["conv_amount"] == 0, "below its bounds"
