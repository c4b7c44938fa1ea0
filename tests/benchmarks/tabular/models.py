"""How well models tell the accuracies of a table's designs: python -m benchmarks.tabular.models."""

import argparse
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from gpytorch.mlls import ExactMarginalLogLikelihood
from scipy.stats import norm

from paretopress.compression.designs import values_of
from paretopress.methods.ehvi import OUT_OF_QUESTION
from paretopress.search.beliefs import LEAST_DEVIATION, believed
from paretopress.search.plan_features import plan_features

from .__main__ import TABLES, seeds_of
from .runs import INITIAL, loaded, sample
from .tables import Table, designs_of

SURE = 1e-4  # no design counts as more certainly feasible or infeasible than this

# From samples (m, d), their accuracies (m,), designs (n, d) and a seed to the means and standard
# deviations of the designs' accuracies, each (n,).
Told = tuple[np.ndarray, np.ndarray]
Model = Callable[[np.ndarray, np.ndarray, np.ndarray, int], Told]


def _trees(X: np.ndarray, y: np.ndarray, designs: np.ndarray, seed: int) -> Told:
    """The trees of `ehvi`."""
    inputs, others = X.astype(np.float32), designs.astype(np.float32)
    belief = believed("extra_trees", inputs, y, others, np.random.default_rng(seed))
    return belief.mean, belief.deviation


def _process(X: np.ndarray, y: np.ndarray, designs: np.ndarray, seed: int) -> Told:
    """BoTorch's Gaussian process, with its defaults and a length scale for each feature."""
    torch.manual_seed(seed)
    model = SingleTaskGP(torch.as_tensor(X), torch.as_tensor(y)[:, None])
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    with torch.no_grad():
        posterior = model.posterior(torch.as_tensor(designs))
    return posterior.mean[:, 0].numpy(), posterior.variance[:, 0].sqrt().numpy()


MODELS: dict[str, Model] = {"trees": _trees, "Gaussian process": _process}


def errors(table: Table, seeds: range) -> Iterator[dict[str, Any]]:
    """The errors of each model, fitted to the initial sample of a seed, on all other designs.

    Yields:
        By model, features, whether accuracies were cut off before, and seed: the root of the mean
        squared error in percentage points, where lower accuracies are cut off as `ehvi` does, and
        the mean of -ln of the probability that a design is what it is, feasible or not.
    """
    space, threshold = table.space, table.threshold_of("validation")
    designs, plans = zip(*designs_of(space, table.layout), strict=True)
    layers = np.stack([plan_features(plan, table.layout) for plan in plans]).astype(float)
    described = {
        "layers": (layers - layers.min(axis=0)) / np.maximum(np.ptp(layers, axis=0), 1e-12),
        "variables": (space.vectors(values_of(designs)) - space.lower())
        / (space.upper() - space.lower()),
    }
    accuracies = np.array([table.evaluate(plan).accuracy for plan in plans])
    cut = np.maximum(accuracies, threshold - OUT_OF_QUESTION * (1 - threshold))
    number = {plan.design_id: index for index, plan in enumerate(plans)}
    for seed in seeds:
        known = [number[evaluation.design_id] for evaluation in sample(table.name, seed)]
        others = np.setdiff1d(np.arange(len(plans)), known)
        for model, features, cut_off in product(MODELS, described, (True, False)):
            F, y = described[features], cut if cut_off else accuracies
            mean, deviation = MODELS[model](F[known], y[known], F[others], seed)
            found = np.maximum(mean, cut.min())
            above = norm.sf(threshold, mean, np.maximum(deviation, LEAST_DEVIATION))
            right = np.where(accuracies[others] >= threshold, above, 1 - above)
            yield {
                "table": table.name, "model": model, "features": features, "cut off": cut_off,
                "seed": seed, "points": 100 * np.sqrt(np.mean((found - cut[others]) ** 2)),
                "log loss": -np.log(np.clip(right, SURE, 1 - SURE)).mean(),
            }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.tabular.models", description=__doc__)
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("1-10"), help="FIRST-LAST")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = pd.DataFrame([row for name in given.tables for row in errors(loaded(name), given.seeds)])
    print(f"n = {len(given.seeds)} seeds, fitted to {INITIAL} designs")
    for measure in ("points", "log loss"):
        by = rows.groupby(["model", "features", "cut off", "table"], sort=False)[measure]
        told = by.agg(lambda values: f"{values.mean():.2f} ({values.std():.2f})").unstack()
        print(f"\n{measure}: mean (standard deviation)\n")
        print(told.reset_index().to_markdown(index=False))


if __name__ == "__main__":
    main()
