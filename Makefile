# One target for each thing a user or a developer does; `make help` lists them.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run build test lint fuzz history bench connectors format clean deps-build deps-test deps-bench

release := build/release

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: build ## build, start a demo server with mock vendors and show the main job
	@exec build/headgate demo

build: deps-build ## the release binary: build/headgate
	@tools/build.sh $(release) --buildtype=release -Db_lto=true -Db_pie=true
	@install -s -m 755 $(release)/headgate build/headgate

test: deps-build deps-test ## run all tests (15 to 30 minutes, 4 GB); ends with "N passed, N failed"
	@exec python3 tests/run.py test

lint: deps-build deps-test ## check format, static analysis and project style
	@exec python3 tests/run.py lint

fuzz: deps-build deps-test ## run every fuzz target, for SECONDS=600 in total
	@exec python3 tests/run.py fuzz --seconds $(or $(SECONDS),600)

history: deps-build deps-test ## kill nodes under load and check what is left: UPDATES=10000 KILLS=1000
	@exec python3 tests/run.py history --updates $(or $(UPDATES),10000) --kills $(or $(KILLS),1000)

bench: build deps-bench ## measure against the baselines; SCALE=1: with a million profiles
	@ninja --quiet -C $(release) tests/bench/fill-profiles
	@exec python3 tests/bench/$(if $(SCALE),scale,run).py

connectors: build deps-test ## write the table of docs/connectors.md from the results of the client tests
	@exec python3 tests/run.py connectors

format: deps-test ## format every C file with clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove everything that was built or downloaded
	@rm -rf build tests/node_modules

deps-build deps-test deps-bench: deps-%:
	@tools/deps.sh $*
