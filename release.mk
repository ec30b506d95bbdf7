# release.mk: what a release consists of, into dist/release. With KEY, Helm 4 signs its
# plugin: make dist HELM=helm KEY=NAME KEYRING=FILE PASSPHRASE_FILE=FILE
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
RELEASE = dist/release
HELM = helm
SIGN = "$(HELM)" plugin package --sign --key "$(KEY)" $(if $(KEYRING),--keyring "$(KEYRING)") $(if $(PASSPHRASE_FILE),--passphrase-file "$(PASSPHRASE_FILE)")

.PHONY: dist
dist:
	cyclonedx=$$(e2e/tools.sh cyclonedx-gomod) && release/dist.sh "$(RELEASE)" "$$cyclonedx" "$(PLATFORMS)" $(if $(KEY),$(SIGN))
