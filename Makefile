.DEFAULT_GOAL := help

GO      ?= go
LINT    := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
PACKAGES = ./...
PG      ?= postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable
REDIS   ?= redis://127.0.0.1:6379

# The race detector needs a C compiler, so "make test" does without it. SQLite is
# C translated to Go, and one goroutine at a time runs it: watched for races it
# would take most of the tests' time.
test-services: export GOFLAGS := $(strip $(GOFLAGS) -gcflags=modernc.org/sqlite/lib=-race=false)

.PHONY: help run build test test-services generate verify lint check bench clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Run everything on embedded defaults, with the sandbox
	$(GO) run ./cmd/trellis demo

build: ## Build the binary into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/trellis ./cmd/trellis

test: ## Run all tests that need nothing installed but Go
	$(GO) test -timeout 20m $(PACKAGES)

test-services: ## Run all tests with PostgreSQL, Redis, a browser, node and the race detector; a skipped one fails
	npm ci --silent --prefix graph/conformance
	TRELLIS_TEST_DATABASE_URL='$(PG)' TRELLIS_TEST_REDIS_URL='$(REDIS)' \
	TRELLIS_TEST_BROWSER=$$(command -v chromium) TRELLIS_TEST_NODE=$$(command -v node) \
		$(GO) test -race -timeout 75m -count=1 -v $(PACKAGES) > test-services.out 2>&1; ./.ci/summary test-services.out

generate: ## Write all generated code anew
	$(GO) generate ./...

verify: ## Fail if generated code is not what the sources give
	./.ci/verify

lint: ## Look for mistakes and bad style
	$(GO) vet ./...
	$(LINT) run --allow-parallel-runners

check: verify lint ## Everything but the tests

bench: ## Measure against a bare handler, in one run
	$(GO) run ./bench

clean: ## Remove what was built and the demo's data
	rm -rf bin data test-services.out
