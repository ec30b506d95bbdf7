package message

const (
	FluxNothing          ID = "flux-nothing"
	FluxSubstituteActive ID = "flux-substitute-active"
	FluxOtherState       ID = "flux-other-state"
	FluxNoCluster        ID = "flux-no-cluster"
	FluxNoneToPair       ID = "flux-none-to-pair"
	FluxNoRelease        ID = "flux-no-release"
	FluxSecondRelease    ID = "flux-second-release"
	FluxEntryShape       ID = "flux-entry-shape"
	FluxMixedEntry       ID = "flux-mixed-entry"
	FluxHook             ID = "flux-hook"
	FluxStale            ID = "flux-stale"
	FluxRefused          ID = "flux-refused"
	FluxEntry            ID = "flux-entry"
	FluxOtherName        ID = "flux-other-name"
	FluxVariables        ID = "flux-variables"
	FluxMissing          ID = "flux-missing"
	FluxAdditional       ID = "flux-additional"
	FluxDiffers          ID = "flux-differs"

	// Values of {what} in FluxStale.
	StaleMissing   ID = "stale-missing"
	StaleOff       ID = "stale-off"
	StaleEntries   ID = "stale-entries"
	StalePatch     ID = "stale-patch"
	StalePatches   ID = "stale-patches"
	StaleMisplaced ID = "stale-misplaced"
)

const renderInCI = "let CI render the chart and push the result instead (examples/flux), and report this"

var flux = []entry{
	{FluxNothing, "hot standby is off, so there is nothing to print", "switch it on (SOVEREIGN_ENABLE_HOT_STANDBY), or let Flux do that: --substitute"},
	{FluxSubstituteActive, "--substitute goes with a pair at rest only: hot standby must not be turned off at run time while the replica is active",
		"generate with fixed regions, without --substitute"},
	{FluxOtherState, "its postRenderers are those of {have}, and the settings ask for {want}, which is no step of a switchover or failover",
		"set --active none first, then --promotion-token with status.demotionToken of the Cluster that took writes; if its region is lost, --failover now"},
	{FluxNoCluster, "no Cluster of postgresql.cnpg.io in the manifests", "give what the chart renders: helm template ... | cnpg-pair flux"},
	{FluxNoneToPair, "no Cluster to pair: {clusters}", ""},
	{FluxNoRelease, "no HelmRelease of helm.toolkit.fluxcd.io in it", "name the file with the HelmRelease of this chart"},
	{FluxSecondRelease, "a second HelmRelease; the first is in line {line}", "keep each in a file of its own"},
	{FluxEntryShape, "spec.postRenderers[{index}]: not a valid Flux postRenderer", ""},
	{FluxMixedEntry, "spec.postRenderers[{index}]: patches of cnpg-pair and others in one entry", "move the others to an entry of their own, before those of cnpg-pair"},
	{FluxHook, "it is a Helm hook, which no postRenderer sees with spec.postRenderStrategy nohooks", "leave spec.postRenderStrategy at combined, its default"},
	{FluxStale, "its postRenderers are stale: {what}", "write them again: cnpg-pair flux --helmrelease {file}, with the same flags and manifests"},
	{StaleMissing, "they are missing", ""},
	{StaleOff, "they are present, but hot standby is off", ""},
	{StaleEntries, "{have} entries instead of {want}", ""},
	{StalePatch, `the patch "{patch}" would differ`, ""},
	{StalePatches, "{have} patches instead of {want}", ""},
	{StaleMisplaced, "they come before others", ""},
	{FluxRefused, "kustomize, which Flux runs, refuses the manifests: {cause}", "fix the chart: Flux cannot apply any postRenderer to it"},
	{FluxEntry, "spec.postRenderers[{index}]: {cause}", ""},
	{FluxOtherName, "kustomize does not find the object under that name", "write its apiVersion, kind and metadata.name plainly"},
	{FluxVariables, "one of its lists contains ${ or $$, which Flux's substitution would replace", "generate with fixed regions, without --substitute, or let CI render the chart"},
	{FluxMissing, "inside Flux {when}{object} would be missing", renderInCI},
	{FluxAdditional, "inside Flux {when}{object} would be added", renderInCI},
	{FluxDiffers, "inside Flux {when}{object} would differ in {field}", renderInCI},
}
