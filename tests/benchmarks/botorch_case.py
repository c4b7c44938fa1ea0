"""The published case of BoTorch's qNEHVI by the code of our method: C2-DTLZ2, d = 4, 10 + 40 evaluations.

    python -m benchmarks.botorch_case [SEEDS]

BoTorch's tutorial of constrained optimisation with several objectives has a hypervolume of about .38 after one run, and .17 for random
search. The largest is .3996.
"""

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from botorch.test_functions.multi_objective import C2DTLZ2
from botorch.utils.multi_objective.box_decompositions.dominated import DominatedPartitioning
from botorch.utils.sampling import draw_sobol_samples

from paretopress.methods._botorch import Effort, Problem, proposals

FIRST, BATCHES, BATCH = 10, 20, 2
CASE = C2DTLZ2(dim=4, num_objectives=2, negate=True)
BOUNDS = torch.tensor([[0.0] * 4, [1.0] * 4], dtype=torch.double)
PROBLEM = Problem([0] * 4, CASE.ref_point.tolist(), lambda outcomes: outcomes[..., -1])


def outcomes(X: np.ndarray) -> np.ndarray:
    """Both objectives, and the violation of the constraint."""
    vectors = torch.as_tensor(X)
    return torch.cat([CASE(vectors), -CASE.evaluate_slack(vectors)], dim=-1).numpy()


def hypervolume(Y: np.ndarray) -> float:
    feasible = torch.as_tensor(Y[Y[:, -1] <= 0][:, :2])
    return DominatedPartitioning(CASE.ref_point, feasible).compute_hypervolume().item()


def run(seed: int, propose: Callable[[np.ndarray, np.ndarray, int], np.ndarray]) -> float:
    X = draw_sobol_samples(BOUNDS, FIRST, q=1, seed=seed).squeeze(1).numpy()
    for batch in range(BATCHES):
        X = np.vstack([X, propose(X, outcomes(X), 1000 * seed + batch)])
    return hypervolume(outcomes(X))


def main() -> None:
    torch.set_num_threads(1)
    print(f"at most {CASE.max_hv:.4f}")
    for seed in range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 3)):
        start = perf_counter()
        ours = run(seed, lambda X, Y, seed: proposals(X, Y, PROBLEM, BATCH, seed, Effort()))
        seconds = perf_counter() - start
        drawn = run(seed, lambda X, Y, seed: np.random.default_rng(seed).random((BATCH, 4)))
        print(
            f"seed {seed}: qLogNEHVI {ours:.4f} in {seconds:.0f} s, random {drawn:.4f}", flush=True
        )


if __name__ == "__main__":
    main()
