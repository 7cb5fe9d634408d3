# `make help` lists the targets. Everything is installed into .venv from requirements.lock.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo real monitor replay ui shop live deploy test test-all test-cpu lint check format lock audit tools clean ci-environment \
  bench-published bench-genuine bench-synthetic bench-poster bench-peers bench-monitoring bench-scale bench-scale-quality bench-shop \
  bench-shop-endurance bench-experiments bench-online bench-report

PYTHON ?= python3
BIN := .venv/bin
DATA ?=
SCALE ?= demo
SHOP ?= fashion
PEERS := .hemline/peers
AXE := 4.14.1
AXE_SHA512 := 1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5
# Packages are installed uncompiled, so a process that may not write bytecode compiles all it imports again.
unexport PYTHONDONTWRITEBYTECODE
# --no-deps: the lock files name everything; `pip check` says if one does not.
# What has no wheel is built by the locked setuptools, not by one that pip would fetch unchecked.
# Compiled when it is first imported: compiling all 41,000 files takes longer than `make demo` at SCALE=tiny.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps \
  --use-pep517 --no-build-isolation
RESOLVE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command "make lock"
TORCH := 2.13.0
TORCH_CPU_SHA256 := 6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
# Requested by its own name: pip prefers a file whose hash an index names, and a folder of files names none.
CPU_TORCH := torch==$(TORCH)+cpu --hash=sha256:$(TORCH_CPU_SHA256)
PROJECT := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
# What every x86-64 processor has, and no more; names that a processor lacks are passed over.
OLD_CPU := NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR" OPENBLAS_CORETYPE=Nehalem \
  ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE
KEEP_FREED := glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592

# A moved or copied environment would run the code of the folder that it was made in.
ifneq ($(wildcard .venv/bin/python),)
MENDED := $(shell .venv/bin/python -I src/hemline/moved_environment.py .venv)
$(if $(MENDED),$(info $(MENDED)))
endif

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s "$$(printf '\t')"

demo: .venv/installed ## Train, score and register on generated data: make demo [SCALE=tiny|demo|full] [SHOP=fashion|gifts]
	@$(BIN)/hemline demo --size $(SCALE) --shop $(SHOP)

real: .venv/installed ## The same on your files or Kaggle's: make real DATA=<their folder>
	@$(BIN)/hemline real $(if $(DATA),--data "$(DATA)")

monitor: .venv/installed ## Evaluate the weeks that are due: pages, alerts, retraining: make monitor [WEEK_END=2020-09-23]
	@$(BIN)/hemline monitor $(if $(WEEK_END),--week-end $(WEEK_END))

replay: .venv/installed ## Evaluate past weeks again: make replay FROM=2019-10-02 TO=2020-09-23 [FRESH=1]
	@$(BIN)/hemline replay $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) $(if $(FRESH),--fresh)

ui: .venv/installed ## Prefect, MLflow, Evidently and the reports in the browser, until Ctrl-C
	@$(BIN)/hemline ui

shop: .venv/installed ## Answer visitors with the champion, as API and as page, until Ctrl-C: make shop [PORT=8000]
	@$(BIN)/hemline serve $(if $(PORT),--port $(PORT))

live: .venv/installed ## Watch simulated customers in a shop of their own: make live [WEEKS=26] [SPEED=<days a minute, at most>] [PORT=5003] [FRESH=1]
	@$(BIN)/hemline live $(if $(WEEKS),--weeks $(WEEKS)) $(if $(SPEED),--speed $(SPEED)) $(if $(PORT),--port $(PORT)) $(if $(FRESH),--fresh)

deploy: .venv/installed ## Hand the weekly runs and the closed loop to the Prefect server of `make ui`
	@$(BIN)/hemline deploy

# One thread each: two workers with two threads each compete for two cores (174 CPU s instead of 26).
# Three workers: those that wait for a server leave a third of two cores idle.
test: .venv/installed-dev ## Run the tests, but for the longest
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: .venv/installed-dev ## Run all tests: the whole closed loop, and tables of both engines, too
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-cpu: .venv/installed-dev ## The numeric tests as on a processor without AVX2
	$(OLD_CPU) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile \
	  tests/kernels tests/models tests/segments tests/data/test_histories.py \
	  tests/evaluation/test_metrics.py tests/evaluation/test_significance.py

lint: .venv/installed-dev ## Format, lint, types, import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test-all test-cpu ## Everything; CI leaves out the longest tests

format: .venv/installed-dev ## Format the code and fix what ruff can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lock: .venv/installed-dev ## Resolve pyproject.toml anew into the lock files, for every Python and platform, with hashes
	$(RESOLVE) --output-file requirements.lock pyproject.toml
	$(RESOLVE) --extra dev --extra spark --extra postgres --extra delta --constraints requirements.lock \
	  --output-file requirements-dev.lock pyproject.toml
	@# Without pyproject.toml's word on what torch requires: what the CUDA build requires besides.
	echo torch==$(TORCH) | $(RESOLVE) --no-config --constraints requirements.lock \
	  --no-emit-package torch --output-file requirements-cuda.lock -
	@# The CPU build lies on an index of its own, so its hash is not among those of the Python index. Uv
	@# keeps what an earlier run added, so that goes first.
	sed -i.unhashed -e '/$(TORCH_CPU_SHA256)/d' -e 's/^torch==$(TORCH) \\$$/&\n    --hash=sha256:$(TORCH_CPU_SHA256) \\/' \
	  requirements.lock requirements-dev.lock
	@rm -f requirements.lock.unhashed requirements-dev.lock.unhashed

audit: .venv/bin/python ## Look up every locked package in the Python index's database of vulnerabilities (needs the network)
	$(PYTHON) -m venv .hemline/audit
	.hemline/audit/bin/python -m pip install --quiet --disable-pip-version-check "pip-audit>=2.9,<3"
	.hemline/audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements-dev.lock

bench-published: .venv/installed $(PEERS)/rectools.installed $(PEERS)/recbole.installed ## Our models and other libraries' on published splits: make bench-published DATA=<folder of the splits>
	@test -n "$(DATA)" || { echo "name the folder of the splits: make bench-published DATA=<folder>"; exit 1; }
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.published "$(DATA)"

bench-genuine: .venv/installed $(PEERS)/rectools.installed $(PEERS)/recbole.installed ## Our models and other libraries' on genuine purchases: make bench-genuine DATA=<folder that holds hm-week>
	@test -n "$(DATA)" || { echo "name the folder of the data: make bench-genuine DATA=<folder>"; exit 1; }
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.genuine "$(DATA)"

bench-synthetic: .venv/installed ## Genuine and generated purchases side by side: make bench-synthetic DATA=<folder that holds hm-sample and hm-week>
	@test -n "$(DATA)" || { echo "name the folder of the data: make bench-synthetic DATA=<folder>"; exit 1; }
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.synthetic "$(DATA)"

bench-poster: .venv/installed ## The TrainDy protocol on generated data, or DATA=<folder of the Kaggle files>
	$(BIN)/python -m benchmarks.poster $(if $(DATA),--data "$(DATA)")

bench-peers: .venv/installed $(PEERS)/recbole.installed $(PEERS)/sansa.installed ## Quality and time beside implicit, SANSA and RecBole
	$(BIN)/python -m benchmarks.peers --environments $(PEERS)

bench-monitoring: .venv/installed ## False alarms and planted events, 20 shops; QUICK=1 for 2, FULL_SCALE=1 for a week of 1.4 million customers
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.monitoring $(if $(QUICK),--quick) $(if $(FULL_SCALE),--full-scale)

bench-scale: .venv/installed-dev ## Time and memory of every step at 1, 10, 100 %, beside others: make bench-scale [SIZES=1,10]
	$(BIN)/python -m benchmarks.scale $(if $(SIZES),--sizes $(SIZES)) $(if $(STEPS),--steps $(STEPS))

bench-shop: .venv/installed ## CPU of an answer, latency at 200 requests a second, capacity and memory of the trained demo's shop: make bench-shop [SECONDS=300]; FULL_SCALE=<folder of a full-size training> [EXPORT=100000 customers] for its costs
	OMP_NUM_THREADS=1 $(BIN)/python -m $(if $(FULL_SCALE),benchmarks.shop.project_costs "$(FULL_SCALE)" $(if $(EXPORT),--export $(EXPORT)),benchmarks.shop $(if $(SECONDS),--seconds $(SECONDS)))

bench-shop-endurance: .venv/installed ## Change the trained demo's champion under load, kill the shop's processes, unlike and look again: is anything lost?
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.shop.endurance $(if $(PARTS),--parts $(PARTS) --no-write)

bench-experiments: .venv/installed ## Simulated experiments whose truth is known: errors, power, regret, coverage; with DATA=<folder that holds hm-sample> customer value on it too
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.experiments $(if $(DATA),--data "$(DATA)")

bench-online: .venv/installed ## Does better offline mean more sales? On a living shop: make bench-online [SHOP_FOLDER=.hemline/living-shop] [WEEK=12]
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.online $(if $(SHOP_FOLDER),--shop "$(SHOP_FOLDER)") $(if $(WEEK),--week $(WEEK))

bench-scale-quality: .venv/installed ## What the CVAE's sampled softmax costs in ranking quality, on the shop of bench-scale SIZES=10
	GLIBC_TUNABLES=$(KEEP_FREED) OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scale.softmax_quality

bench-report: .venv/installed ## Write the tables of docs/benchmarks.md from benchmarks/results
	$(BIN)/python -m benchmarks.benchmark_report

tools: .hemline/tools/axe.min.js ## Fetch what looks for barriers in the shop's pages, by npm; without it that test is skipped

clean: ## Remove the environment and tool caches; data, models and the registry stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Hemline needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	  echo "Name a newer one: make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python requirements.lock requirements-cuda.lock pyproject.toml
	$(INSTALL) -r <(sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock)
	@$(INSTALL) -r <(echo "$(CPU_TORCH)") 2> /dev/null \
	  || echo "pip finds no locked CPU build of torch for this Python: the index's own build is installed"
	$(INSTALL) -r requirements.lock
	@# Where pip finds no CPU build of torch it takes the one for CUDA, which requires more.
	@if $(BIN)/python -c 'import importlib.metadata as m, sys; sys.exit("nvidia" not in str(m.requires("torch")))'; \
	then $(INSTALL) -r requirements-cuda.lock; fi
	$(PROJECT)
	$(BIN)/python -m pip check
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(INSTALL) -r requirements-dev.lock
	$(BIN)/python -m pip check
	@touch $@

# uv reads none of pip's settings, so pip fetches torch; without its CPU build pip does everything.
ci-environment: .venv/bin/python ## What .venv/installed-dev installs, by uv, or by pip where uv cannot
	@{ $(INSTALL) -r <(sed -nE '/^(setuptools|uv)==/,/[^\\]$$/p' requirements-dev.lock) \
	  && $(INSTALL) -r <(echo "$(CPU_TORCH)") \
	  && $(BIN)/uv pip install --system-certs --python $(BIN)/python --quiet --require-hashes --no-deps --no-build-isolation \
	    -r <(sed '/^torch==/,/[^\\]$$/d' requirements-dev.lock) \
	  && $(PROJECT) && $(BIN)/python -m pip check && touch .venv/installed && touch .venv/installed-dev; } \
	  || echo "uv could not install the locked packages: pip does"
	$(MAKE) .venv/installed-dev

.hemline/tools/axe.min.js:
	@mkdir -p $(@D)
	cd $(@D) && npm pack --silent axe-core@$(AXE)
	cd $(@D) && echo "$(AXE_SHA512)  axe-core-$(AXE).tgz" | sha512sum --check --quiet
	tar --extract --gzip --file $(@D)/axe-core-$(AXE).tgz --directory $(@D) --strip-components 1 package/axe.min.js
	@touch $@

# A peer that cannot be built is missing, and the notes of the tables say so.
$(PEERS)/%.installed: benchmarks/requirements-peers-%.txt
	@mkdir -p $(PEERS)
	$(PYTHON) -m venv --clear $(PEERS)/$*
	@if $(PEERS)/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $< \
	  && { [ $* != recbole ] || $(PEERS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps recbole==1.2.1; }; \
	then touch $@; else rm -rf $(PEERS)/$*; echo "$* could not be built; the benchmarks run without it"; fi
