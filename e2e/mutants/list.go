package main

// mutants are grouped by the stage that they break.
var mutants = []mutant{
	// settings
	{
		"postrender/config.go", `case "true", "1", "yes", "on":`, `case "true", "1", "yes", "on", "enabled":`,
		"a word that the platform takes for off makes pairs", "TestCases/^hot-standby$",
	},
	{
		"postrender/config.go", `switch strings.ToLower(strings.TrimSpace(word)) {`, `switch strings.TrimSpace(word) {`,
		"TRUE is off, and nobody has a standby", "TestCases/^hot-standby$",
	},
	{
		"postrender/config.go", `c.ReplicaRegion = strings.TrimSpace(c.ReplicaRegion)`, ``,
		"a blank behind a region of a Go program's leaves the replica Pending", "postrender TestBlanks$",
	},
	{
		"postrender/config.go", `if primary == replica {`, `if primary == replica && false {`,
		"both halves are lost with one region", "TestCases/^hot-standby$",
	},
	{
		"postrender/config.go", `if !validLabelValue(region.value) {`, `if false {`,
		"the API server refuses the whole release for a region that is no label value", "TestCases/^hot-standby$",
	},
	{
		"postrender/config.go", `return !c.Strict && c.normal().Active == ActivePrimary`, `return !c.Strict`,
		"with the replica active, a lost region setting makes a second writable Cluster", "TestCases/^active-and-off$",
	},
	{
		"postrender/config.go", `case n.Active != ActivePrimary:`, `case false:`,
		"with the replica active, hot standby off makes a second writable Cluster", "TestCases/^active-and-off$",
	},
	{
		"postrender/config.go", `if c.Side == "secondary" {`, `if c.Side == "second" {`,
		"a platform's word for the replica's side is refused", "TestCases/^side-replica-in-list$",
	},
	{
		"postrender/config.go", `if c.Rejoin && c.Active == ActivePrimary {`, `if false {`,
		"--rejoin without --active is followed in silence", "TestCases/^side-unknown$",
	},
	{
		"options.go", "o.value, o.given = s, true", "o.given = true\n\tif o.value == \"\" {\n\t\to.value = s\n\t}",
		"the environment beats the flag that a person has just typed", "TestCases/^cli-flags-beat-environment$",
	},
	{
		"options.go", `"strict":             {value: getenv(postrender.EnvStrict)},`, `"strict":             {},`,
		"a missing standby does not stop the release that asked for it by variable", "TestCases/^hot-standby-strict$",
	},
	{
		"options.go", `"active":             {value: getenv(postrender.EnvActive)},`, `"active":             {},`,
		"the next run gives the writes back to the old primary", "TestCases/^active-replica$",
	},
	{
		"options.go", `"rejoin":             {value: getenv(postrender.EnvRejoin)},`, `"rejoin":             {},`,
		"CNPG_PAIR_REJOIN is not read, and the old primary is fenced again", "TestCases/^cli-variables$",
	},
	{
		"options.go", `"side":               {value: getenv(postrender.EnvSide)},`, `"side":               {},`,
		"CNPG_PAIR_SIDE is not read, and each side runs both halves", "TestCases/^cli-variables$",
	},
	{
		"options.go", `"replication":        {value: getenv(postrender.EnvReplication)},`, `"replication":        {},`,
		"CNPG_PAIR_REPLICATION is not read, and a lost region loses rows", "TestCases/^cli-variables$",
	},
	{
		"options.go", `"peer-clusters":      {value: getenv(postrender.EnvPeerClusters)},`, `"peer-clusters":      {},`,
		"CNPG_PAIR_PEER_CLUSTERS is not read, and the policy cuts the pair", "TestCases/^cli-variables$",
	},
	{
		"options.go", `!isToggle(word) && strings.TrimSpace(word) != ""`, `false && !isToggle(word)`,
		"a misspelt --strict is off in silence", "TestCases/^cli-strict-misspelt",
	},

	// the program
	{
		"main.go", "status = 1\n", "status = 0\n",
		"Helm takes an error for success", "TestCases/^error-no-spec$",
	},
	{
		"main.go", "status = 2\n", "status = 1\n",
		"a wrong command line is reported as a wrong input", "TestCases/^cli-unknown-command$",
	},
	{
		"main.go", `return int(exit) // and`, `return 0 // and`,
		"flux --check passes in CI although the file is stale", "TestCases/^flux-check$",
	},
	{
		"helm.go", `return err != nil || bytes.Contains(text, []byte("postrenderer/v1"))`, `return err != nil || len(bytes.TrimSpace(text)) > 0`,
		"an error of Helm 3's command ends as manifests, with status 0", "TestCases/^error-helm3-plugin$",
	},
	{
		"options.go", "if value, ok := variables[name]; ok {", "if value, ok := variables[name]; ok && false {",
		"kustomize's and kpt's settings are ignored", "TestCases/^krm-settings$",
	},
	{
		"postrender/krm.go", "				last[file(p)]++\n", "",
		"kpt refuses two objects in one place", "postrender TestCasesJudged$",
	},
	{
		"passthrough.go", "if !mayBeResourceList(stream) {", "if true {",
		"a function's settings are ignored where the environment has none", "TestCases/^krm-settings$",
	},
	{
		"main.go", `opts.command == "" && isHelm4(getenv)`, `false`,
		"Helm 4 hides every error", "TestCases/^error-helm4-plugin$",
	},
	{
		"helm.go", `kind: [cnpg-pair, failed]`, `kind: Secret`,
		"Helm 4 deploys the error message and drops the application", "TestCases/^error-helm4-plugin$",
	},
	{
		"output.go", "case failed != nil:", "case false && failed != nil:",
		"a full disk truncates the manifests, with status 0", "TestCases/^cli-full-disk$",
	},
	{
		"output.go", "case err == nil && closed(stdout):", "case false:",
		"a closed standard output passes for success", "TestCases/^cli-closed-stdout$",
	},
	{
		"output.go", `hint != "" {`, `hint == "" {`,
		"errors come without their cure", "TestCases/^error-no-spec$",
	},
	{
		"passthrough.go", `if on || opts.command`, `if on && false || opts.command`,
		"behind a pipe, as from Helm, nothing is ever paired", "TestCases/^cli-pipe$",
	},
	{
		"postrender/render.go", "if err != nil && r.Warn != nil {", "if false {",
		"hot standby is on, no pair comes, and no warning", "TestCases/^hot-standby$",
	},
	{
		"postrender/render.go", "c.decision.Action == CannotBePaired && r.Warn != nil", "false",
		"a Cluster stays single without a warning", "TestCases/^cannot-pinned$",
	},
	{
		"postrender/render.go", "failed = errors.Join(failed, newResult(sources)", "failed = errors.Join(nil, newResult(sources)",
		"explain gives leave where the pair cannot be made", "TestExplainFails",
	},
	{
		"postrender/plan.go", "slices.DeleteFunc(secretsOfSource(inPlace, c.replica), c.isOfChart)", "secretsOfSource(inPlace, c.replica)",
		"explain has secrets copied that are there", "TestCases/^explain-secrets$",
	},
	{
		"postrender/effects.go", "if cfg.Side != SideBoth && cfg.Side != oldSide {", "if false {",
		"explain says that a half of the other side takes no writes any more", "TestCases/^explain-effects$",
	},
	{
		"postrender/render.go", "if (r.Config.Strict || ", "if (",
		"--strict lets a Cluster without a standby through", "TestCases/^strict-cannot$",
	},
	{
		"postrender/render.go", "|| r.Config.normal().Active != ActivePrimary) && len(refused) > 0 {", "|| false) && len(refused) > 0 {",
		"a second writable Cluster with old data, where one cannot be paired while the replica is active", "TestCases/^cannot-names-taken-active$",
	},
	{
		"postrender/render.go", "return cmp.Or(sourceA-sourceB, lineA-lineB)", "return cmp.Or(sourceB-sourceA, lineB-lineA)",
		"errors are told in another order than the lines", "TestCases/^error",
	},
	{
		"postrender/render.go", `if len(before) > 0 && before[len(before)-1] != '\n' {`, `if false {`,
		"a file without a final newline runs into the next one", "TestCases/^files",
	},

	// finding the Clusters
	{
		"postrender/split.go", `if line[0] == '-' && (glued`, `if false && (glued`,
		"a separator glued to its document, which Helm accepts, hides the Cluster", "TestCases/^stream-separators$",
	},
	{
		"postrender/split.go", `line[3] == '\n' || line[3] == '\r'`, `line[3] == '\n'`,
		"in a stream with CRLF documents run into each other", "TestCases/^stream-crlf$",
	},
	{
		"postrender/split.go", `line[0] != '-' && line[0] != '.'`, `line[0] != '-'`,
		"what stands behind ... is not found", "postrender TestSplit$",
	},
	{
		"postrender/split.go", `first.body = len(byteOrderMark)`, `first.body = 0`,
		"a byte order mark hides the first separator", "TestCases/^stream-byte-order-mark$",
	},
	{
		"postrender/stream.go", "if holdsUTF16(source.Data, apiGroup) {", "if false {",
		"PowerShell's UTF-16 passes, and no Cluster is found in it", "TestCases/^error-utf16$",
	},
	{
		"postrender/document.go", "return !h.sure || h.isList() || h.isCluster()", "return h.isList() || h.isCluster()",
		"a Cluster in JSON or flow style stays single in silence", "TestCases/^stream-json$",
	},
	{
		"postrender/document.go", "return !h.sure || h.isList() || h.isCluster()", "return !h.sure || h.isCluster()",
		"a Cluster in a List stays single in silence", "TestCases/^stream-list$",
	},
	{
		"postrender/document.go", "&& !escapedAPIVersion(text)", "",
		"a Cluster whose apiVersion is escaped stays single in silence", "TestCases/^stream-escaped-api-version$",
	},
	{
		"postrender/document.go", "all = append(all, objectsIn(item)...)", "all = append(all, item)",
		"a Cluster in a List in a List stays single in silence", "TestCases/^stream-list-in-list$",
	},
	{
		"postrender/stream.go", `case kind == "Cluster" && group == apiGroup:`, `case kind == "Cluster":`,
		"a Cluster of another group beside a CNPG one is taken for a database", "TestCases/^names-not-taken$",
	},
	{
		"postrender/stream.go", "} else if !cluster || !claimsCluster(text) {", "} else {",
		"a broken Cluster passes in silence", "TestCases/^error-not-yaml$",
	},
	{
		"postrender/stream.go", "} else if !cluster || !claimsCluster(text) {", "} else if !cluster {",
		"a broken document that is no Cluster stops the release", "TestCases/^stream-broken-mention$",
	},
	{
		"postrender/tree.go", "if seen[key.Value] {", "if false {",
		"of a key that is there twice, the one that Helm drops decides", "TestCases/^error-duplicate-key$",
	},

	// deciding
	{
		"postrender/select.go", "c.isReplica, c.isPrimary,", "c.isPrimary,",
		"a replica gets a replica", "TestCases/^leave-distributed-topology$",
	},
	{
		"postrender/select.go", `&& isNull(get(replica, "primary")) && isNull(get(replica, "self"))`, ``,
		"the primary of a distributed topology is taken apart", "TestCases/^leave-distributed-topology$",
	},
	{
		"postrender/select.go", "c.isReplica, c.isPrimary,", "c.isReplica,",
		"the half of a pair that lives alone on its side is paired again", "TestCases/^leave-labelled$",
	},
	{
		"postrender/select.go", "c.isFollowed, ", "",
		"a pair of the chart's own becomes a trio", "TestCases/^leave-pair-by-name$",
	},
	{
		"postrender/select.go", "inNamespace(s.followedHost[service], c.namespace)", "inNamespace(s.followedHost[service][:0], c.namespace)",
		"a pair that is joined by a host name becomes a trio", "TestCases/^leave-pair-by-host$",
	},
	{
		"postrender/select.go", "c.isOptedOut, ", "",
		"an owner who opted out is paired", "TestCases/^leave-opted-out$",
	},
	{
		"postrender/select.go", "c.isUnsupported, ", "",
		"a Cluster that CNPG refuses is doubled", "TestCases/^cannot-api-version$",
	},
	{
		"postrender/select.go", "if !admitted {", "if false {",
		"a primary that the chart keeps out of its region stays Pending", "TestCases/^cannot-pinned$",
	},
	{
		"postrender/select.go", `if key != cfg.RegionKey && value != "" {`, `if false {`,
		"a replica that the chart pins to the primary's zone stays Pending", "TestCases/^cannot-pinned$",
	},
	{
		"postrender/select.go", "admitted = admitted || !slices", "admitted = !slices",
		"a Cluster that may also run elsewhere stays single", "TestCases/^field-affinity-terms-elsewhere$",
	},
	{
		"postrender/select.go", `scalar(e, "operator") == "In" && `, ``,
		"a Cluster that avoids one zone stays single", "TestCases/^field-affinity-zones$",
	},
	{
		"postrender/select.go", `value == "" || only != "" && value != only`, `value == ""`,
		"a Cluster with a zone in each region stays single", "TestCases/^field-affinity-zones$",
	},
	{
		"postrender/select.go", "!own && sameNamespace(holder.namespace, c.namespace)", "!own",
		"a Service of another namespace keeps a Cluster single", "TestCases/^names-not-taken$",
	},
	{
		"postrender/select.go", "own := service == c.mesh && holder", "own := holder",
		"the Cluster's own Service takes the name of the replica's", "TestCases/^cannot-names-taken-in-any-style$",
	},
	{
		"postrender/stream.go", `return !h.sure || h.isList() || h.kind == "Service"`, `return h.kind == "Service"`,
		"a Service in a List or in JSON is overlooked, and two have one name", "TestCases/^cannot-names-taken-in-any-style$",
	},
	{
		"postrender/select.go", "c.isPinned, c.isPinnedOddly,", "c.isPinned,",
		"a misspelt pin restarts the primary", "TestCases/^pin$",
	},
	{
		"postrender/select.go", "c.isSynchronous, ", "",
		"the chart's own synchronous settings are overwritten", "TestCases/^sync-own-settings$",
	},
	{
		"postrender/select.go", "if other := inNamespace(s.clusters[c.replica], c.namespace); other != nil {", "if other := inNamespace(s.clusters[c.replica], c.namespace); false {",
		"the replica takes the name of another database", "TestCases/^cannot-names-taken$",
	},
	{
		"postrender/select.go", `services := []string{c.mesh, c.replica + "-rw",`, `services := []string{c.replica + "-rw",`,
		"two Services of one name, and the operator stops", "TestCases/^cannot-names-taken$",
	},
	{
		"postrender/select.go", "services = append(services, MeshName(c.replica))", "",
		"on a change of sides the replica's Service meets another of its name", "TestCases/^cannot-names-taken-active$",
	},
	{
		"postrender/select.go", "c.isInTheWay, c.isPolicyInTheWay,", "c.isInTheWay,",
		"the twin of a policy replaces another policy", "TestCases/^policies-name-taken$",
	},
	{
		"postrender/stream.go", `return a == b || a == "" || b == ""`, `return a == b`,
		"a namespace that is left out hides that a name is taken", "TestCases/^cannot-names-taken-namespace-left-out$",
	},

	// names
	{
		"postrender/names.go", "const maxClusterName = 50", "const maxClusterName = 63",
		"CNPG refuses the replica of a Cluster with a long name", "TestCases/^name-lengths$",
	},
	{
		"postrender/names.go", "hex.EncodeToString(sum[:4])", "hex.EncodeToString(sum[:0])",
		"two Clusters with long names share one replica", "TestCases/^name-lengths$",
	},
	{
		"postrender/names.go", `strings.TrimRight(name, ".") + tail`, `name + tail`,
		"Kubernetes refuses the twin of a policy with a long name", "postrender TestPolicyName$",
	},
	{
		"postrender/names.go", `s == "" || len(s) > 63`, `s == "" || len(s) > 64`,
		"a region of 64 characters is refused by the API server only", "TestCases/^hot-standby$",
	},

	// the halves
	{
		"postrender/expand.go", "set(labels, labelRole, str(role))", "",
		"the platform does not find the pair", "TestCases/^field-labels-and-annotations$",
	},
	{
		"postrender/expand.go", "set(annotations, annotationName, str(c.name))", "",
		"the platform does not find the name of the pair", "TestCases/^field-labels-and-annotations$",
	},
	{
		"postrender/expand.go", "} else if method == nil {", "} else if method == nil || true {",
		"the chart's own primaryUpdateMethod is overwritten", "TestCases/^field-primary-update-method$",
	},
	{
		"postrender/expand.go", "for i, term := range terms {", "for i, term := range terms[:1] {",
		"a second nodeSelectorTerm lets the half into any region", "TestCases/^field-affinity-several-terms$",
	},
	{
		"postrender/expand.go", "expressions[j] = clone(requirement)", "_ = j",
		"the chart's own pin to the primary's region keeps the replica Pending", "TestCases/^field-affinity-own-region$",
	},
	{
		"postrender/expand.go", "set(selector, key, str(region))", "",
		"the chart's own nodeSelector keeps the replica Pending", "TestCases/^field-affinity-own-region$",
	},
	{
		"postrender/expand.go", `entry = dict("selectorType", "rw", `, `entry = dict("selectorType", "r", `,
		"the replica streams from a standby, and never can be synchronous", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/expand.go", `dict(annotationGlobal, "true", annotationAffinity, "local")`, `dict(annotationAffinity, "local")`,
		"the other Kubernetes cluster does not see the Service", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/expand.go", `remove(t, "status")`, ``,
		"the replica claims the status of the primary", "TestCases/^field-live-object$",
	},
	{
		"postrender/expand.go", `get(metadata, "uid") == nil && get(metadata, "resourceVersion") == nil`, `get(metadata, "uid") == nil`,
		"the replica claims the resourceVersion of the primary, which the API server refuses", "TestCases/^field-live-object-member$",
	},
	{
		"postrender/expand.go", `remove(annotations, "argocd.argoproj.io/tracking-id")`, `_ = annotations`,
		"Argo CD takes the one half for the other, and prunes it", "TestCases/^field-live-object$",
	},
	{
		"postrender/expand.go", `dict("enabled", boolean(true), "source", c.name)`, `dict("enabled", boolean(false), "source", c.name)`,
		"the replica is a second writable Cluster", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/expand.go", `"app", "", c.name+"-app"`, `"app", "", c.replica+"-app"`,
		"after a promotion the application is locked out", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/expand.go", `{"secret.name", &secret}`, ``,
		"the chart's own secret is forgotten, and a promotion locks the application out", "TestCases/^field-bootstrap-initdb$",
	},
	{
		"postrender/expand.go", "owner = database\n", "owner = \"app\"\n",
		"the promoted half belongs to another owner", "TestCases/^field-bootstrap-initdb-database-only$",
	},
	{
		"postrender/expand.go", `[]string{"initdb", "recovery", "pg_basebackup"} {`, `[]string{"initdb", "recovery"} {`,
		"database and owner of a cloned Cluster are forgotten", "TestCases/^field-bootstrap-pg-basebackup$",
	},
	{
		"postrender/expand.go", `"host", c.mesh,`, `"host", c.name+"-rw",`,
		"the replica looks for the primary in its own Kubernetes cluster", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/expand.go", `sslmode := "verify-full"`, `sslmode := "require"`,
		"anybody may pose as the primary", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/expand.go", `sslmode = "verify-ca"`, `sslmode = "verify-full"`,
		"with a certificate of the chart's own the replica never connects", "TestCases/^field-certificates$",
	},
	{
		"postrender/expand.go", `cmp.Or(own["serverCASecret"], c.name+"-ca")`, `cmp.Or("", c.name+"-ca")`,
		"with a CA of the chart's own the replica never connects", "TestCases/^field-certificates-ca-only$",
	},
	{
		"postrender/expand.go", `cmp.Or(own["replicationTLSSecret"], c.name+"-replication")`, `cmp.Or("", c.name+"-replication")`,
		"with a client certificate of the chart's own the replica never connects", "TestCases/^field-certificates$",
	},
	{
		"postrender/expand.go", `"tcp_user_timeout", "5000",`, ``,
		"after a lost Pod the link stays down for two minutes", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/expand.go", "entries[taken] = source\n\t\treturn nil\n", "",
		"two external clusters of one name, which CNPG refuses", "TestCases/^field-bootstrap-recovery-from-own-name$",
	},
	{
		"postrender/expand.go", "isTrue(enabled) && secret == nil", "isTrue(enabled) && (secret == nil || true)",
		"the chart's own superuser secret is replaced by one that is not there", "TestCases/^field-superuser$",
	},
	{
		"postrender/expand.go", "\t\tc.shareSuperuser,\n", "",
		"after a promotion the superuser is locked out", "TestCases/^field-superuser$",
	},
	{
		"postrender/expand.go", "\t\tdropAdditionalServices,\n", "",
		"two Clusters own one Service, and the operator stops", "TestCases/^field-managed-roles-and-services$",
	},
	{
		"postrender/expand.go", `suffix(t, "spec.backup.barmanObjectStore", "serverName")`, `suffix(t, "spec.backup.barman", "serverName")`,
		"both halves archive into one place, and no backup can be restored", "TestCases/^field-backup-barman-object-store$",
	},
	{
		"postrender/expand.go", `suffix(plugin, "parameters", "serverName")`, `suffix(plugin, "parameter", "serverName")`,
		"both halves archive into one place by the plugin", "TestCases/^field-backup-barman-plugin$",
	},

	// synchronous replication
	{
		"postrender/sync.go", `"dataDurability", "required"`, `"dataDurability", "preferred"`,
		"commits that were acknowledged are lost with the region", "TestCases/^sync$",
	},
	{
		"postrender/sync.go", "list(str(standby))", `list(str(standby + "-1"))`,
		"every commit hangs", "TestCases/^sync$",
	},
	{
		"postrender/sync.go", "if err == nil && own == nil {", "if err == nil && (own == nil || true) {",
		"the chart's own synchronous_commit is overwritten", "TestCases/^sync-own-settings$",
	},
	{
		"postrender/sync.go", `number != "" && number != "0"`, `number != ""`,
		"minSyncReplicas: 0 keeps a Cluster single", "TestCases/^sync-own-settings$",
	},
	{
		"postrender/expand.go", "cfg.Replication == Sync && cfg.Active == ActiveReplica && cfg.Rejoin {", "cfg.Replication == Sync && cfg.Active == ActiveReplica {",
		"the promoted half waits for a standby that does not follow it, and every commit hangs", "TestCases/^active-sync$",
	},
	{
		"postrender/expand.go", "cfg.Replication == Sync && cfg.Active == ActivePrimary {", "cfg.Replication == Sync {",
		"the half that gave up waits for a standby that does not follow it", "TestCases/^active-replica-rejoin-sync$",
	},

	// who is active
	{
		"postrender/roles.go", "if !cfg.Rejoin {", "if false {",
		"two halves take writes during the change", "TestCases/^active-none$",
	},
	{
		"postrender/roles.go", "if !cfg.Rejoin {", "if true {",
		"the old primary never comes back", "TestCases/^active-replica-rejoin$",
	},
	{
		"postrender/roles.go", `set(get(t, "spec"), "replica", dict("enabled", boolean(true), "source", back.name))`, ``,
		"a fence that is lifted makes the old primary writable", "TestCases/^active-none$",
	},
	{
		"postrender/roles.go", `"enabled", boolean(false)`, `"enabled", boolean(true)`,
		"--active replica promotes nobody", "TestCases/^active-replica$",
	},
	{
		"postrender/roles.go", "if cfg.Active == ActiveReplica || cfg.Rejoin {", "if cfg.Active == ActiveReplica {",
		"on the way back, helm may delete the only current data", "TestCases/^active-none-rejoin$",
	},
	{
		"postrender/roles.go", `annotationKeep, str("keep")`, `annotationKeep, str("delete")`,
		"turning hot standby off deletes the only current data", "TestCases/^active-replica$",
	},
	{
		"postrender/roles.go", "if cfg.Active == ActiveNone && cfg.Rejoin {", "if false {",
		"on the way back two halves take writes", "TestCases/^active-none-rejoin$",
	},
	{
		"postrender/roles.go", "back.mesh = MeshName(c.replica)\n", "back.mesh = c.mesh\n",
		"the old primary has no Service by which to follow the new one", "TestCases/^active-replica-rejoin$",
	},

	// one side
	{
		"postrender/side.go", "return change{replica, []*yaml.Node{c.stub(c.mesh)}}", "return change{replica, nil}",
		"the name of the primary does not resolve in the replica's Kubernetes cluster", "TestCases/^side-replica$",
	},
	{
		"postrender/side.go", "if cfg.Active != ActivePrimary {", "if false {",
		"after a change of sides the name of the replica does not resolve", "TestCases/^active-on-each-side$",
	},
	{
		"postrender/side.go", `dict(annotationGlobal, "true", annotationAffinity, "local")`, `dict(annotationAffinity, "local")`,
		"Cilium does not merge the stub with the primary's Service", "TestCases/^side-replica$",
	},
	{
		"postrender/side.go", `"selector", dict(labelPair, c.name, labelMeshRole, "replication-source"),`, ``,
		"the stub has no selector, and Cilium keeps foreign endpoints out", "TestCases/^side-replica$",
	},
	{
		"postrender/side.go", `Value: "5432"`, `Value: "5433"`,
		"the stub leads to a port where nobody listens", "TestCases/^side-replica$",
	},
	{
		"postrender/side.go", `set(annotations, key, clone(own.Content[i+1]))`, `_ = key`,
		"the stub of a Cluster that is a hook is no hook", "TestCases/^side-replica$",
	},
	{
		"postrender/side.go", `strings.HasPrefix(key, "helm.sh/") || `, `true || `,
		"the stub takes the operator's and Argo CD's annotations of the Cluster", "TestCases/^side-replica-annotations$",
	},
	{
		"postrender/side.go", `set(metadata, "namespace", str(c.namespace))`, ``,
		"the stub lands in another namespace", "TestCases/^side-replica$",
	},

	// policies
	{
		"postrender/policies_rules.go", "portPostgreSQL, namePostgreSQL = 5432,", "portPostgreSQL, namePostgreSQL = 5433,",
		"the policy cuts the replication", "TestCases/^policies$",
	},
	{
		"postrender/policies_rules.go", "ports = append(ports, portStatus)", "",
		"the operator cannot ask the instances for their status", "TestCases/^policies-almost-allowed$",
	},
	{
		"postrender/policies_rules.go", "if half == own || both && !pair.far(cfg, half) {", "if true {",
		"the status port is open to the other half", "TestCases/^policies$",
	},
	{
		"postrender/policies_rules.go", `return section == "ingress" || len(items) > 0, err`, `return section == "ingress", err`,
		"egress that a policy governs by default is cut", "TestCases/^policies",
	},
	{
		"postrender/policies.go", "if other := made[key]; other != nil", "if other := made[key]; false",
		"of two twins of one name the second replaces the first", "TestCases/^policies-copies-of-one-name$",
	},
	{
		"postrender/policies_rules.go", "names.Content = append(names.Content, str(pair.replica))", "",
		"a policy that excepts the database governs its replica", "TestCases/^policies",
	},
	{
		"postrender/policies_rules.go", "r.values[i] = str(pair.replica) // of", "_ = i // of",
		"an instance of the replica cannot reach its own half", "TestCases/^policies$",
	},
	{
		"postrender/policies_rules.go", `"k8s:"+labelPodNamespace, "operator", "Exists"`, `"k8s:"+labelPodNamespace, "operator", "DoesNotExist"`,
		"Cilium admits nobody of the other side", "TestCases/^policies-cilium-replica$",
	},
	{
		"postrender/policies_rules.go", "return !far || len(clusters) > 0", "return true",
		"since Cilium 1.19 a policy that seems to admit the other side cuts it off", "TestCases/^policies-almost-allowed$",
	},
	{
		"postrender/policies_rules.go", `err == nil && first <= port && port <= last`, `err == nil && first <= port && last > 0`,
		"a range of ports that ends before 5432 passes for admitted", "TestCases/^policies-almost-allowed$",
	},
	{
		"postrender/policies_rules.go", `case "", "TCP", "ANY", "null":`, `case "", "TCP", "UDP", "ANY", "null":`,
		"a UDP rule passes for admitted", "TestCases/^policies-almost-allowed$",
	},

	// writing
	{
		"postrender/pair.go", "return err == nil && tree != nil && same(tree, want)", "return err == nil && tree != nil || same(tree, want)",
		"what does not read back as it was meant is written all the same", "TestCases/^(style|stream)-",
	},
	{
		"postrender/pair.go", `b.WriteString("---" + eol)`, `b.WriteString(eol)`,
		"both halves are one document, of which Helm takes half", "TestCases/^field-bootstrap-none$",
	},
	{
		"postrender/pair.go", `if bytes.HasPrefix(line, []byte("# Source:")) {`, `if false {`,
		"helm template does not tell where the replica comes from", "TestCases/^stream-helm3$",
	},
	{
		"postrender/pair.go", `text = bytes.TrimSuffix(text, []byte(lineBreak(d.text)))`, ``,
		"a final newline comes from nowhere", "TestCases/^stream-no-final-newline",
	},
	{
		"postrender/layout.go", `return "\r\n"`, `return "\n"`,
		"a file with CRLF gets lines without", "TestCases/^stream-crlf$",
	},
	{
		"postrender/layout.go", `l.anchors = l.anchors || n.Anchor != ""`, `l.anchors = false`,
		"an anchor that is there twice changes what follows it", "TestCases/^stream-list-anchors$",
	},
	{
		"postrender/layout.go", `strings.Contains(style, "+")`, `strings.Contains(style, "?")`,
		"lines are put into a block scalar", "TestCases/^style-block-scalars$",
	},
	{
		"postrender/encode.go", `c.Style = yaml.LiteralStyle`, `c.Style = n.Style`,
		"a Cluster with a folded scalar is refused, because it would gain lines", "TestCases/^stream-list-folded$",
	},
	{
		"postrender/edit.go", "ok = known && !e.gone[n.Alias] && same(held, want)", "ok = known && held != nil",
		"an alias keeps what must change, and the comments go", "TestCases/^style-anchor",
	},
	{
		"postrender/edit.go", "\t\tfirst--\n", "\t\tbreak\n",
		"the comment of an entry that goes is left to the next one", "TestCases/^field-bootstrap-initdb$",
	},
	{
		"postrender/tree.go", `case "y", "n", "yes", "no", "on", "off", "true", "false", "null":`, `case "yes", "on", "off", "true", "false", "null":`,
		"a region called no becomes a boolean for Helm, and the API server refuses the pair", "TestCases/^field-region-words$",
	},
	{
		"postrender/document.go", `strip := strings.Replace(header, "+", "", 1) + "-"`, `strip := header`,
		"a stream that ends in a block scalar is refused", "TestCases/^stream-no-final-newline-in-scalar$",
	},

	// errors
	{
		"postrender/document.go", "located.Line = d.streamLine(field.line)", "located.Line = field.line",
		"an error names the line of the document, not of the stream", "TestCases/^error",
	},
	{
		"postrender/document.go", "located.Line = d.streamLine(d.brokenLine(line))", "located.Line = d.streamLine(line)",
		"a broken stream is blamed on a line that is right", "TestCases/^error",
	},

	// Flux
	{
		"flux/flux.go", "[][]Patch{clones, differences}", "[][]Patch{differences, clones}",
		"Flux patches the replica before it is there", "flux TestCases/cannot-names-taken-active$",
	},
	{
		"flux/check.go", `what != "" {`, `what == "?" {`,
		"patches that make another pair get into Git", "flux TestCheck$",
	},
	{
		"flux/flux.go", "!lenient.MayDegrade()", "!lenient.MayDegrade() && false",
		"a switch that Flux may turn off while the replica is active is refused without saying why", "flux TestErrors$",
	},
	{
		"flux/flux.go", "if g.noHooks && c.isHook() {", "if false {",
		"a HelmRelease that hides hooks leaves the database single", "flux TestHook$",
	},
	{
		"flux/patches.go", `wantMap["$patch"] = "replace"`, `wantMap["$patch"] = "merge"`,
		"a replica has two ways of bootstrapping once the chart changes its own", "flux TestUpgrade$",
	},
	{
		"flux/patches.go", `if knob && to == c.from {`, `if false {`,
		"Flux pins a primary whose knob is off", "flux TestKnob$",
	},
	{
		"flux/patches.go", "result.twoNames = result.twoNames ||", "result.twoNames = false &&",
		"a Cluster of the same name in another namespace is patched too", "flux TestSameName$",
	},
	{
		"flux/knob.go", "(true,True,TRUE,1,yes,Yes,YES,on,On,ON)", "(true,True,TRUE,1,yes,Yes,YES)",
		"in Flux, on is off", "flux TestKnob$",
	},
	{
		"flux/knob.go", `op("add", at, "value", "empty"),`, ``,
		"an empty region makes a pair that cannot run", "flux TestKnob$",
	},
	{
		"flux/knob.go", `strings.Contains(rest, "${") || strings.Contains(rest, "$$")`, `rest == ""`,
		"Flux replaces a ${} of the chart's", "flux TestErrors$",
	},
	{
		"flux/helmrelease.go", `if what == "" && r.misplaced {`, `if false {`,
		"--check passes where a later postRenderer undoes the pair", "flux TestHelmRelease",
	},
	{
		"flux/helmrelease.go", "if i >= len(patches) || patches[i].Target != patch.Target || !reflect", "if i >= len(patches) || !reflect",
		"--check passes patches for another Cluster", "flux TestHelmRelease",
	},
}
