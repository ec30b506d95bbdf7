# e2e-policy: the network policies of pairs before the engines of kube-network-policies,
# on real packets, and of Cilium, asked. Root for the first; the second takes minutes
# to build once.
.PHONY: e2e-policy
e2e-policy:
	cd e2e && E2E=1 $(GO) test -count=1 -timeout 30m -v -run TestPolicy .
