package message

const (
	UnknownWord          ID = "unknown-word"
	RejoinWithoutReplica ID = "rejoin-without-replica"
	PeerClusterName      ID = "peer-cluster-name"
	RegionKey            ID = "region-key"
	RegionsEmpty         ID = "regions-empty"
	PrimaryRegionEmpty   ID = "primary-region-empty"
	ReplicaRegionEmpty   ID = "replica-region-empty"
	RegionNoLabelValue   ID = "region-no-label-value"
	RegionsEqual         ID = "regions-equal"
	OffButActive         ID = "off-but-active"
	OffButSide           ID = "off-but-side"
	NotAConfigMap        ID = "not-a-configmap"
	UnknownSetting       ID = "unknown-setting"
	SettingNoString      ID = "setting-no-string"
	SettingsNoMapping    ID = "settings-no-mapping"
)

var settings = []entry{
	{UnknownWord, `{flag} ({variable}): unknown value "{word}"`, "use {words}"},
	{RejoinWithoutReplica, "--rejoin (CNPG_PAIR_REJOIN) needs --active replica or --active none (CNPG_PAIR_ACTIVE)",
		"set --active replica, or, on the way back, --active none"},
	{PeerClusterName, `--peer-clusters (CNPG_PAIR_PEER_CLUSTERS): "{name}" is not a cluster name`,
		"give the names by which Cilium's ClusterMesh knows the clusters, separated by commas"},
	{RegionKey, `--region-key: "{key}" is not a Kubernetes label key`, "give the key of a node label, as in topology.kubernetes.io/region"},
	{RegionsEmpty, "hot standby is on, but SOVEREIGN_PRIMARY_REGION and SOVEREIGN_REPLICA_REGION are empty",
		"set them (or --primary-region and --replica-region) to the two regions"},
	{PrimaryRegionEmpty, "hot standby is on, but SOVEREIGN_PRIMARY_REGION is empty", "set it (or --primary-region) to the region of the primary"},
	{ReplicaRegionEmpty, "hot standby is on, but SOVEREIGN_REPLICA_REGION is empty", "set it (or --replica-region) to the region of the replica"},
	{RegionNoLabelValue, `{variable} is "{region}", which is not a Kubernetes label value`,
		"use at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"},
	{RegionsEqual, `SOVEREIGN_PRIMARY_REGION (--primary-region) and SOVEREIGN_REPLICA_REGION (--replica-region) are both "{region}"`,
		"name two different regions"},
	{OffButActive, "hot standby is off, but CNPG_PAIR_ACTIVE is {active}: the single Cluster would be a second writable one, with old data",
		"leave SOVEREIGN_ENABLE_HOT_STANDBY on until the primary is active again"},
	{OffButSide, "hot standby is off, but CNPG_PAIR_SIDE is {side}: both sides would get the same single Cluster",
		"set SOVEREIGN_ENABLE_HOT_STANDBY and the regions, or apply the chart on one side only"},
	{NotAConfigMap, `expected a ConfigMap, not kind "{kind}"`, "give a ConfigMap whose data has strings with these names: {names}"},
	{UnknownSetting, `unknown setting "{setting}"`, "give a ConfigMap whose data has strings with these names: {names}"},
	{SettingsNoMapping, "expected a mapping", "give a ConfigMap whose data has strings with these names: {names}"},
	{SettingNoString, "expected a string", "give a ConfigMap whose data has strings with these names: {names}"},
}
