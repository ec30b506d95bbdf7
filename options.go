package main

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// options are what the command line and the environment ask for.
type options struct {
	command  string // "" or one of commands
	files    []string
	config   postrender.Config
	output   string // of explain: table or json
	noColour bool
	help     bool
	version  bool

	// with reads the same command line with other variables, which a flag beats too
	with func(variables map[string]string) (options, error)

	// of flux
	helmRelease string
	patch       bool
	substitute  bool
	check       bool
}

// commands are the words that may stand before the files.
var commands = []string{"diff", "explain", "flux"}

// once is a flag that may be repeated but not contradict itself.
type once struct {
	value string
	given bool
}

func (o *once) String() string { return o.value }
func (o *once) Type() string   { return "string" }
func (o *once) Set(s string) error {
	if o.given && o.value != s {
		return fmt.Errorf("given twice, first as %q", o.value)
	}
	o.value, o.given = s, true
	return nil
}

// newFlags is the table of the flags, with what the environment says as their
// values. make docs writes the man page and the completions of it.
func newFlags(opts *options, getenv func(string) string) (*pflag.FlagSet, map[string]*once) {
	values := map[string]*once{
		"enable-hot-standby": {value: getenv(postrender.EnvEnableHotStandby)},
		"primary-region":     {value: getenv(postrender.EnvPrimaryRegion)},
		"replica-region":     {value: getenv(postrender.EnvReplicaRegion)},
		"strict":             {value: getenv(postrender.EnvStrict)},
		"region-key":         {value: postrender.DefaultRegionKey},
		"output":             {value: "table"},
		"helmrelease":        {},
		"side":               {value: getenv(postrender.EnvSide)},
		"replication":        {value: getenv(postrender.EnvReplication)},
		"active":             {value: getenv(postrender.EnvActive)},
		"rejoin":             {value: getenv(postrender.EnvRejoin)},
		"peer-clusters":      {value: getenv(postrender.EnvPeerClusters)},
	}
	flags := pflag.NewFlagSet("cnpg-pair", pflag.ContinueOnError)
	flags.Usage = func() {}
	for name, value := range values {
		flags.Var(value, name, "")
	}
	flags.Lookup("enable-hot-standby").NoOptDefVal = "true"
	flags.Lookup("strict").NoOptDefVal = "true"
	flags.Lookup("rejoin").NoOptDefVal = "true"
	flags.BoolVarP(&opts.help, "help", "h", false, "")
	flags.BoolVar(&opts.version, "version", false, "")
	flags.BoolVar(&opts.patch, "patch", false, "")
	flags.BoolVar(&opts.substitute, "substitute", false, "")
	flags.BoolVar(&opts.check, "check", false, "")
	return flags, values
}

// parseOptions reads the command line; a flag beats its variable. Its errors
// are the caller's mistakes: exit status 2.
func parseOptions(args []string, getenv func(string) string) (options, error) {
	var opts options
	opts.with = func(variables map[string]string) (options, error) {
		return parseOptions(args, func(name string) string {
			if value, ok := variables[name]; ok {
				return value
			}
			return getenv(name)
		})
	}
	flags, values := newFlags(&opts, getenv)
	if err := flags.Parse(args); err != nil {
		return opts, misuse("run cnpg-pair --help", "%w", err)
	}
	opts.files = flags.Args()
	if len(opts.files) > 0 && slices.Contains(commands, opts.files[0]) {
		opts.command, opts.files = opts.files[0], opts.files[1:]
	}
	if opts.help || opts.version {
		return opts, nil
	}
	if i := slices.IndexFunc(opts.files, isToggle); i >= 0 {
		return opts, misuse("join it to the switch, as in --strict="+opts.files[i], "%q stands alone; a switch takes its value behind '='", opts.files[i])
	}
	opts.config = postrender.FromMap(map[string]string{
		postrender.EnvEnableHotStandby: values["enable-hot-standby"].value,
		postrender.EnvPrimaryRegion:    values["primary-region"].value,
		postrender.EnvReplicaRegion:    values["replica-region"].value,
		postrender.EnvStrict:           values["strict"].value,
		postrender.EnvSide:             values["side"].value,
		postrender.EnvReplication:      values["replication"].value,
		postrender.EnvActive:           values["active"].value,
		postrender.EnvRejoin:           values["rejoin"].value,
		postrender.EnvPeerClusters:     values["peer-clusters"].value,
	})
	for flag, env := range map[string]string{"strict": postrender.EnvStrict, "rejoin": postrender.EnvRejoin} {
		if word := values[flag].value; !isToggle(word) && strings.TrimSpace(word) != "" {
			return opts, misuse("use true or false", "--%s (%s): unknown word %q", flag, env, word)
		}
	}
	if err := opts.config.Validate(); err != nil {
		return opts, misuse(postrender.Hint(err), "%w", err)
	}
	opts.config.RegionKey = values["region-key"].value
	opts.output = values["output"].value
	opts.noColour = getenv("NO_COLOR") != ""
	if err := opts.config.CheckRegionKey(); err != nil {
		return opts, misuse("give the key of a node label, as in topology.kubernetes.io/region", "--region-key: %w", err)
	}
	if values["output"].given && opts.command != "explain" {
		return opts, misuse("run cnpg-pair explain --output "+opts.output, "--output goes with explain only")
	}
	if opts.output != "table" && opts.output != "json" {
		return opts, misuse("use table or json", "--output: unknown format %q", opts.output)
	}
	opts.helmRelease = values["helmrelease"].value
	return opts, opts.checkFlux(flags)
}

// checkFlux refuses what flux cannot do, and its flags elsewhere.
func (o options) checkFlux(flags *pflag.FlagSet) error {
	for _, name := range []string{"helmrelease", "patch", "substitute", "check"} {
		if o.command != "flux" && flags.Changed(name) {
			return misuse("run cnpg-pair flux --"+name, "--%s goes with flux only", name)
		}
	}
	switch {
	case o.check && o.helmRelease == "":
		return misuse("name the file that holds it: --helmrelease FILE", "--check needs a HelmRelease to look at")
	case o.check && o.patch:
		return misuse("run it twice", "--check and --patch do not go together")
	case flags.Changed("helmrelease") && o.helmRelease == "":
		return misuse("name the file that holds the HelmRelease", "--helmrelease is empty")
	case o.helmRelease == "-" && (len(o.files) == 0 || slices.Contains(o.files, "-")):
		return misuse("give one of them as a file", "standard input cannot hold both the HelmRelease and the manifests")
	}
	return nil
}

// isToggle is true for a word that was meant as the value of a switch.
func isToggle(word string) bool {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "false", "0", "no", "off":
		return true
	}
	return postrender.Truthy(word)
}

// usageError is a mistake in the command line, with its cure.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Hint() string  { return e.hint }

func misuse(hint, format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...), hint}
}

// release is the version, where make dist has built the program: the build's own
// record would depend on the checkout.
var release string

// version tells what was built, from the build's own record.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "cnpg-pair (unknown build)"
	}
	text := "cnpg-pair " + cmp.Or(release, info.Main.Version) + " " + info.GoVersion
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" || setting.Key == "vcs.time" {
			text += " " + setting.Value
		}
	}
	return text
}
