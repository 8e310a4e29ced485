# onebar. `make help` lists the targets. Needs Go and make; nothing else.

GO      ?= go
OUT     ?= out
LINTER  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN    := golang.org/x/vuln/cmd/govulncheck@v1.9.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 20s
SEEDS   ?= 21000
PLATFORMS := linux/arm64 darwin/arm64 darwin/amd64 windows/amd64
PORTABLE := $(addprefix ./harness/,attempts check coverage delivery enum exchange/... history interval judge keys \
	link metric nearest plan quantity radio result secrets story sut threshold trace workload yamltext) \
	$(addprefix ./reference/,retry wire/...) ./reports/...

export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup tools build run kills agreement test race lint fmt fuzz bench cross mutants mutants-ten release portable generate check nightly vuln clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Go itself names each module that it fetches, on a line of its own.
setup: ## make sure that Go is there, and say what the first build fetches
	@$(GO) version >/dev/null || { echo "Go is missing: install Go 1.26 or newer, see https://go.dev/dl" >&2; exit 2; }
	@GOPROXY=off $(GO) list -deps ./cmd/onebar >/dev/null 2>&1 || \
		echo "the first time: Go fetches 89 modules (104 MB) and compiles them, two to five minutes on two processors; later builds take seconds"

tools: ## install what the tests need beside Go, or list it
	@.ci/setup

# testing.testBinary lets onebar seed crypto/rand in virtual time: see bubble.Seeded.
# go build -v names each package that it compiles: every hundredth is told.
build: setup ## build bin/onebar
	@echo "building bin/onebar"; mkdir -p bin; rm -f bin/.failed
	@{ $(GO) build -v -trimpath -ldflags "-X main.version=$(VERSION) -X testing.testBinary=1" -o bin/onebar ./cmd/onebar 2>&1 || touch bin/.failed; } | \
		awk '/^[a-z][^: ]*$$/ { if (++n % 100 == 0) { printf "compiled %d packages\n", n; fflush() } next } { print; fflush() }'
	@test ! -e bin/.failed

run: build ## set up, build, and run every bundled scenario in real time; files under out/
	@echo "every bundled scenario, nearly all in real time: two to three minutes on two processors; the progress shows each"
	bin/onebar run scenarios/ --out $(OUT) \
		--junit $(OUT)/junit.xml --json $(OUT)/result.json --markdown $(OUT)/summary.md

kills: setup ## kill -9 bank and wallets 300 times under load (half a minute)
	ONEBAR_KILLS=300 $(GO) test -count 1 -v -run TestKilledProcesses ./reference/cli

agreement: build ## every bundled scenario on sim and on packet, side by side: ten minutes
	bin/onebar agree scenarios/ --out $(OUT)/agree --update docs/fidelity.md

# Node finds there what .ci/setup has installed.
test: export NODE_PATH := $(CURDIR)/out/npm/node_modules$(if $(NODE_PATH),:$(NODE_PATH))
test: setup tools ## set up what the tests need, and run all of them
	@echo "all tests: five to ten minutes on two processors, the first time two more to compile; a line for each package as it ends"
	$(GO) test -timeout 10m ./...

race: setup ## all short tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 15m ./...

lint: setup ## golangci-lint and the import table
	@echo "lint: the first time builds the linter (two minutes)"
	$(GO) run $(LINTER) run ./...
	$(GO) test -run TestImportTable ./harness

fmt: ## format all code
	$(GO) run $(LINTER) fmt ./...

fuzz: setup ## each fuzz test for FUZZTIME (default 20s)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz || true); do \
			echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

bench: setup ## all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...

cross: setup ## compile for the other platforms
	@set -e; for p in $(PLATFORMS); do echo "compile for $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/onebar; done

# The ten that every CI run plants: some of each class, each found in seconds.
TEN := wallet-new-key-after-timeout bank-forgets-keys-knows-orders bank-sync-normal bank-fee bank-keeps-reserve \
	bank-deadline-in-minutes wallet-shows-paid-when-sent bank-swallows-requests wallet-hammers-a-busy-bank service-panic-after-commit
MUTANTS := run -trimpath -ldflags "-X testing.testBinary=1" ./cmd/mutants

mutants: setup ## plant each bug of the corpus, require that onebar finds it, write docs/track-record.md
	$(GO) $(MUTANTS) --record docs/track-record.md

mutants-ten: setup ## the same with ten of them: a minute
	$(GO) $(MUTANTS) --first $(TEN)

release: setup ## a static binary for each platform and their SHA-256 sums, under out/release
	@rm -rf $(OUT)/release && mkdir -p $(OUT)/release
	@set -e; for p in linux/amd64 $(PLATFORMS); do \
		f=onebar-$(VERSION)-$${p%/*}-$${p#*/}; [ $${p%/*} = windows ] && f=$$f.exe; echo $(OUT)/release/$$f; \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -o $(OUT)/release/$$f \
			-ldflags "-s -w -X main.version=$(VERSION) -X testing.testBinary=1" ./cmd/onebar; done
	@cd $(OUT)/release && sha256sum onebar-* > SHA256SUMS

portable: setup ## tests of the packages that use no facility of one system: what CI runs on Windows and macOS
	$(GO) test -short -timeout 15m $(PORTABLE)

generate: ## write again what is generated: protocol, JSON Schemas, licences
	$(GO) generate ./...
	$(GO) test -count 1 ./reports -run SchemaIsCurrent -update
	ONEBAR_UPDATE=1 $(GO) test -count 1 -run TestThirdPartyLicences ./cmd/onebar

# Each step prints how long it took. Later steps run although an earlier one failed; the
# last line names those that did.
nightly: build ## SEEDS runs of the scenarios with other seeds, sweeps, kills, mutants, a release, fuzzing (three hours)
	@failed=; step() { printf '\n== %s\n' "$$*"; from=$$(date +%s); "$$@" || failed="$$failed; $$*"; \
		printf '== took %d s\n' $$(( $$(date +%s) - from )); }; \
	step bin/onebar explore scenarios/ --seed $${SEED:-$$(date +%Y%m%d)} --seeds $(SEEDS) --keep-going --out $(OUT)/nightly --json $(OUT)/nightly/explore.json; \
	step bin/onebar explore harness/cases/testdata/odd --seed $${SEED:-$$(date +%Y%m%d)} --seeds 820 --keep-going --out $(OUT)/nightly --json $(OUT)/nightly/odd.json; \
	step bin/onebar sweep edge --payments 3 --out $(OUT)/nightly --json $(OUT)/nightly/sweep.json; \
	step bin/onebar sweep tunnel --payments 1 --pairs --out $(OUT)/nightly --json $(OUT)/nightly/pairs.json; \
	step $(MAKE) kills; \
	step $(MAKE) mutants; \
	step $(MAKE) release; \
	step $(MAKE) fuzz FUZZTIME=$(FUZZTIME); \
	test -z "$$failed" || { echo "failed$$failed" >&2; exit 1; }

vuln: setup ## known vulnerabilities in what we import
	$(GO) run $(VULN) ./...

check: lint test cross run ## what CI does

clean: ## remove what was built and written
	rm -rf bin out
