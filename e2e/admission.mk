.PHONY: e2e-admission

e2e-admission: ## real API server and operator, built from their modules; no containers
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run 'TestAdmission|TestRelease|TestProvision' .
