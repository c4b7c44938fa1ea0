"""Compare the predictions of the paths that evaluations take with those of the plain path, design by design.

The designs are a fixed sample of the paper's space. Those on the plain path itself are passed over. A row that the
output holds is not computed again. build/evaluation/ holds the weights and images (tests/benchmarks/evaluation.py):

    PYTHONPATH=workflow/scripts:tests .venv/bin/python -m benchmarks.predictions --designs 200 --output table.csv
"""

import argparse
import csv
from itertools import count
from pathlib import Path

import numpy as np
import torch

from paretopress.compression.designs import sample_design, space_of
from paretopress.compression.evaluation import Evaluator
from paretopress.compression.plans import canonical
from paretopress.compression.scoring import PLAIN
from paretopress.compression.tally import denormals_flushed, predicted, scores_of
from paretopress.dataset.split import batches, load_split
from paretopress.networks.mapped import load_network
from paretopress.networks.moves import Moves

from .evaluation import BATCH, GIVEN, NETWORKS

COLUMNS = ("network", "design_id", "quantization", "path", "images", "accuracy", "differing")


def rows_of(output: Path) -> set[tuple[str, str]]:
    if not output.is_file():
        return set()
    with output.open(encoding="utf-8", newline="") as file:
        return {(row["network"], row["design_id"]) for row in csv.DictReader(file)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--designs", type=int, required=True, help="of each network")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="the CSV file")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    split, space = load_split(GIVEN / "test.safetensors"), space_of({})
    networks, evaluate = {}, {}
    for name in given.networks:
        networks[name] = load_network({"name": name}, split, GIVEN / f"{name}.safetensors", Moves())
        evaluate[name] = Evaluator(networks[name], split, BATCH)
        evaluate[name]._pace.without(PLAIN)
    rng, begun, done = np.random.default_rng(1), given.output.is_file(), rows_of(given.output)
    left, seen = dict.fromkeys(given.networks, given.designs), set[tuple[str, str]]()
    with given.output.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not begun:
            writer.writeheader()
        for _ in count():
            if not any(left.values()):
                return
            design = sample_design(space, rng)
            for name, network in networks.items():
                design, plan = canonical(design, network.layout(), 1)
                head, drawn = network.head, (name, plan.design_id)
                plain_alone = plan.quantized and not (head and head.holds(plan))
                if not left[name] or plain_alone or drawn in seen:
                    continue
                left[name] -= 1
                seen.add(drawn)
                if drawn in done:
                    continue
                compressed, _ = network.compress(plan)
                found, path = evaluate[name].predictions(compressed, plan)
                with torch.no_grad(), denormals_flushed():
                    plain = torch.cat(
                        [predicted(scores_of(compressed, own)) for own, _ in batches(split, BATCH)]
                    )
                row = (
                    name, plan.design_id, int(plan.quantized), path, len(split),
                    float((plain == split.labels).float().mean()), int((found != plain).sum()),
                )  # fmt: skip
                writer.writerow(dict(zip(COLUMNS, row, strict=True)))
                file.flush()
                print(*row, flush=True)


if __name__ == "__main__":
    main()
