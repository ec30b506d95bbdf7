package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestMemory: no stream takes more than 64 MB and 12 times its size, or it is refused
// by line. (The peak of a child begins with what its parent has, here some 30 MB.)
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	if raced {
		t.Skip("what the race detector takes counts as what a child takes")
	}
	program := filepath.Join(t.TempDir(), "cnpg-pair")
	goBuild(t, program, ".")
	const (
		cluster = "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: db%d\nspec:\n  instances: 1\n"
		netpol  = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p%d\nspec:\n  podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: Exists}]}\n"
		json    = "---\n{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"c%d\"}, \"data\": {\"a\": \"postgresql.cnpg.io\"}}\n"
		item    = "- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n  metadata:\n    name: db%d\n  spec:\n    instances: 1\n"
	)
	aliases := func(wide int) string {
		text, before := cluster, strings.Repeat("x, ", wide)
		for _, name := range []string{"a", "b", "c", "d"} {
			text += "  " + name + ": &" + name + " [" + before + "]\n"
			before = strings.Repeat("*"+name+", ", wide)
		}
		return text
	}
	parameters := "  postgresql:\n    parameters:\n"
	for i := range 60 {
		parameters += fmt.Sprintf("      p%02d: 'value'\n", i)
	}
	each := func(n int, text string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(text, "%d", fmt.Sprint(i)))
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		in      string
		refused bool
	}{
		"aliases in each Cluster":           {each(240, aliases(14)), true},
		"some aliases in each Cluster":      {each(240, aliases(3)), true},
		"few aliases in each Cluster":       {each(40, aliases(3)), false},
		"JSON that mentions the group":      {each(50_000, json), false},
		"policies of every Cluster":         {each(200, cluster) + each(200, netpol), true},
		"some policies of every Cluster":    {each(30, cluster) + each(30, netpol), false},
		"policies and Clusters by thousand": {each(3000, cluster) + each(3000, netpol), true},
		"Clusters":                          {each(2000, cluster), false},
		"many Clusters":                     {each(4000, cluster), false},
		"too many Clusters":                 {each(10_000, cluster), true},
		"large Clusters":                    {each(2000, cluster+parameters), false},
		"a List of many Clusters":           {"apiVersion: v1\nkind: List\nitems:\n" + each(1000, item), true},
		"a List of Clusters":                {"apiVersion: v1\nkind: List\nitems:\n" + each(400, item), false},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(program, "--enable-hot-standby", "--primary-region=fsn1", "--replica-region=hel1")
			cmd.Stdin = strings.NewReader(tt.in)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			err := cmd.Run()
			took, limit := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss>>10, int64(64+12*len(tt.in)>>20)
			t.Logf("%d bytes: %d MB of %d", len(tt.in), took, limit)
			if took > limit {
				t.Errorf("%d bytes took %d MB, and may take %d", len(tt.in), took, limit)
			}
			if tt.refused != (err != nil) || tt.refused && !regexp.MustCompile(`^cnpg-pair: error: stdin:\d+: .*\n`).MatchString(stderr.String()) {
				t.Errorf("%v: %.300s", err, stderr.String())
			}
		})
	}
}
