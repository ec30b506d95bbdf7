# make demo    what cnpg-pair makes of the example chart, as a diff
# make test    the tests that need no more than Go
GO = go
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w'
FUZZTIME = 30s
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: demo build test lint fuzz mutants vuln plugin e2e e2e-helm corpus proven bench docs update clean

demo: ## builds the program, and shows its main job with the Helm library
	@$(GO) run ./examples/embed examples/tenant

build: ## the program, in dist, and beside it the one that it runs for flux
	$(BUILD) -o dist/cnpg-pair .
	$(BUILD) -o dist/cnpg-pair-flux ./cmd/cnpg-pair-flux

test:
	$(GO) vet ./...
	$(GO) test -count=1 ./...

lint: ## what .ci/run asks for: vet, gofmt, staticcheck, tidy modules
	sh .ci/lint $(STATICCHECK)

fuzz: ## FUZZTIME for each fuzz test
	$(GO) test ./postrender -run '^$$' -fuzz 'FuzzSplit$$' -fuzztime $(FUZZTIME)
	$(GO) test ./postrender -run '^$$' -fuzz 'FuzzRun$$' -fuzztime $(FUZZTIME)

mutants: ## breaks a copy of the code in each way of e2e/mutants/list.go; fails unless a test notices
	cd e2e && $(GO) run ./mutants .. '$(MUTANTS)'

vuln: ## known vulnerabilities in what is called, if their database can be reached
	sh .ci/vuln $(GOVULNCHECK) $(VULNFLAGS)

plugin: ## dist/plugin/cnpg-pair is what helm plugin install of Helm 4 takes
	mkdir -p dist/plugin/cnpg-pair
	cp plugin.yaml LICENSE dist/plugin/cnpg-pair
	bin=dist/plugin/cnpg-pair/bin/$$($(GO) env GOOS)-$$($(GO) env GOARCH) exe=$$($(GO) env GOEXE) && \
	$(BUILD) -o "$$bin/cnpg-pair$$exe" . && \
	$(BUILD) -o "$$bin/cnpg-pair-flux$$exe" ./cmd/cnpg-pair-flux

e2e-helm: ## real Helm 3 and Helm 4, built from their modules
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run 'TestHelm|TestReadme|TestExampleFlux' .

corpus: ## other people's manifests, of the modules that the tests build with: what becomes of each
	cd postrender && E2E=1 $(GO) test -count=1 -timeout 30m -run TestCorpus

e2e: e2e-helm corpus e2e-dist e2e-admission e2e-policy e2e-krm e2e-argocd e2e-flux e2e-live ## all that is real; the last needs root on Linux

proven: ## writes the README's table from the last run of make e2e
	sh e2e/proven.sh "$${E2E_SUMMARY:-$${TMPDIR:-/tmp}/cnpg-pair-e2e/summary.txt}" README.md

bench: ## beside yq, kyaml, kustomize and cat, on generated streams; fails where a bar is missed
	$(BUILD) -o dist/cnpg-pair . && cd e2e && $(GO) run ./bench ../dist/cnpg-pair $$(./tools.sh yq kyaml kustomize)

docs: ## writes the man pages and the README's picture
	$(GO) test ./internal/cli -run TestManPages -update
	$(GO) run ./docs/picture docs/picture/blog-db.yaml > docs/pair.svg

update: ## writes what the cases print into testdata; look at the difference
	$(GO) test . -run TestCases -update

clean:
	rm -rf dist

include release.mk
-include e2e/*.mk
