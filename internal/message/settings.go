package message

const (
	UnknownWord         ID = "unknown-word"
	RejoinGone          ID = "rejoin-gone"
	FailoverToNobody    ID = "failover-to-nobody"
	TokenAndFailover    ID = "token-and-failover"
	ReplicaWithoutToken ID = "replica-without-token"
	CloneOfWriter       ID = "clone-of-writer"
	NoToken             ID = "no-token"
	TokenTwice          ID = "token-twice"
	TokensWithoutName   ID = "tokens-without-name"
	NoGeneration        ID = "no-generation"
	GenerationTwice     ID = "generation-twice"
	WALKeepSize         ID = "wal-keep-size"
	PeerClusterName     ID = "peer-cluster-name"
	RegionKey           ID = "region-key"
	RegionsEmpty        ID = "regions-empty"
	PrimaryRegionEmpty  ID = "primary-region-empty"
	ReplicaRegionEmpty  ID = "replica-region-empty"
	RegionNoLabelValue  ID = "region-no-label-value"
	RegionsEqual        ID = "regions-equal"
	OffButActive        ID = "off-but-active"
	OffButFailover      ID = "off-but-failover"
	TokenIsVariable     ID = "token-is-variable"
	OffButSide          ID = "off-but-side"
	ToggleWord          ID = "toggle-word"
	MisspeltVariable    ID = "misspelt-variable"
	UnknownVariable     ID = "unknown-variable"
	NotAConfigMap       ID = "not-a-configmap"
	UnknownSetting      ID = "unknown-setting"
	SettingNoString     ID = "setting-no-string"
	SettingsNoMapping   ID = "settings-no-mapping"
)

var settings = []entry{
	{UnknownWord, `{flag} ({variable}): unknown value "{word}"`, "use {words}"},
	{RejoinGone, "{name} is no longer a setting: the member that is not active always follows the other one",
		"remove it; who takes writes is set by --active with --promotion-token or --failover (CNPG_PAIR_ACTIVE, CNPG_PAIR_PROMOTION_TOKEN, CNPG_PAIR_FAILOVER)"},
	{FailoverToNobody, "--failover now (CNPG_PAIR_FAILOVER) promotes the active member, but --active (CNPG_PAIR_ACTIVE) is none",
		"set --active replica or primary, the member that is left"},
	{TokenAndFailover, "--promotion-token (CNPG_PAIR_PROMOTION_TOKEN) waits until no row is missing, and --failover now (CNPG_PAIR_FAILOVER) does not wait",
		"keep the token, or, if the other region is lost, --failover now"},
	{ReplicaWithoutToken, "--active replica (CNPG_PAIR_ACTIVE) does not say how the replica is promoted",
		"to lose nothing, first set --active none, then add --promotion-token with status.demotionToken of the Cluster that took writes; if its region is lost, --failover now"},
	{CloneOfWriter, "--clone {member} (CNPG_PAIR_CLONE) makes a copy of the other member, but --active (CNPG_PAIR_ACTIVE) is {active}",
		"clone only a member that is not active, while the other one takes writes"},
	{NoToken, `--promotion-token (CNPG_PAIR_PROMOTION_TOKEN): "{word}" is not a demotion token`,
		"take status.demotionToken of the Cluster that took writes, whole, or NAME=TOKEN,NAME=TOKEN for several Clusters"},
	{TokenTwice, "--promotion-token (CNPG_PAIR_PROMOTION_TOKEN) has two tokens for {name}", "give the newer one"},
	{TokensWithoutName, "--promotion-token (CNPG_PAIR_PROMOTION_TOKEN) has several tokens, and one without a name", "write NAME=TOKEN for each, with the name of the chart's Cluster"},
	{NoGeneration, `--archive-generation (CNPG_PAIR_ARCHIVE_GENERATION): "{word}" does not say NAME=N`,
		"give each member that was cloned, by its own name, a number: blog-db=2,blog-db-replica=3"},
	{GenerationTwice, "--archive-generation (CNPG_PAIR_ARCHIVE_GENERATION) has two numbers for {name}", "give the higher one"},
	{WALKeepSize, `--wal-keep-size (CNPG_PAIR_WAL_KEEP_SIZE): "{word}" is not a size for PostgreSQL`, "give a number with kB, MB, GB or TB, as in 2GB"},
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
	{OffButFailover, "hot standby is off, but CNPG_PAIR_FAILOVER is now: the replica would be deleted with rows that only it may have",
		"leave SOVEREIGN_ENABLE_HOT_STANDBY on until CNPG_PAIR_FAILOVER is done"},
	{TokenIsVariable, "--promotion-token (CNPG_PAIR_PROMOTION_TOKEN): {word} is a variable of Flux, which only cnpg-pair flux takes", "give the token itself"},
	{OffButSide, "hot standby is off, but CNPG_PAIR_SIDE is {side}: both sides would get the same single Cluster",
		"set SOVEREIGN_ENABLE_HOT_STANDBY and the regions, or apply the chart on one side only"},
	{ToggleWord, `--enable-hot-standby (SOVEREIGN_ENABLE_HOT_STANDBY): "{word}" means neither on nor off, and counts as off`, "use true or false"},
	{MisspeltVariable, "the variable {name} is no setting", "did you mean {nearest}?"},
	{UnknownVariable, "the variable {name} is no setting of this version", "unset it; the README lists the variables"},
	{NotAConfigMap, `expected a ConfigMap, not kind "{kind}"`, "give a ConfigMap whose data has strings with these names: {names}"},
	{UnknownSetting, `unknown setting "{setting}"`, "give a ConfigMap whose data has strings with these names: {names}"},
	{SettingsNoMapping, "expected a mapping", "give a ConfigMap whose data has strings with these names: {names}"},
	{SettingNoString, "expected a string", "give a ConfigMap whose data has strings with these names: {names}"},
}
