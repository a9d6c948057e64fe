# The front door: what a person or a machine does with this project. `make help` lists it.
# Needs Python 3.11 or newer, pip and make (also the make 3.81 of macOS).

VENV := .venv
BIN := $(VENV)/bin
# Stamps of what is installed: a second start installs nothing.
PRODUCT := $(VENV)/.installed-product
TESTS := $(VENV)/.installed-tests
DEVELOPMENT := $(VENV)/.installed-development
NEEDED_MB := 900
# Checks need settings, but no server and no secret.
CHECK := DEBUG=1 $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help demo font test check words services test-services soak-engine smoke fmt clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

demo: $(PRODUCT) font ## Run a live auction with simulated bidders; PORT=9000 make demo moves it
	@DEBUG=1 $(BIN)/python manage.py demo

# The pages hold without their typeface; where npm is, it comes by npm, once.
FONT := @fontsource-variable/archivo
font:
	@if [ ! -d static/archivo ] && command -v npm >/dev/null; then \
	  npm install --silent --no-save --no-audit --no-fund --fetch-retries=0 --fetch-timeout=10000 --prefix var/npm $(FONT)@5 \
	    >/dev/null 2>&1 && cp -R var/npm/node_modules/$(FONT) static/archivo || true; \
	fi

# The engine's long walks are a quarter as long here, so that this stays under ten minutes; `make test-services` takes all of them.
test: $(TESTS) ## Run the tests on the embedded servers
	@ENGINE_STEPS=$${ENGINE_STEPS:-5000} ENGINE_HISTORIES=$${ENGINE_HISTORIES:-5} FUZZED_FRAMES=$${FUZZED_FRAMES:-25000} \
	  $(BIN)/python -m pytest --numprocesses=4 --dist=loadfile -m "not services" --ignore=tests/browser

check: $(DEVELOPMENT) ## Check style, types, import contracts, migrations, templates, protocol artefacts, translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 $(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	$(CHECK) manage.py makemigrations --check --dry-run
	$(CHECK) manage.py check
	$(CHECK) -m tests.templates
	$(CHECK) manage.py export_protocol --check
	$(CHECK) -m tests.words --check

words: $(DEVELOPMENT) ## Bring the catalogues in locale/ up to date with the sources, and compile them
	$(CHECK) -m tests.words

services: ## Install what test-services needs: Debian or Ubuntu, as root
	@command -v apt-get >/dev/null || { echo "error: make services knows only apt; install redis-server, PostgreSQL and Chromium" >&2; exit 1; }
	@if ! { command -v redis-server && command -v chromium && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1; then \
	  [ "$$(id -u)" = 0 ] || { echo "error: make services installs packages and must run as root" >&2; exit 1; }; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server postgresql chromium; \
	fi

test-services: $(DEVELOPMENT) ## Run all tests on real PostgreSQL and Redis and in a real browser
	@$(BIN)/python -m tests.services

soak-engine: $(TESTS) ## Compare the engine with its plain rules for hours; ENGINE_SEED=n repeats one
	@ENGINE_STEPS=$${ENGINE_STEPS:-1000000} ENGINE_HISTORIES=$${ENGINE_HISTORIES:-100} \
	  $(BIN)/python -m pytest -x bidding/tests/test_histories.py bidding/tests/test_engine_machine.py

smoke: $(PRODUCT) ## Drive one auction from creation to result as an outside client
	@$(BIN)/python -m tests.smoke

fmt: $(DEVELOPMENT) ## Format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the virtual environment, the caches and the demo's data
	rm -rf $(VENV) var .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# PYTHON=… names the interpreter to use; without it the first that is new enough is taken.
define install
@fail() { echo "error: $$*" >&2; exit 1; }; \
if [ ! -x $(BIN)/python ]; then \
  found=; \
  for python in $${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do \
    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
  done; \
  [ -n "$$found" ] || fail "Python 3.11 or newer is needed, and $${PYTHON:-python3} is not. Name one: PYTHON=/path/to/python3.11 make $(MAKECMDGOALS)"; \
  $$found -c 'import ensurepip, venv' 2>/dev/null || fail "$$found lacks venv and pip. On Debian: apt install python3-venv"; \
  [ "$$(df -Pm . | awk 'NR == 2 {print $$4}')" -ge $(NEEDED_MB) ] || fail "the disk is full: $(NEEDED_MB) MB of free space are needed here"; \
  $$found -m venv $(VENV) || fail "could not make the virtual environment in $(VENV)"; \
fi; \
echo "Installing $(1) into $(VENV), about a minute …"; \
$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(1) || fail "pip could not install $(1)"; \
touch $(2)
endef

$(PRODUCT): requirements.txt clients/python/pyproject.toml
	$(call install,requirements.txt,$@)

$(TESTS): requirements.txt requirements-test.txt clients/python/pyproject.toml
	$(call install,requirements-test.txt,$(PRODUCT) $@)

$(DEVELOPMENT): requirements.txt requirements-test.txt requirements-rtmp.txt requirements-dev.txt clients/python/pyproject.toml
	$(call install,requirements-dev.txt,$(PRODUCT) $(TESTS) $@)
