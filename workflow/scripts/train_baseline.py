"""Trains one network."""

from pathlib import Path

import torch

from paretopress.data import load_split
from paretopress.evaluation import accuracy
from paretopress.logs import job_log
from paretopress.networks import build_network, check_network
from paretopress.tables import write_csv
from paretopress.training import Epoch, Recipe, history_table, train
from paretopress.weights import save_weights

with job_log(snakemake.log[0]) as log:
    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    recipe = Recipe(**snakemake.params.training)
    split, validation = (load_split(Path(snakemake.input[name])) for name in ("train", "validation"))

    def report(epoch: Epoch) -> None:
        log.info(
            "%s: epoch %d of %d, loss %.4f, accuracy %.4f on training and %.4f on validation images",
            snakemake.wildcards.network, epoch.epoch, recipe.epochs, epoch.loss, epoch.train_accuracy, epoch.validation_accuracy,
        )  # fmt: skip

    torch.manual_seed(recipe.seed)
    network = build_network(snakemake.params.architecture, len(split.classes))
    check_network(network, len(split.classes), split.images.shape[-1])
    history = train(network, split, recipe, lambda trained: accuracy(trained, validation, recipe.batch_size), report)
    save_weights(network, Path(snakemake.output.weights))
    write_csv(history_table(history), snakemake.output.history)
