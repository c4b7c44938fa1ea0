"""Any config is read or refused: valid ones give a study, a mistake is told by its key, and any text is an answer."""

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fuzz.configs import REMOVED, Config, make_files, mistaken, studies
from paretopress.config.sources import key_of, read_config
from paretopress.config.validation import read_study
from paretopress.errors import UserError

FREE = {"arguments", "settings"}  # in these stands what a function of the user's own takes
SIGNS = "[]{}:,-?!&*#|>'\"%@` \n\tabc1.~<=_"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    make_files(tmp_path)
    for index in range(4):
        (tmp_path / f"table-{index}.csv").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(config: Config, folder: Path) -> str:
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return str(file)


def is_safe_yaml(config: Config) -> bool:
    """Whether a file can hold the config; of the others, Snakemake's own reader makes some out of tags."""
    try:
        return bool(yaml.safe_load(yaml.safe_dump(config, allow_unicode=True)) == config)
    except (yaml.YAMLError, ValueError):
        return False


def refusal(config: Config, *files: str) -> str:
    """What is said of the config; nothing where it is accepted."""
    try:
        read_study(config, files)
    except UserError as error:
        return str(error)
    return ""


@given(studies())
def test_a_valid_config_is_accepted_and_its_effective_config_is_the_same_study(folder, config):
    file = written(config, folder)
    study = read_study(read_config(file), [file])
    assert set(study.networks) == set(config["networks"])
    effective = written(study.model_dump(mode="json"), folder)
    assert read_study(read_config(effective), [effective]) == study


@given(mistaken())
def test_a_mistake_is_refused_with_its_key_or_is_none(folder, mistake):
    config, path, value = mistake
    files = [written(config, folder)] if is_safe_yaml(config) else []
    said = refusal(config, *files)
    never_right = path[-1] == "unknown" or (isinstance(value, float) and not math.isfinite(value))
    if never_right and not FREE & set(path):
        assert said, (path, value)
    if not said:
        study = read_study(config, files)
        effective = written(study.model_dump(mode="json"), folder)
        assert read_study(read_config(effective), [effective]) == study
    else:
        keys = [key_of(path[:length]) for length in range(len(path), 0, -1)]
        assert any(key in said for key in keys), (keys, said)
        if value is not REMOVED and not any(key in said for key in keys[:2]):
            assert "networks" in said or "methods" in said or "budget" in said, (
                keys,
                said,
            )  # a check between two sections
        assert all("llowed" in line for line in said.splitlines()[1:]), said
        assert max(map(len, said.splitlines())) < 3000


@given(st.text() | st.text(SIGNS) | st.binary().map(lambda content: content.decode("latin1")))
def test_any_text_is_refused(folder, text):
    (folder / "any.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(UserError):
        read_study(read_config(str(folder / "any.yaml")), [str(folder / "any.yaml")])


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(folder, content):
    (folder / "any.yaml").write_bytes(content)
    with pytest.raises(UserError):
        read_study(read_config(str(folder / "any.yaml")), [str(folder / "any.yaml")])


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The text of a valid config with letters lost, doubled or put in."""
    text = yaml.safe_dump(draw(studies()), sort_keys=False)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        text = (
            text[:place]
            + draw(st.text(SIGNS, max_size=3))
            + text[place + draw(st.integers(0, 3)) :]
        )
    return text


@given(damaged())
def test_a_damaged_file_is_read_or_refused(folder, text):
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        said = refusal(read_config(str(file)), str(file))
    except UserError as error:
        said = str(error)
    assert not said or "mine.yaml" in said
