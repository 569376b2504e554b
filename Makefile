# A fresh machine needs CPython 3.11 or newer and make; everything else comes from package registries.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
CACHE := $(or $(JITGRESS_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/jitgress)
TOOLS := $(CACHE)/uv-$(UV_VERSION)
UV := $(TOOLS)/bin/uv
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.implementation.name != "cpython")' 2>/dev/null \
	&& command -v $$python && break; done)
RUN := .venv/bin/python
READY := .venv/.ready
COMPILE = $(UV) pip compile pyproject.toml --extra local --group dev --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --quiet
# Compiled at once: where Python may write no bytecode, every start of the command line would compile it anew (0.3 s).
SYNC = VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes --compile-bytecode requirements.lock
# Without a network the cache may have all that is needed; hashes are checked either way.
from_registry_or_cache = $(1) || { echo "the registry gave no answer or refused; trying the cache alone" >&2; $(1) --offline; }

export UV_PYTHON_DOWNLOADS := never
export PATH := $(TOOLS)/bin:$(PATH)

.PHONY: help demo test check bench generate lock clean programs
.PHONY: check-format check-lint check-types check-types-strict check-layers check-spelling check-generated check-lock

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: programs ## The main job with real parts; KEEP=1 leaves it running
	@$(RUN) -m jitgress.local.demo $(if $(KEEP),--keep) $(if $(SHORT),--short)

test: programs ## Every test: unit, property, integration, then end-to-end
	@$(RUN) -m pytest -n 2 --dist loadfile tests/unit tests/property tests/integration \
		--cov=jitgress.domain --cov-branch --cov-report=term:skip-covered --cov-fail-under=100
	@$(RUN) -m pytest tests/e2e

check: $(READY) ## Format, lint, types, layers, spelling, generated files
	@$(MAKE) -j 2 check-format check-lint check-types check-types-strict check-layers check-spelling check-generated check-lock

bench: programs ## Figures against references in one run; NAME=gate for one
	@$(RUN) -m bench $(NAME)

generate: $(READY) ## Write the generated files
	@$(RUN) -m jitgress.crds
	@$(RUN) -m jitgress.cli.reference

lock: $(UV) ## Lock the dependencies anew
	@$(COMPILE) -o requirements.lock

clean: ## Remove what was made here; the cache folder stays
	@rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage bench/out

check-format: ; @$(RUN) -m ruff format --check --quiet . && echo "format     ok"
check-lint: ; @$(RUN) -m ruff check --quiet . && echo "lint       ok"
check-types: ; @$(RUN) -m mypy --no-error-summary && echo "mypy       ok"
check-types-strict: ; @$(RUN) -m pyright --level error > .venv/pyright.txt || { cat .venv/pyright.txt; exit 1; }; echo "pyright    ok"
check-layers: ; @.venv/bin/lint-imports --no-logo > .venv/layers.txt 2>&1 || { cat .venv/layers.txt; exit 1; }; echo "layers     ok"
check-spelling: ; @.venv/bin/typos README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md docs src && echo "spelling   ok"
check-generated: ; @$(RUN) -m jitgress.crds --check && $(RUN) -m jitgress.cli.reference --check && echo "generated  ok"
check-lock: $(UV)
	@cp requirements.lock .venv/lock.txt && { $(call from_registry_or_cache,$(COMPILE) -o .venv/lock.txt); } \
		&& cmp -s requirements.lock .venv/lock.txt && echo "lock       ok" \
		|| { echo "requirements.lock does not follow from pyproject.toml. Run: make lock" >&2; exit 1; }

programs: $(READY)
	@$(RUN) -m jitgress.local.control_plane.build

$(READY): requirements.lock pyproject.toml $(UV)
	@$(UV) venv --quiet --allow-existing --python "$(PYTHON)" .venv
	@echo "installing the locked dependencies"
	@$(call from_registry_or_cache,$(SYNC))
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(UV):
	@test -n "$(PYTHON)" || { echo "No CPython 3.11 or newer found. Install one, then repeat." >&2; exit 1; }
	@echo "getting uv $(UV_VERSION)"
	@"$(PYTHON)" -m venv "$(TOOLS)" && "$(TOOLS)/bin/python" -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
