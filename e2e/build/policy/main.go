// Command policy enforces NetworkPolicies with the engine of kube-network-policies
// on real packets, and opens real connections: what a Pod is to it is a network
// namespace.
//
// kube-network-policies sends the packets of a node to its engine by the queue
// expression of nftables, which not every kernel has. Here an NFQUEUE rule of
// iptables does it; the engine, and how it reads a packet, are its own.
//
// It must not import code of this repository: see TestIndependent in postrender/.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	nfqueue "github.com/florianl/go-nfqueue/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/kube-network-policies/pkg/api"
	"sigs.k8s.io/kube-network-policies/pkg/network"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
	"sigs.k8s.io/kube-network-policies/pkg/podinfo"
)

func main() {
	var err error
	switch command := os.Args[1]; command {
	case "enforce":
		err = enforce(context.Background(), os.Stdin)
	case "listen":
		err = listen(os.Args[2:])
	case "connect":
		connect(os.Args[2:])
	default:
		err = fmt.Errorf("%q is no command", command)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// objects are what the engine learns from an API server on a node.
type objects struct {
	Namespaces      []corev1.Namespace
	Pods            []corev1.Pod
	NetworkPolicies []networkingv1.NetworkPolicy
}

// enforce judges every packet in queue 100 by the policies that it reads as JSON. It
// prints a line when it has begun.
func enforce(ctx context.Context, in io.Reader) error {
	var known objects
	if err := json.NewDecoder(in).Decode(&known); err != nil {
		return err
	}
	var all []runtime.Object
	for i := range known.Namespaces {
		all = append(all, &known.Namespaces[i])
	}
	for i := range known.Pods {
		all = append(all, &known.Pods[i])
	}
	for i := range known.NetworkPolicies {
		setDefaults(&known.NetworkPolicies[i].Spec)
		all = append(all, &known.NetworkPolicies[i])
	}
	factory := informers.NewSharedInformerFactory(fake.NewClientset(all...), 0)
	namespaces, pods, policies := factory.Core().V1().Namespaces(), factory.Core().V1().Pods(), factory.Networking().V1().NetworkPolicies()
	resolver, err := podinfo.NewInformerResolver(pods.Informer())
	if err != nil {
		return err
	}
	engine := networkpolicy.NewPolicyEngine(
		podinfo.NewInformerProvider(pods, namespaces, nil, []podinfo.IPResolver{resolver}),
		[]api.PolicyEvaluator{networkpolicy.NewStandardNetworkPolicy("node", namespaces, pods, policies)})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if n := len(policies.Informer().GetStore().List()); n != len(known.NetworkPolicies) {
		return fmt.Errorf("of %d policies the engine knows %d", len(known.NetworkPolicies), n)
	}

	queue, err := nfqueue.Open(&nfqueue.Config{NfQueue: 100, MaxPacketLen: 0xffff, MaxQueueLen: 0xff, Copymode: nfqueue.NfQnlCopyPacket})
	if err != nil {
		return err
	}
	defer queue.Close()
	judge := func(a nfqueue.Attribute) int {
		verdict := nfqueue.NfDrop
		if packet, err := network.ParsePacket(*a.Payload); err == nil {
			if ok, err := engine.EvaluatePacket(ctx, &packet); ok && err == nil {
				verdict = nfqueue.NfAccept
			}
		}
		queue.SetVerdict(*a.PacketID, verdict)
		return 0
	}
	if err := queue.RegisterWithErrorFunc(ctx, judge, func(error) int { return 0 }); err != nil {
		return err
	}
	fmt.Println("enforcing")
	select {}
}

// setDefaults fills in what an API server fills in, without which the engine fails.
func setDefaults(spec *networkingv1.NetworkPolicySpec) {
	if len(spec.PolicyTypes) == 0 {
		spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(spec.Egress) > 0 {
			spec.PolicyTypes = append(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	tcp := func(ports []networkingv1.NetworkPolicyPort) {
		for i := range ports {
			if ports[i].Protocol == nil {
				ports[i].Protocol = new(corev1.ProtocolTCP)
			}
		}
	}
	for _, rule := range spec.Ingress {
		tcp(rule.Ports)
	}
	for _, rule := range spec.Egress {
		tcp(rule.Ports)
	}
}

// listen accepts connections on some ports, and says so when it does.
func listen(ports []string) error {
	for _, port := range ports {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go func() {
			for {
				if c, err := l.Accept(); err == nil {
					c.Close()
				}
			}
		}()
	}
	fmt.Println("listening")
	select {}
}

// connect tries all addresses at once and prints those that it reached.
func connect(addresses []string) {
	reached := make([]string, len(addresses))
	var wait sync.WaitGroup
	for i, address := range addresses {
		wait.Go(func() {
			if c, err := net.DialTimeout("tcp", address, 2*time.Second); err == nil {
				c.Close()
				reached[i] = address + "\n"
			}
		})
	}
	wait.Wait()
	fmt.Print(strings.Join(reached, ""))
}
