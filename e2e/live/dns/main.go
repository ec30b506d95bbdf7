// Command dns answers for the names of Services in a live test's cluster, as
// CoreDNS does in others: addresses of version 4, and of nothing but Services
// that have one.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "of the cluster whose Services are meant")
	listen := flag.String("listen", "127.0.0.1:53", "UDP address")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS = -1 // every question is a request
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	conn, err := net.ListenPacket("udp4", *listen)
	if err != nil {
		log.Fatal(err)
	}
	for buf := make([]byte, 4096); ; {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			log.Fatal(err)
		}
		var question dnsmessage.Message
		if question.Unpack(buf[:n]) != nil || len(question.Questions) != 1 {
			continue
		}
		go func() {
			if packet, err := answer(client, question).Pack(); err == nil {
				conn.WriteTo(packet, from)
			}
		}()
	}
}

func answer(client kubernetes.Interface, m dnsmessage.Message) *dnsmessage.Message {
	m.Response, m.Authoritative, m.RecursionAvailable = true, true, true
	m.Additionals = nil
	q := m.Questions[0]
	address, err := lookup(client, q.Name.String())
	switch {
	case errors.Is(err, errNoName) || kerrors.IsNotFound(err):
		m.RCode = dnsmessage.RCodeNameError
	case err != nil:
		log.Print(err)
		m.RCode = dnsmessage.RCodeServerFailure
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 5},
			Body:   &dnsmessage.AResource{A: [4]byte(address)},
		}}
	}
	return &m
}

var errNoName = errors.New("not the name of a Service")

// lookup resolves SERVICE.NAMESPACE.svc.cluster.local.
func lookup(client kubernetes.Interface, name string) (net.IP, error) {
	name, ok := strings.CutSuffix(strings.ToLower(name), ".svc.cluster.local.")
	service, namespace, ok2 := strings.Cut(name, ".")
	if !ok || !ok2 || strings.Contains(namespace, ".") {
		return nil, errNoName
	}
	found, err := client.CoreV1().Services(namespace).Get(context.Background(), service, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(found.Spec.ClusterIP).To4(); ip != nil {
		return ip, nil
	}
	return nil, errNoName
}
