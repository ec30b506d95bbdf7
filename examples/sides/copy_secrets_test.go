package sides

import (
	"encoding/json"
	"strings"
	"testing"
	"text/template"
)

// TestCopySecrets: the template for kubectl makes a List of one secret, which kubectl
// hands to it as it is, of several, and of none.
func TestCopySecrets(t *testing.T) {
	const secret = `{"kind": "Secret", "type": "Opaque", "metadata": {"name": "a", "ownerReferences": []}, "data": {"ca.crt": "YQ==", "ca.key": "Yg=="}}`
	for in, want := range map[string]int{
		secret: 1,
		`{"kind": "List", "items": [` + secret + `, ` + secret + `]}`: 2,
		`{"kind": "List", "items": []}`:                               0,
	} {
		var object, list map[string]any
		if err := json.Unmarshal([]byte(in), &object); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := template.Must(template.ParseFiles("copy-secrets.gotmpl")).Execute(&out, object); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out.String()), &list); err != nil {
			t.Fatalf("%v:\n%s", err, out.String())
		}
		if items, _ := list["items"].([]any); len(items) != want || strings.Contains(out.String(), "ca.key") || strings.Contains(out.String(), "owner") ||
			strings.Count(out.String(), "YQ==") != want {
			t.Errorf("%s\nbecomes\n%s", in, out.String())
		}
	}
}
