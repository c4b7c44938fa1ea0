"""The numbers of the tiny study are those of the committed references."""

import json

import pandas as pd
import pytest
from project import RESULTS
from references import MADE_ON, REFERENCES, csv_files, machine

from paretopress.compression.designs import VARIABLES

pytestmark = pytest.mark.slow


def test_every_csv_file_is_byte_for_byte_as_it_was(finished):
    if json.loads(MADE_ON.read_text(encoding="utf-8")) != machine():
        pytest.skip("the references were made on another processor, or with other versions")
    found = csv_files(finished.folder / RESULTS)
    assert set(found) == {str(path.relative_to(REFERENCES)) for path in REFERENCES.rglob("*.csv")}
    for name, content in found.items():
        assert content == (REFERENCES / name).read_bytes(), name


def test_the_designs_of_the_initial_samples_are_those_of_every_machine(finished):
    """No float is computed for them but by the random generator, which is the same everywhere."""
    columns = ["evaluation", "design_id", *VARIABLES]
    for reference in REFERENCES.glob("designs/*/*.csv"):
        name = reference.relative_to(REFERENCES)
        found = pd.read_csv(finished.folder / RESULTS / name)[columns]
        pd.testing.assert_frame_equal(found, pd.read_csv(reference)[columns])
