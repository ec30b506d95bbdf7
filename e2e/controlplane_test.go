package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// A controlPlane is a Kubernetes API server with the CNPG operator behind it
// and no node: what admission says, what Helm stores and what the operator
// writes are real, and no Pod ever runs.
type controlPlane struct {
	kubeconfig  string
	kubectlPath string
	client      dynamic.Interface
	operatorLog string // empty for a cluster that was given to us
}

var control struct {
	once  sync.Once
	plane *controlPlane
}

// theControlPlane returns the one of the whole run: the cluster that
// CNPG_PAIR_KUBECONFIG names, which has CNPG installed, or one of our own.
func theControlPlane(t *testing.T) *controlPlane {
	t.Helper()
	control.once.Do(func() { control.plane = newControlPlane(t) })
	if control.plane == nil {
		t.Fatal("the control plane did not start: see the first test that needed it")
	}
	return control.plane
}

func newControlPlane(t *testing.T) *controlPlane {
	plane := &controlPlane{kubectlPath: tool(t, "kubectl"), kubeconfig: os.Getenv("CNPG_PAIR_KUBECONFIG")}
	if plane.kubeconfig == "" {
		plane.start(t)
	}
	config, err := clientcmd.BuildConfigFromFlags("", plane.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 200, 400       // the client's own limit would be most of the time
	config.WarningHandler = rest.NoWarnings{} // of CNPG about what its own samples ask for
	if plane.client, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	return plane
}

// start runs etcd, the API server and the operator on 127.0.0.1 until the end
// of the run.
func (p *controlPlane) start(t *testing.T) {
	started := time.Now()
	etcd, kubernetes, operator := tool(t, "etcd"), tool(t, "kubernetes"), tool(t, "operator")
	// of the run, not of the test that happens to be first
	dir, err := os.MkdirTemp("", "cnpg-pair-control-plane-")
	if err != nil {
		t.Fatal(err)
	}
	atExit = append(atExit, func() { os.RemoveAll(dir) })
	in := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	p.kubeconfig, p.operatorLog = in("kubeconfig"), in("operator.log")

	ca := newAuthority(t)
	ca.issue(t, in("tls"))
	write(t, in("ca.crt"), ca.pem)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	write(t, in("sa.key"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	write(t, in("tokens.csv"), []byte("e2e,admin,admin,system:masters\n"))

	etcdURL, peerURL := "http://"+freeAddress(t), "http://"+freeAddress(t)
	daemon(t, dir, "etcd", nil, etcd, "--data-dir", in("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
		"--listen-peer-urls", peerURL, "--initial-advertise-peer-urls", peerURL, "--initial-cluster", "default="+peerURL)

	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	daemon(t, dir, "kube-apiserver", nil, kubernetes, "kube-apiserver", "--etcd-servers", etcdURL,
		"--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", port, "--endpoint-reconciler-type", "none",
		"--tls-cert-file", in("tls", "tls.crt"), "--tls-private-key-file", in("tls", "tls.key"),
		"--token-auth-file", in("tokens.csv"), "--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", in("sa.key"), "--service-account-signing-key-file", in("sa.key"),
		"--service-cluster-ip-range", "10.96.0.0/16",
		// nothing here makes the default service account of a namespace
		"--disable-admission-plugins", "ServiceAccount")
	write(t, p.kubeconfig, fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: e2e
contexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]
clusters: [{name: e2e, cluster: {server: "https://%s", certificate-authority: %q}}]
users: [{name: e2e, user: {token: e2e}}]
`, address, in("ca.crt")))
	eventually(t, time.Minute, "the API server is ready", func() error {
		_, err := p.try("", "get", "--raw", "/readyz")
		return err
	})

	webhooks := freeAddress(t)
	p.kubectl(t, p.manifest(t, operator, "https://"+webhooks, ca), "apply", "--server-side", "-f", "-")
	p.kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")

	// the operator looks for itself as its image holds it, to serve it to Pods
	if err := os.MkdirAll(in("operator"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(operator, in("operator", "manager_"+runtime.GOARCH)); err != nil {
		t.Fatal(err)
	}
	ca.issue(t, in("webhook"))
	for ours, theirs := range map[string]string{"tls.crt": "apiserver.crt", "tls.key": "apiserver.key"} {
		if err := os.Rename(in("webhook", ours), in("webhook", theirs)); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ = net.SplitHostPort(webhooks)
	daemon(t, dir, "operator",
		[]string{"KUBECONFIG=" + p.kubeconfig, "OPERATOR_NAMESPACE=cnpg-system", "OPERATOR_IMAGE_NAME=e2e.invalid/operator", "WEBHOOK_CERT_DIR=" + in("webhook")},
		operator, "controller", "--webhook-port", port, "--metrics-bind-address", "0")
	trust := x509.NewCertPool()
	trust.AddCert(ca.cert)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}, Timeout: time.Second}
	eventually(t, time.Minute, "the operator's webhooks are ready", func() error {
		answer, err := client.Get("https://" + webhooks + "/readyz")
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	})
	evidence(t, "control plane up", "%.1f s", time.Since(started).Seconds())
}

// manifest returns what CNPG's release installs, less what would run in a Pod,
// and with its webhooks at url instead of behind a Service.
func (p *controlPlane) manifest(t *testing.T, operator, url string, ca authority) string {
	dir := moduleDir(t, "build/operator", "github.com/cloudnative-pg/cloudnative-pg")
	version := strings.TrimPrefix(operator[strings.LastIndex(operator, "-")+1:], "v")
	text, err := os.ReadFile(filepath.Join(dir, "releases", "cnpg-"+version+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	webhooks := 0
	for _, object := range objects(t, text) {
		switch object.GetKind() {
		case "Deployment", "Service":
			continue
		case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
			for _, webhook := range object.Object["webhooks"].([]any) {
				client := webhook.(map[string]any)["clientConfig"].(map[string]any)
				client["url"] = url + client["service"].(map[string]any)["path"].(string)
				client["caBundle"] = base64.StdEncoding.EncodeToString(ca.pem)
				delete(client, "service")
				webhooks++
			}
		}
		text, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	if webhooks == 0 {
		t.Fatal("the operator's manifest holds no webhooks")
	}
	return out.String()
}

// moduleDir returns where the source of a module is that the module in dir
// asks for.
func moduleDir(t testing.TB, dir, module string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = dir
	out, err := cmd.Output()
	var found struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &found)
	}
	if err != nil || found.Dir == "" {
		t.Fatalf("go mod download %s: %v %s", module, err, out)
	}
	return found.Dir
}

// atExit is what TestMain does when the tests are over.
var atExit []func()

// daemon runs a program until the end of the run, with its output in
// dir/name.log. A shell stands between: it kills the program when its own input
// ends, which happens however this process ends.
func daemon(t *testing.T, dir, name string, env []string, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("sh", append([]string{"-c", `"$@" & cat; kill -9 $!`, "sh", program}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// before the folder goes, which was there first
	atExit = append([]func(){func() { stdin.Close(); cmd.Wait() }}, atExit...)
	t.Cleanup(func() {
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the end of %s.log:\n%s", name, text[max(0, len(text)-2000):])
		}
	})
}

// kubectl runs kubectl with some input and returns what it printed.
func (p *controlPlane) kubectl(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	out, err := p.try(stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try is kubectl where failure is an answer too.
func (p *controlPlane) try(stdin string, args ...string) (string, error) {
	stdout, stderr, err := run([]string{"KUBECONFIG=" + p.kubeconfig}, stdin, p.kubectlPath, args...)
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, stderr)
	}
	return stdout, err
}

// get returns an object, or nil where there is none.
func (p *controlPlane) get(t testing.TB, namespace, resource, name string) *unstructured.Unstructured {
	t.Helper()
	out := p.kubectl(t, "", "-n", namespace, "get", resource, name, "--ignore-not-found", "-o", "json")
	if out == "" {
		return nil
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON([]byte(out)); err != nil {
		t.Fatal(err)
	}
	return object
}

// clusterNames returns the names of a namespace's Clusters, in order.
func (p *controlPlane) clusterNames(t testing.TB, namespace string) []string {
	t.Helper()
	out := p.kubectl(t, "", "-n", namespace, "get", "clusters.postgresql.cnpg.io", "-o", `jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}`)
	return strings.Fields(out)
}

// namespace makes a namespace for a test and removes it afterwards. When the
// test fails, what a person needs stays in a folder below $E2E_FAILURES, or
// where temporary files go.
func (p *controlPlane) namespace(t *testing.T, name string) string {
	t.Helper()
	name = fmt.Sprintf("cnpg-pair-%s-%d", name, time.Now().Unix()%100000) // a cluster of yours may hold the last run
	p.kubectl(t, "", "create", "namespace", name)
	t.Cleanup(func() {
		if t.Failed() {
			p.keepEvidenceOfFailure(t, name)
		}
		p.kubectl(t, "", "-n", name, "delete", "clusters.postgresql.cnpg.io", "--all", "--timeout=30s")
		// our own control plane has nothing that would end it
		p.kubectl(t, "", "delete", "namespace", name, "--wait=false")
	})
	return name
}

func (p *controlPlane) keepEvidenceOfFailure(t *testing.T, namespace string) {
	dir, err := os.MkdirTemp(os.Getenv("E2E_FAILURES"), "cnpg-pair-failure-")
	if err != nil {
		t.Error(err)
		return
	}
	for file, args := range map[string][]string{
		"clusters.yaml": {"get", "clusters.postgresql.cnpg.io", "-o", "yaml"},
		"services.yaml": {"get", "services", "-o", "yaml"},
		"events.txt":    {"get", "events", "--sort-by=.lastTimestamp"},
	} {
		out, err := p.try("", append([]string{"-n", namespace}, args...)...)
		if err != nil {
			out = err.Error()
		}
		write(t, filepath.Join(dir, file), []byte(out))
	}
	if text, err := os.ReadFile(p.operatorLog); err == nil {
		write(t, filepath.Join(dir, "operator.log"), text)
	}
	t.Logf("the operator's log, the events and the Clusters are in %s", dir)
}

// objects decodes a stream of manifests, and the items of Lists with them.
func objects(t testing.TB, stream []byte) []*unstructured.Unstructured {
	t.Helper()
	found, err := decodeObjects(stream)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func decodeObjects(stream []byte) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)
	for {
		var content map[string]any
		if err := decoder.Decode(&content); err == io.EOF {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		if len(content) == 0 {
			continue
		}
		objects, err := listed(&unstructured.Unstructured{Object: content})
		if err != nil {
			return nil, err
		}
		found = append(found, objects...)
	}
}

// listed are the objects of a List, of the Lists in it too, or an object itself.
func listed(object *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if !object.IsList() {
		return []*unstructured.Unstructured{object}, nil
	}
	var found []*unstructured.Unstructured
	err := object.EachListItem(func(item k8sruntime.Object) error {
		objects, err := listed(item.(*unstructured.Unstructured))
		found = append(found, objects...)
		return err
	})
	return found, err
}

// pollEvery is how long eventually waits at first. With nodes it is two seconds, as each
// kubectl takes almost half of one of a processor; and a limit is patience times as
// long, because it is not what these tests measure.
var (
	pollEvery               = 200 * time.Millisecond
	patience  time.Duration = 1
)

// eventually waits until check succeeds. A check costs what the tests beside this one
// need, so the longer it has waited, the longer it waits for the next one, by a
// twentieth.
func eventually(t testing.TB, limit time.Duration, what string, check func() error) {
	t.Helper()
	limit *= patience
	start := time.Now()
	for {
		err := check()
		if err == nil {
			return
		}
		waited := time.Since(start)
		if waited > limit {
			t.Fatalf("after %s, not yet: %s: %v", limit, what, err)
		}
		time.Sleep(max(pollEvery, waited/20))
	}
}

// ports counts those that were tried.
var ports atomic.Int64

// freeAddress returns an address that nobody listens at. Whoever asked for it has not
// begun to listen when another suite, beside this one, asks for its own: so each process
// has ports of its own, and none of those that the system gives to clients.
func freeAddress(t testing.TB) string {
	t.Helper()
	const each = 200
	first := 11_000 + os.Getpid()%90*each
	for range each {
		address := fmt.Sprintf("127.0.0.1:%d", first+int(ports.Add(1))%each)
		if listener, err := net.Listen("tcp", address); err == nil {
			listener.Close()
			return address
		}
	}
	t.Fatalf("none of %d ports from %d on is free", each, first)
	return ""
}

func write(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// An authority signs the certificates of the API server and the webhooks.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := certificate("cnpg-pair e2e")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue writes tls.crt and tls.key of a server at 127.0.0.1 into a folder.
func (a authority) issue(t testing.TB, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := certificate("127.0.0.1")
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, filepath.Join(dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

var clusterResource = schema.GroupVersionResource{Group: "postgresql.cnpg.io", Version: "v1", Resource: "clusters"}
