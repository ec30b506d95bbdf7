.PHONY: e2e-flux

e2e-flux: ## real API server, operator and Flux controllers, built from their modules; no containers
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run TestFlux .
