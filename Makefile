# make book builds the site in _build/html, make test checks the code, the notebooks and the pages, and
# make portability the numbers, as other machines would have them.

PYTHON ?= python3
BIN := .venv/bin
HTML := _build/html
SOURCES := _config.yml _toc.yml $(shell find benchmarks book epbook tools web -type f -not -path '*/.*' -not -path '*/__pycache__/*')
# A list of prerequisites cannot see that one of them is gone: this file is written anew when their names change.
NAMES := $(HTML)/../.names

.PHONY: book test lint laboratory portability portability-short mutants campaign format clean screenshots pdf benchmarks chromium \
  cpu lock wheel lowest newest launch tagged publish mnist site links validate FORCE

book: $(HTML)/.built

$(NAMES): FORCE
	@mkdir -p $(@D)
	@echo '$(sort $(SOURCES))' | cmp -s - $@ || echo '$(sort $(SOURCES))' >$@

$(HTML)/.built: .venv/.installed $(SOURCES) $(NAMES)
	$(BIN)/jupyter-book build . -n -W --keep-going
	@touch $@

.venv/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# First of all, for who wants PyTorch's CPU build: on Linux the one of PyPI brings 2.7 GB of CUDA libraries, which this
# book does not use.
cpu: $(BIN)/uv
	$(BIN)/uv pip install --python $(BIN)/python $$(grep -E '^torch(vision)?==' requirements.txt) --torch-backend=cpu

$(BIN)/uv: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep '^uv==' requirements.txt)
	@touch $@

# The exact versions of everything, from the bounds of pyproject.toml; UPGRADE=--upgrade takes the newest.
UPGRADE ?=
lock: $(BIN)/uv
	$(BIN)/uv pip compile --quiet pyproject.toml --extra checks --python-version 3.11 --no-annotate $(UPGRADE) \
	  --custom-compile-command 'make lock' --output-file requirements.txt

wheel: $(BIN)/uv
	rm -rf dist build
	$(BIN)/uv build --quiet --out-dir dist
	rm -rf build
	ls dist

# The wheel in an empty folder and a fresh environment, with exactly the lower bounds and with the newest of all.
LOWEST ?= 3.10
NEWEST ?= 3.13
lowest: $(BIN)/uv
	$(BIN)/python -m tools.package --python $(LOWEST) --resolution lowest-direct

newest: $(BIN)/uv
	$(BIN)/python -m tools.package --python $(NEWEST) --resolution highest

# The notebooks as one opens them on Colab: what their first cell installs, with a wheel of this checkout in place of
# the address. NOTEBOOKS names some; default all.
launch: .venv/.installed $(BIN)/uv
	$(BIN)/python -m tools.launch $(NOTEBOOKS)

# A release is tagged v and the version of pyproject.toml; that is the version one cites, and the changelog says what
# is in it: nothing waits under another heading.
TAG ?= $(GITHUB_REF_NAME)
VERSION = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
tagged:
	@[ '$(TAG)' = 'v$(VERSION)' ] || { echo "the tag '$(TAG)' is not v$(VERSION), v and the version of pyproject.toml"; exit 1; }
	@grep -qxF 'version: $(VERSION)' CITATION.cff || { echo "CITATION.cff has another version than $(VERSION)"; exit 1; }
	@grep -qxF '## $(VERSION)' CHANGELOG.md || { echo "CHANGELOG.md has no heading '## $(VERSION)'"; exit 1; }
	@! sed -n '/^## Unreleased/,/^## [0-9]/p' CHANGELOG.md | grep '^- ' \
	  || { echo "these stand under 'Unreleased' in CHANGELOG.md: move them to $(VERSION)"; exit 1; }

# In the workflow of a release alone: PyPI trusts that workflow, and no password is kept anywhere.
publish: wheel
	$(BIN)/uv publish --trusted-publishing always dist/*

# All stages run, and a list at the end says what became of each.
test: .venv/.installed
	@$(BIN)/python -m tools.check test

lint: .venv/.installed
	@$(BIN)/python -m tools.check lint

portability: .venv/.installed
	@$(BIN)/python -m tools.portability

portability-short: .venv/.installed
	@$(BIN)/python -m tools.portability Nehalem

# Small wrong changes to the code, each of which the tests of its module must notice.
mutants: .venv/.installed
	$(BIN)/python tools/mutants.py

# The finder from 8,064 starts, each verdict held against Newton's method in 50 digits; MINUTES bounds the time.
MINUTES ?= 60
campaign: .venv/.installed
	$(BIN)/python -m tools.campaign --minutes $(MINUTES)

# The laboratory in full: 100 runs of 6 widths beside Python's, the page while it makes these 600 (-rP: what was
# measured), and its kernels built anew and compared.
laboratory: .venv/.installed chromium
	$(BIN)/python -m tools.wasm --check
	EPBOOK_LAB_SEEDS=100 $(BIN)/python -m pytest -rP tests/test_lab_engine.py tests/test_lab_speed.py

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tools/normalise_notebooks.py

chromium:
	@for name in $$CHROMIUM chromium chromium-browser google-chrome chrome; do \
	    command -v $$name >/dev/null && exit; done; false \
	  || { [ "$$(id -u)" = 0 ] && apt-get -qq update && apt-get -qq install -y chromium; } \
	  || { echo "The page checks need Chromium: run 'sudo apt-get install chromium', then make test again."; exit 1; }

# The full MNIST (11.6 MB), each file checked by its SHA-256; section 1.4 is drawn from it when it is there.
mnist: .venv/.installed
	$(BIN)/python -m epbook.data

# What is published: the built book, and beside its pages the PDF of the whole book.
site: book pdf

# Do the links to other places still lead somewhere?
links: book
	$(BIN)/jupyter-book build . --builder linkcheck --keep-going

# What the Nu HTML checker of the W3C says of each page, errors and warnings: it comes by npm, and needs Java. Let
# pass are Sphinx's way to write <br />, and two doubts about the headings of the theme, which has <h1> in a section.
PASSED := .*(Trailing slash on void elements|h1.* element as a top-level heading|Article lacks heading).*
validate: book
	npx --yes vnu-jar@26.9.27 --skip-non-html --Werror --filterpattern '$(PASSED)' $(HTML)

screenshots: book chromium
	$(BIN)/python tools/screenshots.py

pdf: book chromium
	$(BIN)/python tools/pdf.py

# Speed beside other tools; what is measured is kept in benchmarks/table.json, and the book shows that. ONLY names some.
benchmarks: .venv/.installed chromium
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -e '.[benchmarks]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'torch-pruning>=1.6'
	$(BIN)/python -m tools.benchmarks $(ONLY)

clean:
	rm -rf _build build dist .cache book/.cache screenshots .mypy_cache .pytest_cache .ruff_cache .hypothesis
