package cli

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openova-io/helm-cnpg-pair/internal/guard"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// environment has valid hot-standby settings.
func environment(variable string) string {
	return map[string]string{
		postrender.EnvEnableHotStandby: "true",
		postrender.EnvPrimaryRegion:    "fsn1",
		postrender.EnvReplicaRegion:    "hel1",
	}[variable]
}

// config is what environment says, changed.
func config(change func(*postrender.Config)) postrender.Config {
	cfg := postrender.Config{
		EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1", RegionKey: postrender.DefaultRegionKey,
	}
	change(&cfg)
	return cfg
}

func TestParse(t *testing.T) {
	plain := config(func(*postrender.Config) {})
	strict := config(func(c *postrender.Config) { c.Strict = true })
	for line, want := range map[string]command{
		"":                            filter{config: plain},
		"-":                           filter{config: plain, files: []string{"-"}},
		"blog.yaml":                   filter{config: plain, files: []string{"blog.yaml"}},
		"blog.yaml explain":           filter{config: plain, files: []string{"blog.yaml", "explain"}},
		"./explain":                   filter{config: plain, files: []string{"./explain"}},
		"-- explain":                  filter{config: plain, files: []string{"explain"}},
		"expalin":                     filter{config: plain, files: []string{"expalin"}},
		"explain":                     explain{config: plain},
		"explain explain":             explain{config: plain, files: []string{"explain"}},
		"--strict explain x.yaml":     explain{config: strict, files: []string{"x.yaml"}},
		"explain x.yaml --strict":     explain{config: strict, files: []string{"x.yaml"}},
		"--output json explain":       explain{config: plain, json: true},
		"--strict --strict=true diff": diff{config: strict},
		"--replica-region nbg1 diff -": diff{
			config: config(func(c *postrender.Config) { c.ReplicaRegion = "nbg1" }), files: []string{"-"}},
		"--primary-region= diff": diff{config: config(func(c *postrender.Config) { c.PrimaryRegion = "" })},
		"--enable-hot-standby=off --side replica --replication sync --active none --failover done --peer-clusters a,b --region-key x/y": filter{
			config: postrender.Config{
				PrimaryRegion: "fsn1", ReplicaRegion: "hel1", Side: "replica", Replication: "sync", Active: "none", Failover: "done",
				PeerClusters: []string{"a", "b"}, RegionKey: "x/y",
			}},
		"--strict flux --helmrelease x --patch -": Flux{Config: strict, Files: []string{"-"}, HelmRelease: "x", Patch: true},
		"flux --substitute":                       Flux{Config: plain, Substitute: true},
		"version":                                 versionText{},
		"explain --version":                       versionText{},
	} {
		got, err := parse(strings.Fields(line), environment, nil)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		compared := cmp.Options{cmp.AllowUnexported(filter{}, explain{}, diff{}), cmpopts.IgnoreFields(filter{}, "settings", "misspelt"), cmpopts.EquateEmpty()}
		if diff := cmp.Diff(want, got, compared); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for line, want := range map[string]*message.Message{
		"--foo":                                message.New(message.UnknownFlag, "flag", "--foo", "command", "cnpg-pair"),
		"explain --foo":                        message.New(message.UnknownFlag, "flag", "--foo", "command", "cnpg-pair explain"),
		"--strcit":                             message.New(message.MisspeltFlag, "flag", "--strcit", "nearest", "--strict"),
		"-strict":                              message.New(message.MisspeltFlag, "flag", "-strict", "nearest", "--strict"),
		"flux --helm-release x":                message.New(message.MisspeltFlag, "flag", "--helm-release", "nearest", "--helmrelease"),
		"--output json":                        message.New(message.MisplacedFlag, "flag", "--output", "command", "explain"),
		"explain --patch":                      message.New(message.MisplacedFlag, "flag", "--patch", "command", "flux"),
		"---x":                                 message.New(message.FlagSyntax, "word", "---x", "command", "cnpg-pair"),
		"diff --side":                          message.New(message.FlagWithoutValue, "flag", "--side", "command", "cnpg-pair diff"),
		"--side both --side primary":           message.New(message.FlagTwice, "flag", "--side", "first", "both", "second", "primary"),
		"flux --check=maybe":                   message.New(message.FlagWord, "flag", "--check", "word", "maybe"),
		"--strict=ture":                        message.New(message.UnknownWord, "flag", "--strict", "variable", "CNPG_PAIR_STRICT", "word", "ture", "words", "true or false"),
		"--strict false":                       message.New(message.UnexpectedArgument, "word", "false"),
		"--region-key a:b":                     message.New(message.RegionKey, "key", "a:b"),
		"explain --output xml":                 message.New(message.UnknownFormat, "word", "xml"),
		"flux --check":                         message.New(message.CheckWithoutRelease),
		"flux --check --patch --helmrelease x": message.New(message.CheckAndPatch),
		"flux --helmrelease=":                  message.New(message.HelmReleaseEmpty),
		"flux --helmrelease -":                 message.New(message.StdinTwice),
		"help expalin":                         message.New(message.UnknownTopic, "word", "expalin"),
		"completion tcsh":                      message.New(message.UnknownShell, "word", "tcsh"),
		"version x":                            message.New(message.ExtraArgument, "word", "x", "command", "cnpg-pair version"),
	} {
		_, err := parse(strings.Fields(line), environment, nil)
		var got *message.Message
		if !errors.As(err, &got) {
			t.Errorf("%q: %v", line, err)
		} else if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(message.Message{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

// answer is what a command line is answered without anything being run.
func answer(t *testing.T, args ...string) string {
	t.Helper()
	chosen, err := parse(args, environment, nil)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	var out bytes.Buffer
	if err := chosen.(text).run(&Process{Stdout: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestHelp: the help of a command has its own flags and an example.
func TestHelp(t *testing.T) {
	if answer(t, "help", "explain") != answer(t, "explain", "--help") {
		t.Error("help explain is not explain --help")
	}
	own := map[string]string{"--output": "explain", "--patch": "flux", "--primary-region": "", "--helmrelease": "flux"}
	for _, cmd := range []string{"", "diff", "explain", "flux", "guard", "completion", "help", "version"} {
		help := answer(t, strings.Fields(cmd+" --help")...)
		if example := strings.TrimSuffix("\n  cnpg-pair "+cmd, " "); !strings.Contains(help, "\nExamples:\n") ||
			!strings.Contains(strings.ReplaceAll(help, "| ", "\n  "), example) {
			t.Errorf("help %s has no example with it:\n%s", cmd, help)
		}
		for flag, of := range own {
			if has := strings.Contains(strings.Split(help, "\nExamples:\n")[0], "\n      "+flag); has != (of == cmd) {
				t.Errorf("help %s has %s: %v", cmd, flag, has)
			}
		}
		for line := range strings.Lines(help) {
			if len(line) > 88 {
				t.Errorf("help %s: a long line: %s", cmd, line)
			}
		}
	}
}

// TestGuard: it prints the policies, whatever the settings.
func TestGuard(t *testing.T) {
	if answer(t, "guard") != guard.Manifests || answer(t, "--side", "none", "guard") != guard.Manifests {
		t.Error("guard prints something else")
	}
}

// TestCompletion asks as the scripts of the shells ask.
func TestCompletion(t *testing.T) {
	const none, files = ":4", ":0" // cobra's directives: no files, files too
	for line, want := range map[string][]string{
		"":                    {"completion", "diff", "explain", "flux", "guard", "help", "version", files},
		"d":                   {"diff", files},
		"--strict e":          {"explain", files},
		"explain ":            {files},
		"--re":                {"--replica-region", "--replication", "--region-key", none},
		"flux --sub":          {"--substitute", none},
		"explain --sub":       {none},
		"explain --output ":   {"table", "json", none},
		"--side=":             {"both", "primary", "replica", none},
		"--strict=":           {"true", "false", none},
		"--failover ":         {"now", "done", none},
		"--primary-region ":   {none},
		"flux --helmrelease ": {files},
		"completion ":         {"bash", "zsh", "fish", "powershell", none},
		"help ":               {"completion", "diff", "explain", "flux", "guard", "help", "version", none},
	} {
		var got []string
		for said := range strings.Lines(answer(t, append([]string{"__complete"}, strings.Split(line, " ")...)...)) {
			word, _, _ := strings.Cut(strings.TrimSpace(said), "\t")
			got = append(got, strings.TrimSuffix(word, "="))
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if script := answer(t, "completion", shell); !strings.Contains(script, "cnpg-pair") {
			t.Errorf("%s: %s", shell, script)
		}
	}
}
