"""The candidate surrogates: the paper's four, and the words for any candidate of a config.

Importing this module imports no regressor, since every run's table has columns for the four.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Known:
    """A surrogate that has a name of its own.

    Attributes:
        words: Its name in words.
        path: The dotted name of its class, from this folder on if it begins with a dot.
        arguments: Arguments of the class beside those that every regressor gets.
    """

    words: str
    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


# All have default hyperparameters, as in the paper's published code. LightGBM's arguments make its
# result the same each time, and keep it silent.
SURROGATES = {
    "knn": Known("KNN", "sklearn.neighbors.KNeighborsRegressor"),
    "random_forest": Known("random forest", "..search.surrogates.RandomForest"),
    "xgboost": Known("XGBoost", "xgboost.XGBRegressor"),
    "lightgbm": Known(
        "LightGBM",
        "lightgbm.LGBMRegressor",
        {"deterministic": True, "force_col_wise": True, "verbose": -1},
    ),
}


# FILE.CLASS of the method that has candidates, in the folder methods/.
IMPLEMENTATION = "surrogate.SurrogateSearch"


def candidates_of(method: Mapping[str, Any]) -> list[str]:
    """The candidates of a method.

    Args:
        method: Its implementation and its settings, as `Study.methods_by_name` gives them.

    Returns:
        The names. A method without surrogates has none, whatever its settings are.
    """
    return method["settings"]["candidates"] if method["implementation"] == IMPLEMENTATION else []


def path_of(name: str) -> str:
    """The dotted name of the class of a candidate."""
    return SURROGATES[name].path if name in SURROGATES else name


def in_words(names: Iterable[str]) -> dict[str, str]:
    """Name candidates in words.

    Args:
        names: Keys of SURROGATES, or dotted names of classes.

    Returns:
        The words by name. A dotted name shows its class, or all of itself where two classes have
        the same name.

    Example:
        >>> in_words(["knn", "sklearn.svm.SVR"])
        {'knn': 'KNN', 'sklearn.svm.SVR': 'SVR'}
    """
    words = {
        name: SURROGATES[name].words if name in SURROGATES else name.rpartition(".")[2]
        for name in names
    }
    count = Counter(words.values())
    return {name: word if count[word] == 1 else name for name, word in words.items()}
