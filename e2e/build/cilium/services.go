package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"

	"github.com/cilium/hive/cell"
	"github.com/cilium/statedb"

	"github.com/cilium/cilium/pkg/annotation"
	"github.com/cilium/cilium/pkg/clustermesh"
	"github.com/cilium/cilium/pkg/clustermesh/store"
	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/datapath/tables"
	"github.com/cilium/cilium/pkg/hive"
	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/kpr"
	"github.com/cilium/cilium/pkg/loadbalancer"
	"github.com/cilium/cilium/pkg/loadbalancer/writer"
	"github.com/cilium/cilium/pkg/node"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/source"
)

const (
	port       = 5432
	remoteName = "remote"
	remoteID   = 2
)

// service is one of a Kubernetes cluster, with the addresses of the Pods behind it.
type service struct {
	Annotations map[string]string
	Pods        []string
}

// serviceQuestion is about a Service that both clusters of a mesh have by the same name,
// or one of them: nil is none.
type serviceQuestion struct{ Local, Remote *service }

// answerServices says, for each question, which Pods the local agent sends connections
// to, by Cilium's load balancing and ClusterMesh's choice of backends.
func answerServices(logger *slog.Logger) error {
	var questions []serviceQuestion
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		return err
	}
	answers := [][]string{}
	for _, q := range questions {
		chosen, err := q.answer(logger)
		if err != nil {
			return err
		}
		answers = append(answers, chosen)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func (q serviceQuestion) answer(logger *slog.Logger) ([]string, error) {
	chosen := []string{}
	if q.Local == nil { // its name does not resolve
		return chosen, nil
	}
	var w *writer.Writer
	agent := hive.New(
		loadbalancer.ConfigCell, node.LocalNodeStoreTestCell, writer.Cell,
		cell.Provide(
			func() cmtypes.ClusterInfo { return cmtypes.ClusterInfo{ID: 1, Name: "local"} },
			func() *option.DaemonConfig { return &option.DaemonConfig{} },
			tables.NewNodeAddressTable, statedb.RWTable[tables.NodeAddress].ToTable,
			source.NewSources,
			func() kpr.KPRConfig { return kpr.KPRConfig{} },
		),
		cell.Invoke(func(made *writer.Writer) { w = made }),
	)
	ctx := context.Background()
	if err := agent.Start(logger, ctx); err != nil {
		return nil, err
	}
	defer agent.Stop(logger, ctx)

	name := loadbalancer.NewServiceName("blog", "service")
	local := &loadbalancer.Service{Name: name, Source: source.Kubernetes, Annotations: q.Local.Annotations}
	txn := w.WriteTxn()
	if _, err := w.UpsertService(txn, local); err != nil {
		return nil, err
	}
	var pods []loadbalancer.Backend
	for _, pod := range q.Local.Pods {
		address := loadbalancer.NewL3n4Addr(loadbalancer.TCP, cmtypes.MustParseAddrCluster(pod), port, loadbalancer.ScopeExternal)
		pods = append(pods, loadbalancer.Backend{Address: address, State: loadbalancer.BackendStateActive})
	}
	if err := w.SetBackends(txn, name, source.Kubernetes, pods...); err != nil {
		return nil, err
	}
	if q.Remote.isExported() {
		backends := make(map[string]store.PortConfiguration)
		for _, pod := range q.Remote.Pods {
			address := loadbalancer.NewL4Addr(loadbalancer.TCP, port)
			backends[pod] = store.PortConfiguration{"postgres": &address}
		}
		exported := &store.ClusterService{Cluster: remoteName, ClusterID: remoteID, Namespace: "blog", Name: "service", Backends: backends}
		if err := w.SetBackendsOfCluster(txn, name, source.ClusterMesh, remoteID, clustermesh.ClusterServiceToBackendParams(exported)...); err != nil {
			return nil, err
		}
	}
	read := txn.Commit()
	all, _ := w.BackendsForService(read, name)
	for backend := range clustermesh.NewClusterMeshSelectBackends(w, logger).SelectBackends(read, all, local, nil) {
		chosen = append(chosen, backend.Address.AddrCluster().Addr().String())
	}
	slices.Sort(chosen)
	return chosen, nil
}

// isExported tells whether the other cluster shares its Service.
func (s *service) isExported() bool {
	return s != nil && annotation.GetAnnotationShared(&slim.ObjectMeta{Annotations: s.Annotations})
}
