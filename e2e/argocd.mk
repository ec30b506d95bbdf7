# e2e-argocd: the config management plugin of examples/argocd, run by sh and by Argo
# CD's own server for plugins, with both Helms.
.PHONY: e2e-argocd
e2e-argocd:
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run TestArgoCD .
