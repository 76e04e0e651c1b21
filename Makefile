# make demo | make test | make help. Every target installs what it needs into .venv first.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Ansible starts a Python for each task: modules are compiled once, also where the environment says otherwise.
unexport PYTHONDONTWRITEBYTECODE
# Plain output where there is no terminal, also from those who would not look.
ifndef MAKE_TERMOUT
export NO_COLOR := 1
endif

heading = @printf '\n--- %s\n' '$(1)'

.PHONY: help
help: ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- the virtual environment ---------------------------------------------------------------------------------------
# Made anew where its Python is gone or the checkout was moved: scripts in .venv/bin contain both paths.
intact := $(and $(wildcard .venv/bin/python),$(findstring $(CURDIR)/.venv,$(file <.venv/pyvenv.cfg)))

.venv/demo.installed .venv/test.installed: .venv/%.installed: requirements/%.lock $(if $(intact),,stale)
	@tools/venv $*

.PHONY: stale venv
stale:
venv: .venv/test.installed ## .venv with all that development needs

# --- the demonstration ---------------------------------------------------------------------------------------------
.PHONY: demo demo-down
demo: .venv/demo.installed ## start the laboratory, run site.yml on it, show what came of it
	@python -m tools.demo

demo-down: .venv/demo.installed ## stop the laboratory and remove all that it left
	@python -m lab down

# --- the tests -----------------------------------------------------------------------------------------------------
scenarios := $(patsubst molecule/%/converge.yml,molecule-%,$(wildcard molecule/*/converge.yml))
# Each keeps one core busy, and shows what it printed when it is over. One that fails does not stop the others.
two_at_a_time := $(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going

.PHONY: test lint units sanity molecule e2e faults $(scenarios)
test: .venv/test.installed ## all tests
	@# What takes longest begins.
	@$(two_at_a_time) e2e faults units lint sanity $(scenarios)

without_account := AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null KUBECONFIG=/dev/null
lint: .venv/test.installed ## style, types, documentation, and the playbooks' syntax
	$(call heading,lint: ruff)
	@ruff check .
	@ruff format --check .
	$(call heading,lint: mypy)
	@mypy
	$(call heading,lint: shellcheck)
	@shellcheck .ci/run tools/venv tools/scenario requirements/compile.sh
	$(call heading,lint: yamllint)
	@yamllint --strict .
	$(call heading,lint: antsibull-docs)
	@# It would take installed collections for a part of this work tree, and copy only what git knows of them.
	@GIT_CEILING_DIRECTORIES=$(CURDIR) antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=dependent .
	@antsibull-changelog lint
	$(call heading,lint: the playbooks without a cloud account)
	@$(without_account) ansible-inventory -i inventories/prod --graph
	@$(without_account) ansible-playbook site.yml -i inventories/prod --syntax-check
	@$(without_account) ansible-playbook site.yml -i inventories/prod --list-tasks >/dev/null
	$(call heading,lint: ansible-lint)
	@ansible-lint --offline

units: .venv/test.installed ## unit tests
	$(call heading,units)
	@pytest tests/unit

sanity: .venv/test.installed ## ansible-test sanity, without containers
	$(call heading,sanity)
	@python tools/sanity.py

# Molecule would have a collection's scenarios in extensions/, and says so unless it is told where they are.
molecule $(scenarios): export MOLECULE_GLOB := molecule/*/molecule.yml
molecule $(scenarios): export MOLECULE_COMMAND_BORDERS := false
molecule: .venv/test.installed ## all scenarios, or one: make molecule ROLE=aurora
ifdef ROLE
	$(call heading,molecule)
	@molecule test --scenario-name $(ROLE)
else
	@$(two_at_a_time) $(scenarios)
endif

$(scenarios): molecule-%: .venv/test.installed
	$(call heading,molecule: $*)
	@tools/scenario $*

e2e: .venv/test.installed ## the playbooks on a laboratory of their own
	$(call heading,e2e)
	@pytest tests/e2e

faults: .venv/test.installed ## verify.yml on a laboratory whose links are broken one by one
	$(call heading,faults)
	@pytest tests/faults

# --- the exporters -------------------------------------------------------------------------------------------------
.PHONY: profiles
profiles: .venv/test.installed ## the shipped profile against every postgres_exporter on four majors of PostgreSQL
	$(call heading,profiles: every postgres_exporter from 0.11 on that the registries give)
	@pytest --capture=sys tests/profiles

# --- the judge -----------------------------------------------------------------------------------------------------
.PHONY: conformance
conformance: .venv/test.installed ## the same path on a real control plane, and the embedded API held against it
	$(call heading,conformance: the programs of a real control plane)
	@python -m lab programs
	$(call heading,conformance)
	@# Threads tell how far they are, which a capture of the whole process would keep for itself.
	@pytest --capture=sys tests/conformance

# -------------------------------------------------------------------------------------------------------------------
.PHONY: clean
clean: ## remove .venv and all caches
	@if [ -e .lab ]; then $(MAKE) --no-print-directory demo-down; fi
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .ansible tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
