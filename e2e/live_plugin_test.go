package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var plugin sync.Once

// barmanPlugin installs the Barman Cloud plugin beside the operator, as its release's
// manifest says, but for cert-manager, whose secrets it makes itself.
func (c *cluster) barmanPlugin(t *testing.T) {
	t.Helper()
	c.ours(t, "the Barman Cloud plugin must be installed for this")
	plugin.Do(func() {
		c.script(t, "image", "barman-cloud")
		manifest, err := os.ReadFile(filepath.Join(moduleDir(t, "build/barman-cloud", "github.com/cloudnative-pg/plugin-barman-cloud"), "manifest.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		const image = "cnpg-pair.local/barman-cloud:e2e"
		var documents []string
		for document := range strings.SplitSeq(string(manifest), "\n---\n") {
			if !strings.Contains(document, "apiVersion: cert-manager.io/") {
				documents = append(documents, document)
			}
		}
		text := strings.Join(documents, "\n---\n")
		text = regexp.MustCompile(`(?m)^(\s+image:) ghcr\.io/\S+$`).ReplaceAllString(text, "$1 "+image)
		text = regexp.MustCompile(`(?m)^  SIDECAR_IMAGE: \|\n(    \S+\n)+`).ReplaceAllString(text, "  SIDECAR_IMAGE: "+base64.StdEncoding.EncodeToString([]byte(image))+"\n")
		if strings.Count(text, image) != 1 || strings.Contains(text, "SIDECAR_IMAGE: |") {
			t.Fatal("the plugin's manifest is another one")
		}
		for _, name := range []string{"server", "client"} {
			text += selfSigned(t, "barman-cloud-"+name+"-tls")
		}
		if _, err := c.run(nil, text, c.kube, "apply", "--server-side", "-f", "-"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.run(nil, "", c.kube, "-n", "cnpg-system", "rollout", "status", "deployment/barman-cloud", "--timeout=55s"); err != nil {
			t.Fatal(err)
		}
	})
}

// selfSigned is a secret of the operator's namespace, with a certificate for barman-cloud.
func selfSigned(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "barman-cloud"}, DNSNames: []string{"barman-cloud"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return fmt.Sprintf("\n---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: %s, namespace: cnpg-system}\ndata: {tls.crt: %s, tls.key: %s}\n",
		name, encoded("CERTIFICATE", certificate), encoded("EC PRIVATE KEY", private))
}

// pluginStore makes an ObjectStore, and returns what a Cluster says to archive there.
func (n *namespace) pluginStore(t *testing.T, s *store) string {
	t.Helper()
	n.barmanPlugin(t)
	n.applied(t, "apiVersion: barmancloud.cnpg.io/v1\nkind: ObjectStore\nmetadata: {name: store}\nspec: {configuration: "+s.archive(n.name)+"}\n")
	return "  plugins: [{name: barman-cloud.cloudnative-pg.io, isWALArchiver: true, parameters: {barmanObjectName: store}}]\n"
}

// testPlugin: both members archive by the plugin, each for itself, and make backups.
func testPlugin(t *testing.T, c *cluster) {
	n := c.namespace(t, "plugin")
	s := n.objects(t, 9011)
	n.pair(t, n.changed(t, "\n  storage:\n", "\n"+n.pluginStore(t, s)+"  storage:\n"))
	n.super(t, x+"-1", "SELECT pg_switch_wal()")
	for _, member := range []string{x, replica} {
		eventually(t, 2*time.Minute, "an archive of "+member, func() error {
			got, err := n.trySuper(member+"-1", archived)
			return want(got, "t", err)
		})
		n.backup(t, "plugin", member)
	}
	evidence(t, "archives and backups by the Barman Cloud plugin", "of both members, with barman-cloud %s",
		strings.Fields(n.kubectl(t, "exec", x+"-1", "-c", "plugin-barman-cloud", "--", "barman-cloud-backup", "--version"))[1])
	n.whole(t)
}
