package topology

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// Tokens is the setting with the demotion token of one Cluster, or of several, as
// NAME=TOKEN,NAME=TOKEN, where NAME is that of the chart's Cluster.
type Tokens string

// each calls f with the parts of the setting. The name is empty for a token that
// is for all Clusters.
func (t Tokens) each(f func(name, token string)) {
	for part := range strings.SplitSeq(string(t), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, token, found := strings.Cut(part, "=")
		if !found || CheckClusterName(name) != nil { // a token may end with '=', and has upper-case letters
			name, token = "", part
		}
		f(name, token)
	}
}

// of returns the token for the Cluster called name, or nothing.
func (t Tokens) of(name string) string {
	found := ""
	t.each(func(cluster, token string) {
		if cluster == name || cluster == "" {
			found = token
		}
	})
	return found
}

// validate refuses what the operator's webhook would refuse. It returns a
// [*message.Message].
func (t Tokens) validate() error {
	var wrong error
	single, named := 0, make(map[string]bool)
	t.each(func(name, token string) {
		switch {
		case !validToken(token) && !t.isVariable():
			wrong = message.New(message.NoToken, "word", token)
		case named[name]:
			wrong = message.New(message.TokenTwice, "name", name)
		case name == "":
			single++
		}
		named[name] = name != ""
	})
	if wrong == nil && single > 0 && (single > 1 || len(named) > 1) {
		wrong = message.New(message.TokensWithoutName)
	}
	return wrong
}

// isVariable is true for a variable of Flux's substitution, which package flux
// knows.
func (t Tokens) isVariable() bool {
	return fluxVariable().MatchString(string(t))
}

var fluxVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`) })

// single is true for a token without a name.
func (t Tokens) single() bool { return t != "" && !strings.Contains(string(t), ",") && t.of("") != "" }

// validToken follows the operator's ParsePgControldataToken and IsValid.
func validToken(token string) bool {
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return false
	}
	var content map[string]string
	if json.Unmarshal(text, &content) != nil {
		return false
	}
	for _, key := range []string{"latestCheckpointTimelineID", "redoWalFile", "databaseSystemIdentifier",
		"latestCheckpointREDOLocation", "timeOfLatestCheckpoint", "operatorVersion"} {
		if content[key] == "" {
			return false
		}
	}
	return true
}
