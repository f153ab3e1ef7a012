# Two commands: `make run` and `make test`. They need Python 3.11+ and a package index, nothing else.
# PORT, STREAM_PORT and DATA_DIR choose where; DATABASE_URL, REDIS_URL and BROKER_URL replace the
# embedded servers.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run reload test backup restore bench shell lint format schema check lock set-up clean

# The newest Python on which the suite runs; a name alone may be a stub that does not work.
FIND_PYTHON = for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python3.14 python; do \
    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then break; fi; \
    python=; done; \
  if [ -z "$$python" ]; then \
    echo 'No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3'; \
    exit 1; fi
BOOTSTRAP = @$(FIND_PYTHON); exec "$$python" platform/embedded/bootstrap.py

help:  ## list the commands
	@awk -F ':.*## *' '/^[a-z-]+:.*##/ {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run:  ## start everything, print the address; Ctrl-C ends it
	$(BOOTSTRAP) run -- -m embedded run

reload:  ## load changed code into the running web process; no connection is refused
	$(BOOTSTRAP) run -- -m embedded reload

test:  ## run the whole test suite (ARGS='-k name' for a part of it)
	$(BOOTSTRAP) dev -- -m embedded test $(ARGS)

backup:  ## back up the running copy into BACKUP_DIR (ARGS='--keep 7')
	$(BOOTSTRAP) run -- -m embedded backup $(ARGS)

restore:  ## restore the stopped copy from BACKUP_DIR (ARGS='--to 2026-03-01T14:30:00Z')
	$(BOOTSTRAP) run -- -m embedded restore $(ARGS)

bench:  ## compare benchmarks with their targets (ARGS='NAME --json')
	$(BOOTSTRAP) run -- -m embedded bench $(ARGS)

shell:  ## open a shell with the environment of the running servers, for manage.py
	$(BOOTSTRAP) run -- -m embedded shell

lint:  ## run ruff, mypy, import-linter
	$(BOOTSTRAP) dev -- .ci/lint.py

format:  ## apply ruff's formatter and safe fixes
	$(BOOTSTRAP) dev -- .ci/lint.py --fix

schema:  ## rewrite platform/openapi.yaml from the code
	$(BOOTSTRAP) dev -- .ci/schema.py --write

lock:  ## write both lock files again (UPGRADE=1: newest versions allowed)
	$(BOOTSTRAP) dev -- .ci/lock.py

check:  ## run everything that CI runs
	@bash .ci/run

set-up:  ## create only .venv, with the tools for tests
	$(BOOTSTRAP) dev

clean:  ## remove .venv, .data and every cache
	@$(FIND_PYTHON); cd platform && exec "$$python" -B -m embedded.cleaning
