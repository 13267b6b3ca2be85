# Every target does its own set-up: with uv where it is installed, else with venv and pip.
.PHONY: demo test attacks audio check snap faults fuzz proofs hosted browser install-check clients fresh bundle conformance bench fit songs evals own-server portable clean

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
READY := .venv/.ready
EXPORT := $(BIN)/uv export --quiet --locked --no-hashes --no-emit-project --no-header
# The tests start many servers: without its cache each of them would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

demo: $(READY)
	@$(BIN)/acestep-mcp demo

test: $(READY)
	$(BIN)/python -m pytest -q -n auto --dist worksteal

# Whoever means harm, in real time: lies, floods, locks, processes that are stopped and killed.
attacks: $(READY)
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "attack and not proof"

# What ffmpeg, sox and others make: kept, listened to, tagged, converted.
audio: $(READY)
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "audio and not proof"

# Format, lint, types, and whether everything generated is up to date.
check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/skillsaw lint --strict . > /dev/null
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/uv lock --check --quiet
	$(EXPORT) | diff - requirements-dev.txt
	$(BIN)/python -m pytest -q tests/test_surface.py tests/front/test_snapshot.py -k "snapshot or pages or readme"

# Rewrite what is generated: lock files, the snapshots of what is published, the README's tables.
snap: $(READY)
	$(BIN)/uv lock --quiet
	$(EXPORT) --output-file requirements-dev.txt > /dev/null
	$(BIN)/python -m tests.generated

# Never twice, never lost, never stuck: 10,000 schedules of faults on virtual time, some on a real
# PostgreSQL with its own faults, and the proof that the proof bites.
faults: $(READY)
	$(BIN)/python -m tests.faults.sim --schedules 10000 --jobs 2
	$(BIN)/python -m tests.faults.sim --schedules 3000 --jobs 2 --own
	$(BIN)/python -m tests.faults.sim --schedules 300 --jobs 2 --ledger postgres
	$(BIN)/python -m tests.faults.mutants

# Two thousand tracks with headers changed at random; needs ffmpeg.
fuzz: $(READY)
	$(BIN)/python -m pytest -q -m proof tests/proofs/test_fuzz.py

# Real processes and real disks: kill -9 at every await, crowded and full ledgers, load.
proofs: $(READY)
	KILL_STRIDE=1 $(BIN)/python -m pytest -q -m attack tests/test_recovery.py
	$(BIN)/python -m pytest -q -m proof tests/faults tests/ledger tests/proofs tests/test_budgets.py
	$(BIN)/python -m tests.faults.sim --schedules 3000 --jobs 2 --ledger postgres
	$(BIN)/python -m tests.faults.mutants --ledger postgres

# Hosted for many: a flood of callbacks, four servers on PostgreSQL behind a proxy, one killed and
# the database restarted while a thousand songs are made.
hosted: $(READY)
	$(BIN)/python -m pytest -q -s -m hosted tests/hosted tests/replicas

# The player in a real Chromium (Debian's package), with npm for the published schema.
browser: $(READY)
ifdef UV
	@uv sync --locked --quiet --inexact --group browser
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check playwright jsonschema
endif
	$(BIN)/python -m pytest -q -m browser tests/browser

# Manifests and container files against their published schemas, each launched; the real proxy.
install-check: $(READY)
	$(BIN)/python -m pytest -q tests/install -m install

# Real clients and agent frameworks, each in an environment of its own; and from the README to the
# first song, timed, with each client that has a command line.
clients: $(READY)
	@$(BIN)/python -m tests.clients
	@$(BIN)/python -m tests.clients.programs
	@$(BIN)/python -m tests.clients.newcomer

# The wheel without the lock, on the oldest and the newest Python there is.
fresh: $(READY)
	@$(BIN)/python -m tests.clients.fresh

# The one-file bundle for Claude Desktop.
bundle: $(READY)
	@$(BIN)/python -m publish.bundle

# The official MCP conformance suite; needs npm.
conformance: $(READY)
	@$(BIN)/python -m tests.conformance

# Fitted lengths and false alarms on published songs, which ACESTEP_CORPUS names.
fit: $(READY)
	@$(BIN)/python -m tests.songcraft.published fit

songs: $(READY)
	@$(BIN)/python -m tests.songcraft.published songs

# Speed and memory, as ratios against baselines measured in the same run.
bench: $(READY)
	@$(BIN)/python -m benchmarks

# What depends on the system, as Windows and macOS would see it; a part of `make test`, too.
portable: $(READY)
	$(BIN)/python -m pytest -q tests/test_portable.py tests/install/test_places.py tests/library/test_folders.py

# Songs on the real ACE-Step 1.5 API server, which is installed beside, without models or a GPU.
# Another state of it, from a clone: make own-server ACE_STEP_CHECKOUT=DIR.
own-server: $(READY)
	@$(BIN)/python -m tests.own_server.process
	$(BIN)/python -m pytest -q -n 2 -m own_server tests/own_server

# 25 things that people asked for, played by a model: make evals WITH="--endpoint URL --model NAME".
evals: $(READY)
	@$(BIN)/python -m evals $(or $(WITH),--scripted)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

$(READY): pyproject.toml uv.lock requirements-dev.txt
ifdef UV
	@uv sync --locked --quiet --inexact
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
endif
	@touch $@
