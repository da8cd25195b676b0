# Builds .venv from the hashed lock on first use and passes every other target on to Snakemake:
#   make X ARCHIVE=a ARGS="key=value -n"   =   .venv/bin/python -m snakemake X --config archive=a key=value -n

PYTHON ?= python3
ARCHIVE ?=
ARGS ?=

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Snakemake keeps a cache in the home folder and stops where it cannot be written, as on many computing nodes
home_cache := $(shell d="$${XDG_CACHE_HOME:-$$HOME/.cache}"; mkdir -p "$$d" 2>/dev/null && test -w "$$d" && echo yes)
ifeq ($(home_cache),)
  export XDG_CACHE_HOME := $(shell d="$${TMPDIR:-/tmp}/nunatak-$$(id -u)"; mkdir -p -m 700 "$$d" && echo "$$d")
  $(info no cache can be written in the home folder: it is kept in $(XDG_CACHE_HOME); another place: XDG_CACHE_HOME=<folder>)
endif

run := .venv/bin/python -m snakemake
# wheels only, so that no compiler is needed; connection-pool is pure Python and published as source alone
pip := .venv/bin/python -m pip --disable-pip-version-check install --quiet --only-binary :all: --no-binary connection-pool --require-hashes
# --config takes key=value words; flags among ARGS come after them
config = $(if $(ARCHIVE)$(filter-out -%,$(firstword $(ARGS))),--config $(if $(ARCHIVE),archive=$(ARCHIVE))) $(args)
# a word without = among the settings is the rest of a path with a blank; who writes quotes has done that already
empty :=
blank := $(empty) $(empty)
settings = $(if $(filter-out -%,$(firstword $1)),$(firstword $1) $(call settings,$(wordlist 2,$(words $1),$1)))
joined = $(subst $(blank)@@,\$(blank),$(strip $(foreach word,$1,$(if $(findstring =,$(word)),$(word),@@$(word)))))
flags = $(wordlist $(words $(call settings,$1) end),$(words $1),$1)
args = $(if $(findstring ',$(ARGS))$(findstring ",$(ARGS)),$(ARGS),$(call joined,$(call settings,$(ARGS))) $(call flags,$(ARGS)))

.PHONY: help
help: ## this list
	@echo "Nunatak: rerun case studies of ice change from satellite data"
	@echo
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile
	@echo "  make <study>          a study of config/studies on its own archive; ARCHIVE=simulated | directory overrides"
	@echo "  make plan_<study>     what would be fetched and what it costs"
	@echo "  make figures_<study>  the names of its figures, and of all others"
	@echo "  make tiles_<study>    a map of its results as tiles, in polar sets and Web Mercator"
	@echo "  make lock_<study>     write down which granules it used; make update_<study>: what is new since"
	@echo "  make verify_<study>   read granules and results again; ARGS=\"published=<folder or bundle>\" compares with it"
	@echo "  make export_<study>   one citable bundle of the results (RO-Crate)"
	@echo "  make check_access     what a run on the archives needs: login, services, space"
	@echo
	@echo "  more settings:        make <study> ARCHIVE=directory ARGS=\"directory=/my/granules\""
	@echo "  Snakemake's flags:    make <study> ARGS=\"-n\"   (dry run)"

.PHONY: demo
demo: .venv/nunatak ## the Austfonna study on simulated granules: no account, no download
	@echo "make demo: the Austfonna study on SIMULATED granules -> results/austfonna-simulated/report.html"
	@$(run) austfonna --config archive=simulated $(ARGS)

# in two processes; ARGS="-n 4" for more of them, ARGS="-n 0" for one
tests := .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test
test: .venv/nunatak-test ## the test suite
	@echo "make test: the test suite (at most 30 minutes on 2 cores)"
	@$(tests) -m "not full" $(ARGS)

.PHONY: test-full
test-full: .venv/nunatak-test ## the test suite and the long runs
	@$(tests) $(ARGS)

.PHONY: mutation
mutation: .venv/nunatak-test ## slips made in the library one by one: which of them no test notices (some hours)
	@.venv/bin/python tools/mutate.py $(ARGS)

.PHONY: lint
lint: .venv/nunatak-test ## format, lint, spelling and types
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m ruff check .
	@.venv/bin/codespell
	@.venv/bin/python -m mypy
	@.venv/bin/snakefmt --check Snakefile rules
	@$(run) --lint

.PHONY: docs
docs: .venv/nunatak-docs ## this documentation as a site, to docs/_build/index.html
	@PYTHONPATH=scripts:. .venv/bin/python tools/write_pages.py > /dev/null
	@.venv/bin/python -m sphinx -W --keep-going -q -d docs/_build/.trees docs docs/_build
	@.venv/bin/python tools/check_site.py docs/_build

.PHONY: explore
explore: .venv/nunatak ## choose a region on a map in the browser and write a study file; ARGS="--no-browser --port 8000"
	@PYTHONPATH=scripts .venv/bin/python -m nunatak.explorer $(ARGS)

# a value for the shell, whatever it holds
quoted = '$(subst ','\'',$1)'

.PHONY: study
study: .venv/nunatak ## write a study file by questions, or at once: NAME=.. REGION=.. PERIOD=.. PRODUCTS=.. ARCHIVE=.. TITLE=..
	@PYTHONPATH=scripts .venv/bin/python -m nunatak.explorer.wizard $(if $(NAME),--name=$(call quoted,$(NAME))) \
	  $(if $(REGION),--region=$(call quoted,$(REGION))) $(if $(PERIOD),--period=$(call quoted,$(PERIOD))) \
	  $(if $(PRODUCTS),--products=$(call quoted,$(PRODUCTS))) $(if $(ARCHIVE),--archive=$(call quoted,$(ARCHIVE))) \
	  $(if $(TITLE),--title=$(call quoted,$(TITLE))) $(if $(REPLACE),--replace=$(call quoted,$(REPLACE)))

.PHONY: regions
regions: .venv/nunatak ## the regions a study can name
	@PYTHONPATH=scripts .venv/bin/python -m nunatak.geometry.region

.venv/nunatak: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Nunatak needs Python 3.11 or newer, but $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12 ...")'
	@echo "building .venv from requirements.lock (once, some minutes)"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@$(pip) -r requirements.lock
	@touch $@

.venv/nunatak-test: requirements-test.lock .venv/nunatak
	@echo "adding the packages of the tests to .venv (once)"
	@$(pip) -r requirements-test.lock
	@touch $@

.venv/nunatak-docs: requirements-docs.lock .venv/nunatak
	@echo "adding the packages of the documentation to .venv (once)"
	@$(pip) -r requirements-docs.lock
	@touch $@

.PHONY: slurm
slurm: .venv/nunatak requirements-slurm.lock ## adds Slurm's executor to .venv, for --workflow-profile profiles/slurm
	@$(pip) --no-deps -r requirements-slurm.lock

# everything else is a target of the workflow
Makefile requirements.lock requirements-test.lock requirements-docs.lock requirements-slurm.lock: ;
%: .venv/nunatak
	@$(run) $@ $(config)
