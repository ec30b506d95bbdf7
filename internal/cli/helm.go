package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// isHelm4 is true where Helm 4 runs its post-renderer plugin. Both Helms set the
// same variables for a plugin that is a command, as ours for Helm 3 is; but the
// plugin.yaml of a command has no such type.
func isHelm4(getenv func(string) string) bool {
	if getenv("HELM_PLUGIN_NAME") != "cnpg-pair" {
		return false
	}
	text, err := os.ReadFile(filepath.Join(getenv("HELM_PLUGIN_DIR"), "plugin.yaml"))
	return err != nil || bytes.Contains(text, []byte("postrenderer/v1"))
}

// refusal is what Helm 4 is answered instead of manifests when there is an
// error. Helm 4 throws a plugin's standard error away (helm issue 31843), so
// the message travels as the file name of a document that Helm must refuse,
// because its kind is a sequence: Helm ends with "YAML parse error on
// cnpg-pair: error: ..." and applies nothing.
func refusal(message string) string {
	text := strings.ReplaceAll(strings.TrimSpace(message), "\n", "; ")
	name, _ := json.Marshal(text) // a JSON string is a YAML one
	return fmt.Sprintf(`apiVersion: v1
kind: [cnpg-pair, failed]
metadata:
  name: cnpg-pair-failed
  annotations:
    postrenderer.helm.sh/postrender-filename: %s
`, name)
}
