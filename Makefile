# One target for each thing a user or a developer does; `make help` lists them.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run build test lint fuzz history bench connectors format clean deps-build deps-test deps-bench

release := build/release

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

run: build ## build, then show the main job on a demo server that stays up (Ctrl-C ends it)
	@exec build/headgate demo

build: deps-build ## the release binary: build/headgate
	@tools/build.sh $(release) --buildtype=release -Db_lto=true -Db_pie=true
	@install -s -m 755 $(release)/headgate build/headgate

test: deps-build deps-test ## everything that must hold; ends with "N passed, N failed"
	@exec python3 tests/run.py test

lint: deps-build deps-test ## format, static analysis and the house's own style
	@exec python3 tests/run.py lint

fuzz: deps-build deps-test ## every fuzz target for SECONDS=600 in all
	@exec python3 tests/run.py fuzz --seconds $(or $(SECONDS),600)

history: deps-build deps-test ## kill nodes under load until UPDATES=10000 updates are acknowledged, and judge
	@exec python3 tests/run.py history --updates $(or $(UPDATES),10000)

bench: build deps-bench ## measure against the yardsticks; SCALE=1: a million profiles instead
	@$(if $(SCALE),ninja --quiet -C $(release) tests/bench/fill-profiles)
	@exec python3 tests/bench/$(if $(SCALE),scale,run).py

connectors: build deps-test ## write the table of docs/connectors.md from what the client tests show
	@exec python3 tests/run.py connectors

format: deps-test ## lay out every C file as .clang-format says
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove everything that was built or fetched
	@rm -rf build tests/node_modules

deps-build deps-test deps-bench: deps-%:
	@tools/deps.sh $*
