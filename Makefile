# What this project can do from a fresh clone: every target sets up what it
# needs by itself (scripts/setup.sh) and needs no earlier target.
GO ?= go
export CGO_ENABLED ?= 0

.PHONY: build demo test test-fast cases public bench fuzz docs lint format setup-demo setup-test clean

build: ## the static binary, bin/beanpole
	$(GO) build -trimpath -ldflags "-s -w" -o bin/beanpole .

demo: setup-demo build ## the story, end to end
	scripts/demo.sh

test: setup-test build ## everything; needs root for the parts that run instances
	scripts/test.sh

test-fast: ## the inner loop: no root, no network, no containers; under a minute
	$(GO) test -short ./...

cases: ## the agent against recorded runs of Amazon's: make cases DIR=folder; root or sudo
	@scripts/cases.sh "$(DIR)" $(if $(CASE),-run "$(CASE)")

public: setup-test ## every public configuration file beside the repository on an instance, as predicted; root
	$(GO) test -count=1 -timeout 20m ./internal/endtoend -run Public -public-every 1

bench: setup-test build ## ratios, measured in one run
	scripts/bench.sh

fuzz: ## every fuzz target for a minute; FUZZTIME=10s for less
	scripts/fuzz.sh

docs: ## docs/rules from the rules, and what the README's commands print
	$(GO) test ./internal/check -run RulePages -update
	$(GO) test ./internal/cli -run Readme -update

lint: ## vet, staticcheck, format
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@unformatted=$$(gofmt -l main.go internal examples scripts); \
	if [ -n "$$unformatted" ]; then echo "not formatted (run: make format):"; echo "$$unformatted"; exit 1; fi

format:
	gofmt -w main.go internal examples scripts

setup-demo:
	@scripts/setup.sh demo

setup-test:
	@scripts/setup.sh test

clean:
	rm -rf bin
