# Two commands for everyone: `make lab` opens the notebooks, `make test` runs the tests.
# Both set up what is missing first; `make help` lists the rest.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PYTEST_ARGS ?=

LAB    := $(VENV)/.lab-is-set-up
DEV    := $(VENV)/.dev-is-set-up

# uv must neither look for a project's environment nor download a Python of its own.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# The CAs the system trusts, as pip does: a school's or a company's proxy is signed by one of those.
export UV_SYSTEM_CERTS ?= 1
unexport VIRTUAL_ENV CONDA_PREFIX
# labkit starts many short processes: with bytecode each of them is there in half the time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help lab test test-all check format demo bench parity record pages soak test-browser test-hub test-lowest test-page test-page-short test-page-node test-kind test-reach mutants messages translations notebooks handouts docs site site-serve screenshots lock links dist rehearsal clean

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "make %-15s %s\n", $$1, $$2}'

# Of each distribution, whose requirements and commands are in its metadata.
PROJECTS := pyproject.toml kube_embedded/pyproject.toml jupyter/pyproject.toml

$(LAB): requirements.lock $(PROJECTS) tools/bootstrap.py
	@command -v $(PYTHON) >/dev/null || { echo "labkit needs Python 3.11 or newer: there is no $(PYTHON) (make PYTHON=…)" >&2; exit 1; }
	@$(PYTHON) tools/bootstrap.py $(VENV) requirements.lock
	@touch $@

$(DEV): requirements-dev.lock $(PROJECTS) tools/bootstrap.py
	@command -v $(PYTHON) >/dev/null || { echo "labkit needs Python 3.11 or newer: there is no $(PYTHON) (make PYTHON=…)" >&2; exit 1; }
	@$(PYTHON) tools/bootstrap.py $(VENV) requirements-dev.lock
	@touch $(LAB) $@

lab: $(LAB) ## open JupyterLab at the first notebook
	$(BIN)/labkit lab

# A third of a test's time is waiting, so three share two processors. They take tests from each other at the end.
BESIDE := -n 3 --dist worksteal

# What has a target of its own.
ELSEWHERE := browser or hub or kind or node or page or reach or soak

demo: $(LAB) ## the whole walkthrough in the terminal (labkit demo --step performs it for a class)
	$(BIN)/labkit demo

test: $(DEV) ## the tests, but those that take long (at most 5 minutes)
	$(BIN)/python -m pytest $(BESIDE) $(PYTEST_ARGS)

test-all: $(DEV) ## every test that needs nothing else (at most 12 minutes)
	LABKIT_ALL_EXAMPLES=1 $(BIN)/python -m pytest $(BESIDE) -m "not ($(ELSEWHERE))" $(PYTEST_ARGS)

check: $(DEV) ## format, lint, types, import rules; a warning if texts lack their translation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file page/mypy.ini
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tools.messages --report

format: $(DEV) ## let ruff format and fix the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

parity: $(DEV) ## replay the real server's recordings and write docs/parity.md
	$(BIN)/python -m tests.parity report

record: $(DEV) ## ask a real server everything again: make record KUBECONFIG=FILE [PKI=DIR]
	$(BIN)/python -m tests.parity anew --kubeconfig "$(KUBECONFIG)" $(if $(PKI),--pki "$(PKI)") --out build/recordings

pages: $(DEV) ## apply the manifests of Kubernetes' documentation: make pages WEBSITE=CHECKOUT [PIN=1]
	$(BIN)/python -m tests.documentation.pages "$(WEBSITE)" $(if $(PIN),--pin)

bench: $(DEV) ## measure the embedded server beside a bare aiohttp server
	$(BIN)/python -m benchmarks

soak: $(DEV) ## the long tests: fuzzing, hundreds of kills, the browser ten times in a row
	LABKIT_ALL_EXAMPLES=1 $(BIN)/python -m pytest -m soak $(PYTEST_ARGS)
	for run in 1 2 3 4 5 6 7 8 9 10; do \
		grep -rl --include='*.py' 'from hypothesis' kube_embedded/tests/apiserver \
			| LABKIT_ALL_EXAMPLES=1 xargs $(BIN)/python -m pytest --hypothesis-profile explore -q $(PYTEST_ARGS) || exit 1; done
	for run in 1 2 3 4 5 6 7 8 9 10; do $(BIN)/python -m pytest -m browser -q $(PYTEST_ARGS) || exit 1; done

# The lowest versions that pyproject.toml allows, from an empty environment. Old releases use what newer ones deprecate.
# kubernetes 36.0.0 fails while it reports a failed TLS handshake, so the test of that error's text is left out.
LOWEST := build/lowest

test-lowest: $(DEV) ## the demo and the tests of other libraries' internals, with the lowest versions allowed
	uv=$$(command -v uv || echo $(BIN)/uv); $$uv venv --quiet --allow-existing --python $(BIN)/python $(LOWEST) \
		&& $$uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e kube_embedded -e . -e jupyter \
		&& $$uv pip install --quiet --python $(LOWEST)/bin/python hypothesis pytest pytest-xdist
	home=$$(mktemp -d) && LABKIT_HOME=$$home $(LOWEST)/bin/labkit demo >/dev/null; status=$$?; rm -rf "$$home"; exit $$status
	$(LOWEST)/bin/python -m pytest -p no:anyio -o addopts= -W ignore::DeprecationWarning -k "not without_the_ca" $(INTERNALS) $(PYTEST_ARGS)

INTERNALS := kube_embedded/tests/apiserver/serving/test_http.py kube_embedded/tests/apiserver/serving/test_channels.py tests/page/test_backend.py tests/page/test_replacements.py

test-browser: $(DEV) ## the widgets in a real Chromium (must be installed)
	$(BIN)/python -m pytest -m browser $(PYTEST_ARGS)

HUB := tests/hub/node_modules/.package-lock.json

$(HUB): tests/hub/package-lock.json
	npm ci --prefix tests/hub --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

test-hub: $(DEV) $(HUB) ## a JupyterHub with two Unix users (needs root and npm)
	$(BIN)/python -m pytest -m hub $(PYTEST_ARGS)

test-reach: $(DEV) ## Binder's, the dev container's and the hub's scripts in an empty Debian (needs root, debootstrap)
	$(BIN)/python -m pytest -m reach $(PYTEST_ARGS)

# What a page of a browser needs: Pyodide from npm and packages from PyPI, both by their hashes.
PAGE := build/page/.is-set-up

$(PAGE): $(DEV) page/package-lock.json page/requirements.lock
	mkdir -p build/page
	cp page/package.json page/package-lock.json build/page
	npm ci --prefix build/page --ignore-scripts --no-audit --no-fund --silent
	$(BIN)/python -m tools.page_packages
	@touch $@

test-page: ## the built site in a real Chromium (make site first)
	$(BIN)/python -m pytest -m page $(PYTEST_ARGS)

test-page-short: $(PAGE) ## build the site without the documentation, and the shortest of its tests
	$(BIN)/python -m tools.site --no-docs
	$(BIN)/python -m pytest -m "page and not soak" tests/page/site $(PYTEST_ARGS)

test-page-node: $(PAGE) ## the lab in Pyodide, under Node (needs node and npm)
	$(BIN)/python -m pytest -m node tests/page $(PYTEST_ARGS)

mutants: $(DEV) ## plant changes in a room's code, and see which the tests notice (ROOM=rbac, … or all; tools/mutants.toml)
	$(BIN)/python -m tools.mutants $(ROOM)

test-kind: $(DEV) ## the same lab on a real cluster (needs Docker and kind)
	$(BIN)/python -m pytest -m kind $(PYTEST_ARGS)

messages: $(DEV) ## renew the catalogues in locale from the English texts, and say how far each translation is
	$(BIN)/python -m tools.messages

translations: $(DEV) ## fail if a text has no translation: what a release requires
	$(BIN)/python -m tools.messages --complete

notebooks: $(DEV) ## build the notebooks from notebooks/source, for learners and instructors, and docs/evidence.md
	$(BIN)/python -m tools.notebooks
	$(BIN)/python -m tools.evidence
	$(BIN)/python -m tools.parts
	$(BIN)/python -m tools.minutes

handouts: $(DEV) ## a handout and a cheat sheet for a class, one page to print each, in build/handouts
	$(BIN)/python -m tools.handouts

docs: $(DEV) ## the documentation as a site in build/docs, with the lessons' outputs
	$(BIN)/python -m tools.docs_site

site: $(PAGE) docs ## the whole lab in a browser's page, and the documentation, as a static site in build/site
	$(BIN)/python -m tools.site

site-serve: $(DEV) ## serve build/site on this machine (make site first; PORT=0 takes a free port)
	$(BIN)/python -m tools.site_server $(if $(PORT),--port $(PORT))

screenshots: $(DEV) ## the pictures in the docs, from a real Chromium
	$(BIN)/python -m tools.screenshots
	$(BIN)/python -m tools.diagrams

# The locks are universal (every platform, Python 3.11 and newer) and hashed, and name no address.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate \
        --no-emit-package kube-embedded --no-emit-package kube-labkit-core --no-emit-package kube-labkit \
        --custom-compile-command 'make lock'

lock: ## renew the pinned versions
	$(LOCK) pyproject.toml --group setup --extra test --extra docs --extra site -o requirements-dev.lock
	$(LOCK) jupyter/pyproject.toml --group setup --extra class --extra ko -c requirements-dev.lock -o requirements.lock
	$(LOCK) jupyter/pyproject.toml --group setup --extra class --extra hub --extra ko -c requirements-dev.lock -o deploy/hub/requirements.lock
	uv pip compile --quiet --python-version 3.14 --python-platform wasm32-pyodide2024 --generate-hashes \
	       --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' \
	       --no-emit-package pyyaml --no-emit-package markupsafe \
	       -c requirements-dev.lock page/requirements.in -o page/requirements.lock
	$(PYTHON) tools/environment.py

links: $(DEV) ## follow the documentation's links, those to other sites too
	$(BIN)/python -m tools.links --online

dist: $(LAB) ## the wheels and the source distributions of all three packages, in dist/
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	cd kube_embedded && ../$(BIN)/python -m hatchling build -d ../dist
	cd jupyter && ../$(BIN)/python -m hatchling build -d ../dist

rehearsal: $(LAB) ## install what make dist has built, each in an environment of its own, and run a command of it
	$(BIN)/python tools/rehearsal.py dist

clean: ## forget the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
