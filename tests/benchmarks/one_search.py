"""Search once as an iteration does: python one_search.py VARIANT.

Prints the seconds of each part, the surrogates that were chosen, and the designs that were evaluated.
"""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial, wraps
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from pymoos_ctaea import PymoosCtaea
from spaces import WHOLE, vector_of

from paretopress.compression.designs import sample_vectors
from paretopress.compression.evaluation import Measurement
from paretopress.compression.layers import Layout, layout_of
from paretopress.compression.plans import Plan
from paretopress.config.candidates import SURROGATES
from paretopress.config.regressors import built
from paretopress.jobs.journal import Journal
from paretopress.methods import surrogate as method
from paretopress.search import selection, surrogates
from paretopress.search.archive import Archive, Evaluation, Target, sample_initial
from paretopress.torchvision_operators import torchvision

SAMPLES, POPULATION, GENERATIONS = 100, 50, 1000


class OneByOne(Target):
    """The canonical form of each design by itself."""

    def canonical_vectors(self, X: np.ndarray) -> np.ndarray:
        return np.stack(
            [vector_of(self.space, self.canonical(self.space.design(row))[0]) for row in X]
        )


def as_the_libraries_come() -> type[Target]:
    """Put pymoo's CTAEA and the libraries' own models in place of ours."""
    method.Ctaea = PymoosCtaea  # type: ignore[misc,assignment]
    method.unchecked = nullcontext  # type: ignore[assignment]
    selection.faster = lambda model, features: model
    forest = "sklearn.ensemble.RandomForestRegressor"
    SURROGATES["random_forest"] = replace(SURROGATES["random_forest"], path=forest)
    return OneByOne


def evaluated(layout: Layout) -> Callable[[Plan], Measurement]:
    """A made-up evaluation: the accuracy falls as more of a layer is set to zero."""
    layers = layout.linear + layout.conv
    sizes = {
        f"{layer.name}.{tensor}": getattr(layer, tensor)
        for layer in layers
        for tensor in ("weight", "bias")
    }

    def evaluate(plan: Plan) -> Measurement:
        loss = sum((zeros / sizes[name]) ** 2 for name, zeros in plan.zeros) / len(layers)
        rate = 1 - sum(zeros for _, zeros in plan.zeros) / sum(sizes.values())
        return Measurement(rate, max(0.1, 0.785 - 0.7 * loss), 0.0)

    return evaluate


class Clock:
    """The seconds of each part. What a part calls counts for that part alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._within = False

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Count the calls of a function or method for a part."""
        function = getattr(owner, name)

        @wraps(function)
        def counted(*args: Any, **named: Any) -> Any:
            if self._within:
                return function(*args, **named)
            self._within, start = True, perf_counter()
            try:
                return function(*args, **named)
            finally:
                self.seconds[part] += perf_counter() - start
                self._within = False

        setattr(owner, name, counted)


def main(variant: str) -> None:
    torch.set_num_threads(1)
    kind = {"ours": lambda: Target, "libraries": as_the_libraries_come}[variant]()
    layout = layout_of(torchvision.models.resnet50(num_classes=10))
    target = kind(WHOLE, layout, seed=1, evaluate=evaluated(layout), threshold=0.7)
    initial = [
        Evaluation(
            number,
            "initial",
            0,
            plan.design_id,
            design,
            bytes=target.bytes_rate(plan),
            **asdict(target.evaluate(plan)),
        )
        for number, (design, plan) in enumerate(sample_initial(target, SAMPLES, 1), start=1)
    ]
    search = method.SurrogateSearch("mse", "mape", POPULATION, GENERATIONS, 2, 5, "random")
    clock = Clock()
    clock.watch(method, "select_surrogate", "selection")
    clock.watch(method.Ctaea, "ask", "ask")
    clock.watch(kind, "canonical_vectors", "canonical forms")
    clock.watch(surrogates.Fitted, "predict", "predictions")
    clock.watch(method.Ctaea, "tell", "tell")
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(target, SAMPLES + 2, 1, initial, Journal(Path(folder) / "j", "one"))
        start = perf_counter()
        search.run(archive, lambda archive: None)
        found = {"whole search": perf_counter() - start, **clock.seconds}
    X, y = archive.vectors(), archive.objectives()[:, 0]
    asked = sample_vectors(WHOLE, POPULATION, np.random.default_rng(1))
    for name in SURROGATES:
        model = selection.faster(built(name, 1).fit(X, y), X.shape[1])
        with (surrogates.unchecked if variant == "ours" else nullcontext)():
            predict = partial(model.predict, asked)
            start = perf_counter()
            for _ in range(GENERATIONS):
                predict()
            found[f"{GENERATIONS:,} predictions by {name}"] = perf_counter() - start
    chosen = archive.iterations[0]["surrogates"]
    designs = [evaluation.design_id for evaluation in archive.evaluations]
    print(json.dumps({"seconds": found, "chosen": chosen, "designs": designs}))


if __name__ == "__main__":
    main(sys.argv[1])
