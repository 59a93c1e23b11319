# `make run` and `make test` need Rust, a C compiler, Node.js and git; they set up the rest.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
ARGS ?=

.PHONY: help run dev test test-rust test-clients check panics fuzz seeds soak mutants mutation bench plots abi coverage clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Build, then replay the crash of August 2024 on a live lending chain (ARGS="--speed 7200 …")
	$(CARGO) run --release -p gage -- dev --replay 2024-08 $(ARGS)

dev: ## A plain development chain with the demo's assets, vaults and markets
	$(CARGO) run --release -p gage -- dev $(ARGS)

test: test-rust test-clients ## Every test, real clients included

test-rust: ## Unit, property, stateful, crash and end-to-end tests in Rust
	$(CARGO) test --workspace

test-clients: ## viem, ethers, web3.py and cast against a live node
	# The program of the Rust tests: `build` would compile its libraries anew, with other features.
	$(CARGO) test --workspace --no-run --test connections
	GAGE_BIN="$(TARGET)/debug/gage" tests/run.sh

check: ## Format and lints, as the build server runs them
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

panics: ## Search the machine code of the protocol for panics
	$(CARGO) build --profile panics -p gage-panics --bin roots
	$(CARGO) run -p gage-panics --bin search -- "$(TARGET)/panics/roots"

fuzz: ## Fuzz what comes from outside, guided by coverage (MINUTES for each of TARGETS); needs a C++ compiler
	tests/fuzz/fuzz.sh $(or $(MINUTES),5) $(TARGETS)

seeds: ## Write the fuzz targets' corpus anew from real traffic
	$(CARGO) run -p gage-fuzz --bin seeds

soak: ## The random tests in their long form for about HOURS (1), each round from a new seed; SEED repeats a soak
	CARGO="$(CARGO)" tests/soak.sh $(or $(HOURS),1)

mutants: ## Put each flaw of the past back, one at a time: its test must fail (ARGS="S-04 …")
	$(CARGO) run -p gage-mutants -- $(ARGS)

# Two stages: core's unit and property tests, then all its tests against what those missed. That some are missed (2) or
# never end (3) is no error of the run. Deleted fields (of the same files) are tried twice: names do not choose them.
MUTATION := $(CARGO) mutants -p gage-core -o "$(TARGET)/mutation"
mutation: ## Change core's code, a thirtieth of its places (SHARD=0/30): what does no test see? Needs cargo-mutants
	mkdir -p "$(TARGET)/mutation"
	$(MUTATION) --shard $(or $(SHARD),0/30) --cargo-arg=--lib $(ARGS) || [ $$? -eq 2 ] || [ $$? -eq 3 ]
	sed 'h; s/:.*//; s/^/--file=/; p; g; s/[][\\.*+?(){}|^$$]/\\&/g; s/.*/--re=^&$$/' "$(TARGET)/mutation/mutants.out/missed.txt" | \
		xargs -rd '\n' $(MUTATION)/missed || [ $$? -eq 123 ]

bench: ## Side by side with Morpho Blue and Aave v3.6, liquidation at scale, crashes replayed; writes bench/RESULTS.md
	$(CARGO) build --release -p gage -p gage-bench
	"$(TARGET)/release/gage-bench" --out bench/RESULTS.md $(ARGS)

plots: ## Draw the plots of docs/rates.md anew
	$(CARGO) run -p gage -- rates --plot docs/rates-path.svg --plot-curves docs/rates-curves.svg

abi: ## Write the JSON ABIs and the Solidity interfaces to abi/
	$(CARGO) run --release -p gage -- abi --out abi

coverage: ## Write docs/coverage.md: which tests carry which invariants and attacks
	$(CARGO) run -p gage-tidy --bin coverage

clean: ## Remove what builds made
	$(CARGO) clean
	rm -rf tests/clients/node_modules tests/clients/.venv bench/cache bench/peers/node_modules
