// Command cilium asks Cilium's own policy engine what it lets through: the parser of
// CiliumNetworkPolicies and of NetworkPolicies, and the repository in which the
// agent looks connections up. No agent runs, and no packet flows. With the argument
// services it asks where a Service leads, in a mesh of two clusters.
package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/k8s"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

// questions are read from stdin.
type questions struct {
	// Cluster is the name of the local cluster, to which selectors are restricted
	// that name none; empty means that they are not, as before Cilium 1.19.
	Cluster               string
	CiliumNetworkPolicies []ciliumv2.CiliumNetworkPolicy
	NetworkPolicies       []networkingv1.NetworkPolicy
	Pods                  [][]string // the security labels of each, "k8s:KEY=VALUE"
	Ports                 map[string]uint16
	Connections           []struct{ From, To, Port int }
}

// answer says whether a connection may leave, and whether it may come in.
type answer struct{ Egress, Ingress bool }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if len(os.Args) > 1 && os.Args[1] == "services" {
		return answerServices(logger)
	}
	var asked questions
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	known := identity.IdentityMap{}
	var pods []*identity.Identity
	for i, pod := range asked.Pods {
		id := identity.NewIdentity(identity.NumericIdentity(1000+i), labels.NewLabelsFromModel(pod))
		known[id.ID] = id.LabelArray
		pods = append(pods, id)
	}
	manager := identitymanager.NewIDManager(logger)
	repository := policy.NewPolicyRepository(logger, known, nil, nil, manager, testpolicy.NewPolicyMetricsNoop())
	repository.UpdateIdentities(known, nil)
	for i := range asked.CiliumNetworkPolicies {
		rules, err := asked.CiliumNetworkPolicies[i].Parse(logger, asked.Cluster)
		if err != nil {
			return err
		}
		repository.MustAddPolicyEntries(utils.RulesToPolicyEntries(rules))
	}
	for i := range asked.NetworkPolicies {
		entries, err := k8s.ParseNetworkPolicy(logger, asked.Cluster, &asked.NetworkPolicies[i])
		if err != nil {
			return err
		}
		repository.MustAddPolicyEntries(entries)
	}
	answers := []answer{}
	for _, c := range asked.Connections {
		verdict, _, _, err := policy.LookupFlow(logger, repository, manager, types.Flow{
			From: pods[c.From], To: pods[c.To], Proto: u8proto.TCP, Dport: uint16(c.Port), NamedPortsTCP: asked.Ports,
		})
		if err != nil {
			return err
		}
		answers = append(answers, answer{verdict.Egress == types.DecisionAllowed, verdict.Ingress == types.DecisionAllowed})
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}
