# make demo    what cnpg-pair makes of the example chart, as a diff
# make test    the tests that need no more than Go
GO = go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: demo build test lint fuzz generated mutants vuln plugin dist corpus proven bench docs update clean

demo: ## builds the program, and shows its main job with the Helm library
	@$(GO) run ./examples/embed examples/tenant

build: ## the program, in BIN, and beside it the one that it runs for flux
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o "$(BIN)/cnpg-pair$(EXE)" .
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o "$(BIN)/cnpg-pair-flux$(EXE)" ./cmd/cnpg-pair-flux
BIN = dist
EXE = $(shell $(GO) env GOEXE)

test:
	$(GO) vet ./...
	$(GO) test -count=1 -timeout 30m $(TESTFLAGS) ./...

lint: ## vet, gofmt, staticcheck, tidy modules
	sh .ci/lint $(STATICCHECK)

fuzz: ## each fuzz test, some seconds, or FUZZTIME
	$(FUZZ) $(or $(FUZZTIME),150000x) ./internal/yamledit -fuzz 'FuzzSplit$$'
	$(FUZZ) $(or $(FUZZTIME),15000x) ./internal/yamledit -fuzz 'FuzzRewrite$$'
	$(FUZZ) $(or $(FUZZTIME),4500x) ./internal/netpol -fuzz 'FuzzPolicies$$'
	$(FUZZ) $(or $(FUZZTIME),10000x) ./internal/cli -fuzz 'FuzzFunction$$'
	$(FUZZ) $(or $(FUZZTIME),120x) ./flux -fuzz 'FuzzHelmRelease$$'
	$(FUZZ) $(or $(FUZZTIME),550x) ./postrender -fuzz 'FuzzRun$$'
# by number, because go test may fail where the time is over while a test runs; and
# minimising by time would take most of it
FUZZ = $(GO) test -run '^$$' -fuzzminimizetime 10x -fuzztime

generated: ## COUNT generated streams that are paired, and ten times as many documents that are edited and that grow, of the seeds from FIRST on
	$(GO) test ./internal/yamledit -count=1 -timeout 0 -run 'TestRewriteGenerated|TestGrows' -generated $(COUNT)0 -first $(FIRST)
	$(GO) test ./postrender -count=1 -timeout 0 -run TestGeneratedStreams -streams $(COUNT) -first $(FIRST)
COUNT = 2000
FIRST = 0

mutants: ## breaks a copy of the code in MUTANTS random ways; lists those that no test notices
	cd e2e && $(GO) test -count=1 ./mutants && $(GO) run ./mutants -C .. -accepted mutants/accepted -n $(MUTANTS) -seed $(SEED) -limit $(LIMIT) -rest=$(REST) -floor $(FLOOR) $(BROKEN)
MUTANTS = 60
SEED = 0
LIMIT = 20s
REST = true
FLOOR = 75
BROKEN = . ./postrender ./internal/... ./flux

vuln: ## known vulnerabilities in what is called, if their database can be reached
	sh .ci/vuln $(GOVULNCHECK) $(VULNFLAGS)

plugin: ## PLUGIN is the folder that helm plugin install of Helm 4 takes
	mkdir -p "$(PLUGIN)"
	cp plugin.yaml LICENSE "$(PLUGIN)"
	$(MAKE) build BIN="$(PLUGIN)/bin/$$($(GO) env GOOS)-$$($(GO) env GOARCH)"
PLUGIN = dist/plugin/cnpg-pair

dist: ## a release, in RELEASE. With KEY, Helm 4 signs its plugin: make dist HELM=helm KEY=NAME KEYRING=FILE PASSPHRASE_FILE=FILE
	cyclonedx=$$(e2e/tools.sh cyclonedx-gomod) && release/dist.sh "$(RELEASE)" "$$cyclonedx" "$(PLATFORMS)" $(if $(KEY),$(SIGN))
RELEASE = dist/release
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
HELM = helm
SIGN = "$(HELM)" plugin package --sign --key "$(KEY)" $(if $(KEYRING),--keyring "$(KEYRING)") $(if $(PASSPHRASE_FILE),--passphrase-file "$(PASSPHRASE_FILE)")

corpus: ## other people's manifests, of the modules that the tests build with: what becomes of each
	cd postrender && E2E=1 $(GO) test -count=1 -timeout 30m -run TestCorpus

proven: ## writes the table of docs/evidence.md from the last run of make e2e
	sh e2e/proven.sh "$${E2E_SUMMARY:-$${TMPDIR:-/tmp}/cnpg-pair-e2e/summary.txt}" docs/evidence.md

bench: build ## beside yq, kyaml, kustomize and cat, on generated streams; fails where a bar is missed
	cd e2e && $(GO) run ./bench "$(abspath $(BIN))/cnpg-pair$(EXE)" $$(./tools.sh yq kyaml kustomize)

docs: ## writes the man pages and the picture of a diff
	$(GO) test ./internal/cli -run TestMan -update
	$(GO) run ./docs/picture docs/picture/blog-db.yaml > docs/pair.svg

update: ## writes what the cases print into testdata; look at the difference
	$(GO) test . -run TestCases -update
	$(GO) test ./internal/yamledit -run TestRewriteSmall -update
	$(GO) test ./postrender -run TestShapes -update

clean:
	rm -rf dist

# The real things. A suite of e2e is some tests, and the programs that they run, which
# are built before the time limit of a test begins.
SUITES = admission argocd dist flux helm krm live more policy release
tests_admission = TestAdmission|TestProvision
needs_admission = helm3 helm4 etcd kubernetes kubectl operator
tests_argocd    = TestArgoCD
needs_argocd    = helm3 helm4 kustomize $(if $(ALL),argocd)
tests_dist      = TestDist|TestVuln
needs_dist      = helm3 helm4 cyclonedx-gomod
tests_flux      = TestFlux
needs_flux      = helm4 etcd kubernetes kubectl operator source-controller helm-controller kustomize-controller
tests_helm      = TestHelm|TestReadme|TestRunbook|TestExampleFlux
needs_helm      = helm3 helm4
tests_krm       = TestKRM
needs_krm       = helm3 kustomize kpt
tests_live      = TestLive
needs_live      = helm3 helm4 kubectl $(if $(CNPG_PAIR_KUBECONFIG),,live source-controller helm-controller)
flags_live      = -parallel 2 -timeout 60m
tests_more      = TestMore
needs_more      = $(needs_live) $(if $(ALL),live-more)
flags_more      = -parallel 2 -timeout 90m
tests_policy    = TestPolicy
tests_release   = TestRelease
needs_release   = $(needs_admission)
needs_policy    = policy $(if $(ALL),cilium)
ALL = $(filter all,$(E2E))
E2E = 1

$(SUITES:%=e2e-%): e2e-%:
	e2e/tools.sh $(needs_$*) >/dev/null
	cd e2e && E2E=$(E2E) LIVE=$${LIVE:-1} $(GO) test -count=1 -timeout 30m -v $(flags_$*) -run '$(tests_$*)' .

e2e-programs: ## builds all that the suites run
	e2e/tools.sh $(sort $(foreach suite,$(SUITES),$(needs_$(suite)))) >/dev/null

# Two suites at once, as one waits for controllers while another computes. The live one
# is alone: it measures for how long writes pause.
e2e: e2e-programs ## all of them but what takes very long to build; root on Debian
	$(MAKE) -k -j2 -O e2e-release e2e-dist e2e-admission e2e-helm corpus e2e-flux e2e-policy e2e-krm e2e-argocd
	$(MAKE) -k e2e-live $(if $(ALL),e2e-more)

e2e-all: ## the same, with the programs that take very long to build
	$(MAKE) e2e E2E=all

.PHONY: e2e e2e-all e2e-programs $(SUITES:%=e2e-%)
