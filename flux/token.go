package flux

import (
	"encoding/base64"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// A promotion token may be a variable of Flux's substitution, so that the step that
// needs it can be in Git before the token is known. It has a default that is no
// token: where the variable is not set, or empty, the operator refuses the Cluster.
// Without a token the replica would be promoted at once.
const defaultToken = ":=not-set}"

// standInToken is the token with which the pair is made.
var standInToken = base64.StdEncoding.EncodeToString([]byte(`{"latestCheckpointTimelineID":"1","redoWalFile":"1",` +
	`"databaseSystemIdentifier":"1","latestCheckpointREDOLocation":"0/1","timeOfLatestCheckpoint":"1","operatorVersion":"1"}`))

// tokenVariable returns the variable with its default, if the token is one.
func tokenVariable(cfg postrender.Config) (string, bool) {
	token := strings.TrimSpace(cfg.PromotionToken)
	if !strings.HasPrefix(token, "${") {
		return "", false
	}
	return strings.TrimSuffix(token, "}") + defaultToken, true
}

func withStandInToken(cfg postrender.Config) postrender.Config {
	if _, is := tokenVariable(cfg); is {
		cfg.PromotionToken = standInToken
	}
	return cfg
}
