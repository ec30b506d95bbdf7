# e2e-live: the tests with real PostgreSQL on two nodes, and three: root, about twenty minutes
# once everything is built. CNPG_PAIR_KUBECONFIG=FILE takes a cluster of yours.
.PHONY: e2e-live
e2e-live:
	cd e2e && E2E=1 LIVE=1 $(GO) test -count=1 -timeout 40m -v -run TestLive .
