# Clientele. `make` lists what can be done.
SWIFT ?= swift
BUILD := .build/release
.DEFAULT_GOAL := help
.PHONY: help setup build demo up test test-api test-browser screenshots test-long test-address test-thread test-kafka faults bench bench-tiering bench-tickets bench-feedback bench-console bench-large image compose-test clean

help: ## list these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing from Debian's packages
	@deploy/setup/install

build: setup ## build all programs into .build/release
	$(SWIFT) build -c release

demo: build ## run the whole suite once on the sample and show the tiers and the console
	@$(BUILD)/clientele demo

up: build ## start the suite and keep it running (Ctrl-C stops it)
	@$(BUILD)/clientele up

test: ## run all tests, on Apache Kafka where one is at hand
	@deploy/setup/test

test-api: ## hold the services to their OpenAPI documents (docs/openapi-*.yaml) with Schemathesis
	@deploy/setup/test-api

test-browser: ## drive the console and the pages for customers in Chromium, in both languages, with the keyboard and axe-core
	@deploy/setup/test-browser

screenshots: ## take the pictures of the console in docs/images anew
	@deploy/setup/screenshots

test-long: ## simulate the services over 10,000 seeds, and 100,000 graphs of merges (docs/simulation.md)
	@deploy/setup/test-long

test-address: ## run all tests under AddressSanitizer, which also looks for leaks
	@deploy/setup/test-sanitized address

test-thread: ## run all tests under ThreadSanitizer
	@deploy/setup/test-sanitized thread

test-kafka: ## run the tests with a broker on every Kafka at hand and on the built-in broker, and compare
	@deploy/setup/test-kafka

# Without Apache Kafka the records must fit into the built-in broker's memory.
FAULTS ?= $(if $(KAFKA_HOME),--kills 1000 --events 1000000,--kills 200 --events 60000) --mutants all
faults: ## kill the suite's processes again and again and compare what is left with what must be
	CLIENTELE_FAULTS=1 $(SWIFT) build -c release --scratch-path .build/faults --product faults
	.build/faults/release/faults $(FAULTS)

bench: ## measure the suite beside its rivals (docs/performance.md; BENCH='--rounds 3 --scale')
	@deploy/setup/bench $(BENCH)

bench-tiering: ## measure a million customers simulated, rated anew, reported and divided, and the question what one may have
	@deploy/setup/bench --only rerate,population,entitlements $(BENCH)

bench-tickets: ## measure how soon 200,000 open tickets have their deadlines recorded, a year of a desk of fifty, and the search among 20,000 articles
	@deploy/setup/bench --only deadlines,desk,knowledge $(BENCH)

bench-feedback: ## measure how fast answers are taken on survey pages
	@deploy/setup/bench --only answers $(BENCH)

bench-console: ## measure how soon people have their pages
	@deploy/setup/bench --only console $(BENCH)

bench-large: ## measure the hot path with ten million facts stored (a first run prepares them; 25 GB of disk)
	@deploy/setup/bench --large $(BENCH)

image: ## build the container image from source (needs a Docker engine)
	docker build -f deploy/Dockerfile --target suite -t clientele:local .

compose-test: ## run docker-compose.yml for real and disturb it (needs a Docker engine or a lab; see docs/deploy.md)
	@deploy/compose/test

clean: ## remove what was built
	rm -rf .build
