package message

// Why a Cluster cannot be paired.
const (
	CannotBePaired     ID = "cannot-be-paired"
	APIVersion         ID = "api-version"
	NoName             ID = "no-name"
	NameTooLong        ID = "name-too-long"
	NameNoLabel        ID = "name-no-label"
	NameTooLongToClone ID = "name-too-long-to-clone"
	CloneIntoArchive   ID = "clone-into-archive"
	NodeSelector       ID = "node-selector"
	NodeAffinity       ID = "node-affinity"
	OnePlace           ID = "one-place"
	OneNode            ID = "one-node"
	PinWord            ID = "pin-word"
	RegionAntiAffinity ID = "region-anti-affinity"
	RegionSpread       ID = "region-spread"
	OwnSynchronous     ID = "own-synchronous"
	NameTaken          ID = "name-taken"
	MeshSelector       ID = "mesh-selector"
	MeshNotGlobal      ID = "mesh-not-global"
	WithoutToken       ID = "without-token"
	TokenForSeveral    ID = "token-for-several"
	PolicyWithoutName  ID = "policy-without-name"
	PolicyNameTaken    ID = "policy-name-taken"

	// of what stands beside a pair
	ServiceReachesBoth ID = "service-reaches-both"
	CertificateOfOne   ID = "certificate-of-one"
	LeadsToPrimary     ID = "leads-to-primary"
	CannotFollow       ID = "cannot-follow"
)

const (
	removePin = "remove it from the chart: cnpg-pair pins each member itself"
	rename    = "rename the other one, or " + optOut
	tooLong   = "rename the Cluster: CNPG refuses this name"
)

var selection = []entry{
	{CannotBePaired, "cannot be paired: {cause}", ""},
	{APIVersion, "apiVersion {version} is not supported", "write it as postgresql.cnpg.io/v1"},
	{NoName, "it has no metadata.name", "name it: the names of the pair derive from its name"},
	{NameTooLong, "its name is longer than CNPG's 50 characters", tooLong},
	{NameNoLabel, "its name is not a DNS-1035 label (a-z, 0-9 and '-', beginning with a letter)", tooLong},
	{NameTooLongToClone, "its name is longer than 46 characters: Kubernetes may refuse the Job that creates it again as a copy of its replica, or the one that upgrades it", "give it a shorter name while it has no data"},
	{CloneIntoArchive, "--clone {member} (CNPG_PAIR_CLONE) creates {name} again, and {name} would archive its WAL where it did before, as {server}: the operator refuses that, and the volume fills up",
		"add {name}=2 to --archive-generation (CNPG_PAIR_ARCHIVE_GENERATION), or a higher number at each clone; {name}=1 if it is not the one that is cloned"},
	{NodeSelector, "its nodeSelector asks for {label} {region}, but the primary region is {primaryRegion}", removePin},
	{NodeAffinity, "its node affinity keeps it out of the primary region {primaryRegion}", removePin},
	{OnePlace, "its nodeSelector or affinity pins both members to one place, {label} {value}", removePin},
	{OneNode, "its node affinity pins both members to one node, {node}", removePin},
	{PinWord, `its annotation cnpg-pair.openova.io/pin has the unknown value "{word}"`, "write both or replica, or remove it"},
	{RegionAntiAffinity, "its {field} keeps its instances out of one region ({label}), and all instances of a member are in one region", "make it preferred, or use another node label, as in kubernetes.io/hostname"},
	{RegionSpread, "its {field} spreads its instances over several regions ({label}), and all instances of a member are in one region", "remove that field, or set whenUnsatisfiable: ScheduleAnyway"},
	{OwnSynchronous, "it has its own settings for synchronous replication, {field}", "remove them from the chart, or use --replication async"},
	{NameTaken, "the name {name}, which the pair needs, is taken by {by}", rename},
	{MeshSelector, "its Service {name} has the selectorType {type}", "make it rw: the replica must stream from the primary"},
	{MeshNotGlobal, "its Service {name} has the annotation service.cilium.io/global: {value}", `make it "true", or remove it`},
	{WithoutToken, "--active is replica (CNPG_PAIR_ACTIVE), but no token of --promotion-token (CNPG_PAIR_PROMOTION_TOKEN) is for it", "add {name}=TOKEN, with status.demotionToken of that Cluster"},
	{TokenForSeveral, "one token is given (--promotion-token, CNPG_PAIR_PROMOTION_TOKEN) for several Clusters", "write NAME=TOKEN,NAME=TOKEN, each with status.demotionToken of its Cluster"},
	{PolicyWithoutName, "the {policy} that selects its Pods ({at}) has no metadata.name", "name it: the name of the replica's policy derives from it"},
	{PolicyNameTaken, "the name {name}, which the replica's copy of {policy} needs, is taken by {by}", rename},
	{ServiceReachesBoth, "it selects Pods of the primary {primary} and of its replica {replica}", "add the label cnpg.io/cluster: {primary} to its selector"},
	{CertificateOfOne, "the server certificate of the Cluster {cluster} does not name {host}, to which applications connect when the replica takes writes", "add {host}, and its names with the namespace, to the certificate"},
	{LeadsToPrimary, "{path} names {name}, which leads to {primary}, but {replica} takes writes", "connect to {address}, which leads to the member that takes writes, or set --follow (CNPG_PAIR_FOLLOW)"},
	{CannotFollow, "{path} names {name}, which leads to {primary}, and --follow (CNPG_PAIR_FOLLOW) cannot change it to {address}", "change it in the chart, so that the application connects to {address}"},
}
