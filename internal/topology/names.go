package topology

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// maxClusterName is the longest name that CNPG's webhook admits for a Cluster.
const maxClusterName = 50

// maxReplicaName is the longest name of a replica. The operator names Jobs after a
// Cluster, and the name of a Job is a label, of 63 characters at most: of a longer name
// NAME-10-major-upgrade would be refused, and of 49 characters NAME-1-pgbasebackup,
// which clones it. CNPG's webhook admits such a Cluster, and it never gets a Pod.
const maxReplicaName = 46

// maxObjectName is the longest name that Kubernetes admits for most objects.
const maxObjectName = 253

// ReplicaSuffix ends the names that derive for the replica.
const ReplicaSuffix = "-replica"

// ReplicaName is the name of the replica of the Cluster called name: name and
// "-replica", or, where that is longer than 46 characters, a prefix of name, a
// dash, eight hex digits of its SHA-256 and "-replica", 46 in all. A plain cut
// would give two Clusters one replica.
func ReplicaName(name string) string {
	return shortened(name, ReplicaSuffix, maxReplicaName)
}

// CheckCloning returns what is wrong with the name of a primary that may have to be
// created again as a copy of its replica, or nothing.
func CheckCloning(name string) *message.Message {
	if len(name) > maxReplicaName {
		return message.New(message.NameTooLongToClone)
	}
	return nil
}

// PolicyName is the name of a copy of the network policy called name: name and
// suffix, shortened like [ReplicaName] where Kubernetes refuses it.
func PolicyName(name, suffix string) string {
	return shortened(name, suffix, maxObjectName)
}

func shortened(name, suffix string, most int) string {
	if len(name)+len(suffix) <= most {
		return name + suffix
	}
	sum := sha256.Sum256([]byte(name))
	tail := "-" + hex.EncodeToString(sum[:4]) + suffix
	name = name[:min(len(name), most-len(tail))]
	return strings.TrimRight(name, ".") + tail // a dot must not stand before a dash
}

// maxLabelName is the longest name that is a label too, as that of a ScheduledBackup is of
// each of its Backups, and that of a Pooler of its Pods. A Service has no longer one either.
const maxLabelName = 63

// ServantName is the name of a copy for the replica of an object called name that serves
// a Cluster, as a ScheduledBackup: name and "-replica", shortened like [ReplicaName].
func ServantName(name string) string {
	return shortened(name, ReplicaSuffix, maxLabelName)
}

// MeshName is the name of the ClusterMesh-global Service of the Cluster called
// name, through which the other member reaches it.
func MeshName(name string) string { return name + "-mesh" }

// ActiveName is the name of the write address of the Cluster called name: the Service
// by which applications reach the member that takes writes, whichever that is.
func ActiveName(name string) string { return name + activeSuffix }

const activeSuffix = "-active"

// PoolerAddress is the name of the Service by which applications reach the Pooler called
// name, or its copy, whichever is that of the member that takes writes.
func PoolerAddress(name string) string { return shortened(name, activeSuffix, maxLabelName) }

// DefaultServices are the names of the Services that the operator makes for the Cluster
// called name: to its primary instance, to the others, and to all of them.
func DefaultServices(name string) (rw, ro, r string) { return name + "-rw", name + "-ro", name + "-r" }

// CheckClusterName follows CNPG's webhook: at most 50 characters, a DNS-1035
// label. It returns what is wrong with the name, or nothing.
func CheckClusterName(name string) *message.Message {
	if len(name) > maxClusterName {
		return message.New(message.NameTooLong)
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z':
		case i > 0 && c >= '0' && c <= '9':
		case i > 0 && i < len(name)-1 && c == '-':
		default:
			return message.New(message.NameNoLabel)
		}
	}
	return nil
}

// validLabelValue follows Kubernetes: at most 63 letters, digits, '-', '_' and
// '.', with a letter or digit at both ends. Empty is not valid here.
func validLabelValue(s string) bool {
	if s == "" || len(s) > 63 || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && !strings.ContainsRune("-_.", rune(s[i])) {
			return false
		}
	}
	return true
}

// validLabelKey follows Kubernetes: a label value, or a DNS subdomain, a slash
// and a label value.
func validLabelKey(s string) bool {
	prefix, name, found := strings.Cut(s, "/")
	if !found {
		return validLabelValue(s)
	}
	if len(prefix) > 253 || !validLabelValue(name) {
		return false
	}
	for label := range strings.SplitSeq(prefix, ".") {
		if !validLabelValue(label) || strings.Contains(label, "_") || label != strings.ToLower(label) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
