# make demo    what cnpg-pair makes of the example chart, as a diff
# make test    the tests that need no more than Go
GO = go
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w'
FUZZTIME = 30s
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0

.PHONY: demo build test lint fuzz mutants plugin e2e e2e-helm proven bench update clean

demo: ## builds the program, and shows its main job with the Helm library
	@$(GO) run ./examples/embed examples/tenant

build: ## the program, in dist, and beside it the one that it runs for flux
	$(BUILD) -o dist/cnpg-pair .
	$(BUILD) -tags flux -o dist/cnpg-pair-flux .

test:
	$(GO) vet ./...
	$(GO) test -count=1 ./...

lint: ## what .ci/run asks for: vet, gofmt, staticcheck, tidy modules
	sh .ci/lint $(STATICCHECK)

fuzz: ## FUZZTIME for each fuzz test
	$(GO) test ./postrender -run '^$$' -fuzz 'FuzzSplit$$' -fuzztime $(FUZZTIME)
	$(GO) test ./postrender -run '^$$' -fuzz 'FuzzRun$$' -fuzztime $(FUZZTIME)

mutants: ## breaks a copy of the code in each way of e2e/mutants/list.go; fails unless a test notices
	cd e2e && $(GO) run ./mutants .. $(MUTANTS)

plugin: ## dist/plugin/cnpg-pair is what helm plugin install of Helm 4 takes
	mkdir -p dist/plugin/cnpg-pair
	cp plugin.yaml LICENSE dist/plugin/cnpg-pair
	$(BUILD) -o dist/plugin/cnpg-pair/cnpg-pair .
	$(BUILD) -tags flux -o dist/plugin/cnpg-pair/cnpg-pair-flux .

e2e-helm: ## real Helm 3 and Helm 4, built from their modules
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run 'TestHelm|TestReadme|TestExampleFlux' .

e2e: e2e-helm e2e-admission e2e-policy e2e-flux e2e-live ## all that is real; the last needs root on Linux

proven: ## writes the README's table from the last run of make e2e
	sh e2e/proven.sh "$${E2E_SUMMARY:-$${TMPDIR:-/tmp}/cnpg-pair-e2e/summary.txt}" README.md

bench: ## beside yq, kyaml, kustomize and cat, on generated streams; fails where a bar is missed
	$(BUILD) -o dist/cnpg-pair . && cd e2e && $(GO) run ./bench ../dist/cnpg-pair $$(./tools.sh yq kyaml kustomize)

update: ## writes what the cases print into testdata; look at the difference
	$(GO) test . -run TestCases -update

clean:
	rm -rf dist

-include e2e/*.mk
