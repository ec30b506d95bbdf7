# what needs an API server and the operator, but no containers
.PHONY: e2e-admission
e2e-admission:
	cd e2e && E2E=1 go test -count=1 -timeout 30m -run 'TestAdmission|TestRelease|TestProvision' -v .
