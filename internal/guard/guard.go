// Package guard holds the admission policies that keep a pair from a second Cluster that
// takes writes, and from losing the one that does, whichever program sends the update.
//
// Goals: the API server itself decides, from the old object and the new one; a refusal says
// what to do instead. Non-goals: it reads no settings and no other object, and does not know
// what PostgreSQL does.
package guard

import _ "embed"

// Manifests are the policies and their bindings, as examples/guard shows them.
//
//go:embed guard.yaml
var Manifests string
