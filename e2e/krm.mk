# e2e-krm: cnpg-pair as a KRM function, of the real kustomize and kpt.
.PHONY: e2e-krm
e2e-krm:
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run TestKRM .
