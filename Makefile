.DEFAULT_GOAL := help

GOLANGCI := go tool -modfile=tools/go.mod golangci-lint
VULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

ROUNDS ?= 50
FUZZTIME ?= 30s
BENCHFLAGS ?=
TIMINGFLAGS ?=

# SQLite, which is C translated to Go, and lattice arithmetic: watched, they take
# nine tenths of the time. Everything else is (ADR 0012).
UNWATCHED := github.com/cloudflare/circl/... filippo.io/mldsa/... modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory/...

# The race detector needs a C compiler, except on macOS.
RACE := $(shell case "$$(go env GOOS CGO_ENABLED | paste -sd ' ' -)" in (darwin*|*1) echo -race ;; esac)
RACE := $(and $(RACE),$(RACE) $(foreach p,$(UNWATCHED),'-gcflags=$(p)=-race=false -dwarf=false'))

# What no program or test of ours needs, and a third of the compiler's time: gin's
# msgpack, with its codec for every type, and what debuggers read, which go test
# has the linker leave out anyway.
TAGS := -tags=nomsgpack
TEST := $(TAGS) -gcflags=all=-dwarf=false $(RACE)

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build and serve on 127.0.0.1:8080; needs nothing but Go
	./bin/quantaseal serve

.PHONY: build
build: ## Build the programs into bin/
	CGO_ENABLED=0 go build $(TAGS) -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/ ./cmd/...

.PHONY: test
test: ## Run every test; installs PostgreSQL's programs if they are missing
	@[ -n "$(RACE)" ] || echo 'no C compiler: testing without the race detector' >&2
	go test $(TEST) -vet=off -shuffle=on -parallel 4 -timeout 40m ./... # lint vets; most of what runs together waits for a disk

.PHONY: crash
crash: ## Kill the server under load ROUNDS times on each engine
	QUANTASEAL_CRASH_ROUNDS=$(ROUNDS) go test $(TAGS) -run '^TestCrash' -count=1 -timeout 45m ./internal/vaulttest/...

.PHONY: bench
bench: ## Measure the server and its primitives; BENCHFLAGS go to the program
	go run ./internal/bench $(BENCHFLAGS)

.PHONY: timing
timing: ## Measure if the time of an answer tells of accounts; TIMINGFLAGS go to the program
	go run ./internal/timing $(TIMINGFLAGS)

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME
	@go list ./... | while read -r p; do \
	  go test -list '^Fuzz' "$$p" | grep '^Fuzz' | while read -r f; do \
	    go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$p" || exit 1; done || exit 1; done

.PHONY: golden
golden: ## Rewrite the golden files; read the diff before committing it
	UPDATE=1 go test ./...

.PHONY: fmt
fmt: ## Format everything
	$(GOLANGCI) fmt

.PHONY: lint
lint: ## Report what the linters find, unformatted code included
	$(GOLANGCI) run

.PHONY: tidy
tidy: ## Fail if go.mod or go.sum is not tidy
	go mod tidy -diff

.PHONY: vuln
vuln: ## Report known vulnerabilities that the code reaches
	$(VULNCHECK) ./...

.PHONY: check
check: lint tidy test ## What must pass before a commit
