# make book builds the site in _build/html, make test checks the code, the notebooks and the pages, and
# make portability the numbers, as other machines would have them.

PYTHON ?= python3
BIN := .venv/bin
HTML := _build/html
SOURCES := _config.yml _toc.yml $(shell find book epbook tools web -type f -not -path '*/.*' -not -path '*/__pycache__/*')
# A list of prerequisites cannot see that one of them is gone: this file is written anew when their names change.
NAMES := $(HTML)/../.names

.PHONY: book test lint portability portability-short mutants campaign format clean screenshots pdf benchmarks chromium FORCE

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

# All stages run, and a list at the end says what became of each.
test: .venv/.installed
	@$(BIN)/python -m tools.check test

lint: .venv/.installed
	@$(BIN)/python -m tools.check lint

portability: .venv/.installed
	@$(BIN)/python -m tools.portability

portability-short: .venv/.installed
	@$(BIN)/python -m tools.portability --short

# Small wrong changes to the code, each of which the tests of its module must notice.
mutants: .venv/.installed
	$(BIN)/python tools/mutants.py

# The finder from 8,064 starts, each verdict held against Newton's method in 50 digits; MINUTES bounds the time.
MINUTES ?= 60
campaign: .venv/.installed
	$(BIN)/python -m tools.campaign --minutes $(MINUTES)

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tools/normalise_notebooks.py

chromium:
	@for name in $$CHROMIUM chromium chromium-browser google-chrome chrome; do \
	    command -v $$name >/dev/null && exit; done; false \
	  || { [ "$$(id -u)" = 0 ] && apt-get -qq update && apt-get -qq install -y chromium; } \
	  || { echo "The page checks need Chromium: run 'sudo apt-get install chromium', then make test again."; exit 1; }

screenshots: book chromium
	$(BIN)/python tools/screenshots.py

pdf: book chromium
	$(BIN)/python tools/pdf.py

benchmarks: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -e '.[benchmarks]'
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

clean:
	rm -rf _build .cache book/.cache screenshots .mypy_cache .pytest_cache .ruff_cache .hypothesis
