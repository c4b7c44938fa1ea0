"""Trains one network."""

from pathlib import Path

import torch

from paretopress.chance import chance_of
from paretopress.checkpoints import Checkpoint
from paretopress.data import load_split
from paretopress.devices import described, training_device
from paretopress.epochs import epoch_reporter
from paretopress.evaluation import accuracy
from paretopress.gate import check_training, diverged
from paretopress.jobs import job
from paretopress.journal import Journal, fingerprint
from paretopress.networks import build_network, check_network
from paretopress.tables import write_csv
from paretopress.training import Epoch, NonFiniteLoss, Recipe, history_of, history_table, train
from paretopress.weights import save_weights

with job(snakemake, __file__) as log:
    torch.set_num_threads(snakemake.threads)
    params, name, device = snakemake.params, snakemake.wildcards.network, training_device()
    settings = {key: value for key, value in params.training.items() if key != "recipe"}
    recipe = Recipe(**settings)
    split, validation = (
        load_split(Path(snakemake.input[kind])) for kind in ("train", "validation")
    )
    log.info("%s: trained in %s on %s", name, recipe.precision, described(device))

    key = fingerprint(snakemake.input, [params.architecture, settings])
    journal = Journal(Path(params.journal), key)
    checkpoint = Checkpoint(Path(params.journal) / "checkpoint", key)
    state = checkpoint.load()
    say = epoch_reporter(log, journal, name, recipe.epochs, history_of(state))

    chances = {"training": chance_of(split.labels), "validation": chance_of(validation.labels)}

    def check(history: list[Epoch]) -> None:
        if params.gate["above_chance"] and history:
            check_training(name, params.training, history, chances, params.gate["epochs"])

    def report(history: list[Epoch]) -> None:
        say(history)
        check(history)

    check(history_of(state))
    torch.manual_seed(recipe.seed)
    network = build_network(params.architecture, len(split.classes))
    check_network(network, len(split.classes), split.images.shape[-1])
    try:
        history = train(
            network, split, recipe, lambda trained: accuracy(trained, validation, recipe.batch_size, device), report,
            state=state, save=checkpoint.save, device=device,
        )  # fmt: skip
    except NonFiniteLoss as error:
        raise diverged(name, params.training, error.epoch, error.step, error.loss) from error
    save_weights(network, Path(snakemake.output.weights))
    write_csv(history_table(history), snakemake.output.history)
    journal.close()
