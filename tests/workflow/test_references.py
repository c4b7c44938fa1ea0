"""The numbers of the tiny study are those of the committed references."""

import pandas as pd
import pytest
from project import RESULTS
from references import DEFAULT_MOVES, check

from paretopress.config.variables import OF_THE_PAPER

pytestmark = pytest.mark.slow


def test_every_csv_file_is_byte_for_byte_as_it_was(finished):
    check(finished.folder / RESULTS, DEFAULT_MOVES)


def test_the_designs_of_the_initial_samples_are_those_of_every_machine(finished):
    """No float is computed for them but by the random generator, which is the same everywhere.

    What becomes of a design, and so its design_id, follows from the weights of the layers (LAMP).
    Another processor trains others.
    """
    columns = ["evaluation", *OF_THE_PAPER, "conv_bits"]
    for reference in DEFAULT_MOVES.glob("designs/*/*.csv"):
        name = reference.relative_to(DEFAULT_MOVES)
        found = pd.read_csv(finished.folder / RESULTS / name)[columns]
        pd.testing.assert_frame_equal(found, pd.read_csv(reference)[columns])
