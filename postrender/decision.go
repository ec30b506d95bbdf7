package postrender

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Action is what happens to a Cluster.
type Action string

const (
	Paired         Action = "paired"           // it becomes a primary and a replica
	LeftAlone      Action = "left-alone"       // it must not be touched
	CannotBePaired Action = "cannot-be-paired" // it stays single although a pair is asked for
)

// Decision says what happens to one Cluster of a stream, and why. Its JSON is
// described by docs/explain.schema.json.
type Decision struct {
	Source    string `json:"source"` // the name of the file, or "stdin"
	Line      int    `json:"line"`   // the line of the source at which the Cluster begins, from 1
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Action    Action `json:"action"`

	// Reason is a code from the schema, such as "name-taken". Details has the values
	// that belong to it, such as those of the keys name and by.
	Reason  string            `json:"reason"`
	Details map[string]string `json:"details,omitempty"`

	// Plan is what becomes of the Cluster where Action is Paired;
	// [Renderer.Explain] fills it in.
	Plan *Plan `json:"plan,omitempty"`
}

// Text says the reason as a sentence, and Hint what to do about it, or nothing.
func (d Decision) Text() string { return d.message().Error() }

// Hint says what to do about a Cluster that cannot be paired, or nothing.
func (d Decision) Hint() string { return d.message().Hint() }

func (d Decision) message() *message.Message {
	return &message.Message{ID: message.ID(d.Reason), Values: d.Details}
}

// Plan is what becomes of a Cluster that is paired.
type Plan struct {
	// Step is where the pair is on the way from one active member to the other:
	// at-rest, demote, promote-replica, failover-to-replica, replica-active,
	// promote-primary or failover-to-primary.
	Step string `json:"step"`

	Side        Side        `json:"side"`
	Replication Replication `json:"replication"`

	Members  []Member `json:"members"`  // the primary, then the replica
	Services []string `json:"services"` // those of the pair, and of its Poolers, that the single Cluster does not have

	// WriteAddress is the one of Services by which applications reach the member that
	// takes writes.
	WriteAddress string `json:"writeAddress"`

	// Places are those of the stream that lead applications to the primary, in order.
	Places []Place `json:"places"`

	// Secrets are those of the other member that this Kubernetes cluster must have
	// copies of, without owner references; none where both are rendered.
	Secrets []string `json:"secrets"`

	// As written in the Cluster; empty if not set.
	Instances         string `json:"instances,omitempty"`
	Storage           string `json:"storage,omitempty"`
	ShutdownTimeout   string `json:"smartShutdownTimeout,omitempty"`
	UpdateMethod      string `json:"primaryUpdateMethod,omitempty"`
	SynchronousCommit string `json:"synchronousCommit,omitempty"`
	ServerTLSSecret   string `json:"serverTLSSecret,omitempty"`

	// Apart is the node label that no two instances of a member may share, because
	// their pod anti-affinity is required; empty if they may.
	Apart string `json:"apart,omitempty"`

	// WALKeepSize is how much WAL a standby may miss, and WALKeepSizeFrom who says so:
	// chart, setting or default. WALVolume is the size of the volume for the WAL,
	// where the Cluster has it.
	WALKeepSize     string `json:"walKeepSize"`
	WALKeepSizeFrom string `json:"walKeepSizeFrom"`
	WALVolume       string `json:"walVolume,omitempty"`

	// Archive is where the WAL is archived, and a standby reads what it has missed:
	// barmanObjectStore, or the name of a plugin; empty for nowhere.
	Archive string `json:"archive,omitempty"`
}

// Member is one Cluster of a pair.
type Member struct {
	Role      string `json:"role"` // primary or replica; it stays the same whoever is active
	Name      string `json:"name"`
	Region    string `json:"region"`
	NodeLabel string `json:"nodeLabel"`                // the label of the nodes that its Pods ask for, as key=value; empty for any node
	Rendered  bool   `json:"rendered"`                 // on this side; the other member is in the other Kubernetes cluster
	Writes    bool   `json:"writes"`                   // it takes writes
	Fenced    bool   `json:"fenced"`                   // all its instances are stopped
	Follows   string `json:"follows"`                  // the member that it replicates, or empty
	Host      string `json:"host"`                     // the Service through which it reaches that member, or empty
	Standby   string `json:"standby"`                  // the member that each of its commits must reach, or empty
	Token     string `json:"promotionToken,omitempty"` // the demotion token of the other member, which it waits for
	Cloned    bool   `json:"cloned"`                   // where it does not exist, it is created as a copy of the other member
	Keep      bool   `json:"keep"`                     // Helm does not delete it when it leaves the release

	// ArchiveServer is the server name under which it archives its WAL, and
	// ArchiveGeneration the number in it, if the settings say one; empty where it does
	// not archive, or where only its plugin knows.
	ArchiveServer     string `json:"archiveServer,omitempty"`
	ArchiveGeneration string `json:"archiveGeneration,omitempty"`
}

// planOf returns the plan of a pair that becomes of a Cluster by a change, and of its Poolers.
func planOf(p topology.Pair, cluster *yaml.Node, change yamledit.Change, poolers []*manifest.Pooler) *Plan {
	said := func(path string) string {
		value, _ := yamledit.StringAt(cluster, path)
		return value
	}
	plan := &Plan{
		Step: string(p.Step), Side: Side(p.Side), Replication: Async, Services: p.Services(), WriteAddress: p.WriteAddress, Secrets: secretsToCopy(p, cluster, change.InPlace),
		Instances: said("spec.instances"), Storage: said("spec.storage.size"),
		ShutdownTimeout: said("spec.smartShutdownTimeout"), UpdateMethod: said("spec.primaryUpdateMethod"), SynchronousCommit: said(expand.PathSynchronousCommit),
		ServerTLSSecret: said(expand.PathServerTLSSecret), Apart: apart(cluster),
	}
	for _, pooler := range poolers {
		if pooler.Address != "" {
			plan.Services = append(plan.Services, pooler.Address)
		}
	}
	plan.WALKeepSize, plan.WALKeepSizeFrom = cmp.Or(p.WALKeepSize, "512MB"), "default"
	if p.WALKeepSize != "" {
		plan.WALKeepSizeFrom = "setting"
	}
	if own := said(expand.PathWALKeepSize); own != "" {
		plan.WALKeepSize, plan.WALKeepSizeFrom = own, "chart"
	}
	plan.WALVolume = cmp.Or(said("spec.walStorage.size"), plan.Storage)
	archive, _ := expand.ArchiveOf(cluster) // a Cluster for which that fails has no plan
	plan.Archive = archive.Name()
	if p.Synchronous {
		plan.Replication = Sync
	}
	annotations, _ := yamledit.MappingAt(cluster, "metadata.annotations")
	kept := yamledit.Scalar(annotations, expand.AnnotationKeep) == "keep"
	for _, m := range p.Members() {
		member := Member{
			Role: string(m.Role), Name: m.Name, Region: m.Region, Rendered: m.Here,
			Writes: m.Writes, Fenced: m.Fenced, Standby: m.Standby, Keep: m.Keep || kept,
			Token: m.Token, Cloned: m.Cloned, ArchiveServer: archive.ServerName(m),
		}
		if member.ArchiveServer != "" {
			member.ArchiveGeneration = m.Generation
		}
		if m.Pinned {
			member.NodeLabel = p.RegionKey + "=" + m.Region
		}
		if m.Follows() {
			member.Follows, member.Host = m.Source.Cluster, m.Source.Host
		}
		plan.Members = append(plan.Members, member)
	}
	return plan
}

// secretsToCopy are those by which the member of this side connects to the other
// one, and, for a replica, those with the passwords of its roles. Certificates that
// the chart itself brings are there already on the primary's side.
func secretsToCopy(p topology.Pair, cluster, member *yaml.Node) []string {
	secrets := []string{}
	if p.Primary.Here && p.Replica.Here {
		return secrets
	}
	source := p.Primary.Name
	if p.Primary.Here {
		source = p.Replica.Name
	}
	entries, _ := yamledit.MappingsAt(member, "spec.externalClusters")
	for _, entry := range entries {
		if yamledit.Scalar(entry, "name") == source {
			for _, key := range []string{"sslKey", "sslRootCert"} {
				secrets = append(secrets, yamledit.Scalar(yamledit.Get(entry, key), "name"))
			}
		}
	}
	if p.Primary.Here {
		certificates, _ := yamledit.MappingAt(cluster, "spec.certificates")
		return slices.DeleteFunc(secrets, func(secret string) bool {
			return certificates != nil && slices.ContainsFunc(certificates.Content, func(n *yaml.Node) bool { return n.Value == secret })
		})
	}
	for _, path := range []string{"spec.bootstrap.pg_basebackup.secret.name", "spec.superuserSecret.name"} {
		if name, _ := yamledit.StringAt(member, path); name != "" {
			secrets = append(secrets, name)
		}
	}
	return secrets
}

// decide writes a decision down.
func (d *Decision) decide(action Action, reason *message.Message) {
	d.Action, d.Reason, d.Details = action, string(reason.ID), reason.Values
}
