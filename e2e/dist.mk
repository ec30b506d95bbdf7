# e2e-dist: what make dist makes, installed by Helm 3 and Helm 4; and what looks for
# known vulnerabilities. Minutes, when Go has not compiled for the other systems yet.
.PHONY: e2e-dist
e2e-dist:
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run 'TestDist|TestVuln' .
