# `make demo` and `make test` are all that a fresh machine with git, make and Python 3.11 or newer needs.
PYTHON ?= python3
VENV := .venv
CONFIG := config/config.yaml
CORES ?= all
BENCH :=
BASE :=
REPEATS :=
KEEP :=
BIN := $(VENV)/bin
# Snakemake gives the path of its Python to a shell without quotes.
UNFIT := ' " ` $$ & | ; < > ( ) \ * ? [ ] { } ! \#
ifneq ($(words $(abspath $(VENV)))$(strip $(foreach character,$(UNFIT),$(findstring $(character),$(abspath $(VENV))))),1)
$(error Snakemake starts no job with a Python whose path has a space or another character that shells interpret, as in $(abspath $(VENV)): name another folder for the environment, make VENV=/a/folder/without $(MAKECMDGOALS))
endif
COMMAND := PYTHONPATH=workflow/scripts $(BIN)/python -P -m paretopress
LAUNCHER := $(BIN)/paretopress

.PHONY: help install demo test test-all test-fast references fuzz faults bench bench-search lint format status front verify docs clean $(LAUNCHER)

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(VENV)/.runtime: envs/requirements.txt envs/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ParetoPress needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -r envs/requirements.txt -c envs/lock.txt
	@touch $@

# The command `paretopress` of the folder in which make ran last. It is not installed by pip: a copy of
# this folder with the same environment would then run the code of this one.
$(LAUNCHER): $(VENV)/.runtime
	@printf '%s\n' '#!/bin/sh' 'export PYTHONPATH="$(CURDIR)/workflow/scripts$${PYTHONPATH:+:$$PYTHONPATH}"' \
		'exec "$(abspath $(BIN))/python" -P -m paretopress "$$@"' > $@
	@chmod +x $@

$(VENV)/.development: $(VENV)/.runtime envs/requirements-slurm.txt envs/requirements-peers.txt envs/requirements-dev.txt
	$(BIN)/pip install --quiet -r envs/requirements-dev.txt -c envs/lock.txt
	@touch $@

install: $(LAUNCHER) ## install the packages and the command paretopress
	@echo "Installed. To use it in this shell: . $(BIN)/activate"

demo: $(LAUNCHER) ## install the packages, run the embedded study and show its front
	$(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG)
	@$(COMMAND) front --configfile $(CONFIG)

status: $(LAUNCHER) ## show the state of all runs (CONFIG=... for another study)
	@$(COMMAND) status --configfile $(CONFIG)

front: $(LAUNCHER) ## show the best rows of the front (CONFIG=... for another study)
	@$(COMMAND) front --configfile $(CONFIG)

lint: $(VENV)/.development $(LAUNCHER) ## check the formatting, the style and the types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

test: lint ## run lint, then the tests (8 to 30 minutes on 2 cores)
	$(BIN)/pytest -n auto --dist loadscope --no-loadscope-reorder

test-fast: $(VENV)/.development ## run the tests that start no real Snakemake runs
	$(BIN)/pytest -m "not slow"

test-all: lint ## run every test, with four times as many generated cases and kills (45 minutes)
	HYPOTHESIS_PROFILE=more $(BIN)/pytest -n auto --dist loadscope --no-loadscope-reorder

# The workers of pytest share the cores: a thread that waits must not keep one busy.
test test-fast test-all fuzz: export OMP_WAIT_POLICY = passive

references: $(VENV)/.development ## write the CSV files of two small studies over tests/references
	@mkdir -p build
	-$(BIN)/pytest --basetemp=build/references tests/workflow/test_references.py \
		tests/workflow/test_small_study.py -k byte_for_byte
	PYTHONPATH=workflow/scripts $(BIN)/python tests/references.py \
		build/references/finished/complete/results/tiny build/references/small0/results/tiny

fuzz: $(VENV)/.development ## test at least 10,000 generated configs, tables, archives, images and weights (half an hour)
	HYPOTHESIS_PROFILE=many $(BIN)/pytest tests/fuzz --hypothesis-show-statistics

faults: $(VENV)/.development ## put each listed fault into the code, and check that its test fails
	$(BIN)/python tests/planted.py

bench: $(VENV)/.development ## measure times side by side, and print ratios (25 minutes; docs/performance.md)
	@PYTHONPATH=workflow/scripts:tests $(BIN)/python -m benchmarks $(BENCH) $(if $(BASE),--base '$(BASE)') \
		$(if $(REPEATS),--repeats $(REPEATS)) $(if $(KEEP),--keep)

bench-search: $(VENV)/.development ## compare search methods on tables of small networks (docs/search.md)
	@PYTHONPATH=workflow/scripts:tests OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.tabular $(BENCH)

format: $(VENV)/.development ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile workflow

verify: $(LAUNCHER) ## compare every file of a study with its record (CONFIG=... for another study)
	@$(COMMAND) verify --configfile $(CONFIG)

docs: $(LAUNCHER) ## rewrite config/schema.json and the key tables of config/README.md
	$(COMMAND) documents

clean: ## remove all results, and the build folder of pip
	rm -rf results .snakemake build
