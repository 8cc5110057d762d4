# `make` alone lists what there is. Everything happens in .venv; nothing else on the machine is touched.
VENV := .venv
PYTHON_IN := $(VENV)/bin/python
# Three at once: half of the time a test waits for its server. Who is done first takes from the others.
# A test that fails beside others is run again, twice at most, and listed as R: a busy machine is no fault.
TESTS := $(PYTHON_IN) -m pytest -n 3 --dist worksteal --reruns 2 --reruns-delay 1 -r R
# The servers that today's tests need and that pip does not bring; `make servers` fetches all.
SERVERS := postgres15 pgbouncer mysql mariadb redis valkey documentdb ferretdb elasticsearch opensearch

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format servers bench screenshots wheel clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/.demo ## set everything up and open the console on a busy demo server
	@$(VENV)/bin/dbtui demo

test: $(VENV)/.test ## set everything up and run the tests
	@$(PYTHON_IN) -m tests.servers $(SERVERS)
	$(TESTS) -m "not slow"

test-all: $(VENV)/.test ## the tests with the long ones
	@$(PYTHON_IN) -m tests.servers $(SERVERS)
	$(TESTS)

lint: $(VENV)/.lint $(VENV)/.test ## ruff, mypy and the contracts between the layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.lint ## let ruff format and fix the sources
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

servers: $(VENV)/.test ## fetch every server that tests can run against
	@$(PYTHON_IN) -m tests.servers

bench: $(VENV)/.test $(VENV)/.bench ## measure the console beside others (takes minutes)
	$(PYTHON_IN) -m tests.bench live

screenshots: $(VENV)/.test ## draw the pictures of the README from the demo
	$(PYTHON_IN) -m tests.screenshots

wheel: $(VENV)/.test ## build the wheel into dist/
	$(PYTHON_IN) -m pip --quiet wheel --no-deps --wheel-dir dist .

clean: ## remove what was built, the environment included
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	@scripts/venv $(VENV)

# One stamp for each extra of pyproject.toml: made anew when that file has changed.
$(VENV)/.%: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing dbtui with its $* packages into $(VENV) ..."
	@$(PYTHON_IN) -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	@touch $@
