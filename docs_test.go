package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func readManual(t *testing.T) manual {
	t.Helper()
	m, err := readUsage(usage)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDocs compares the man page and the completions with those that are made now.
func TestDocs(t *testing.T) {
	m := readManual(t)
	for name, made := range map[string]string{
		"docs/man/cnpg-pair.1":            manPage(m),
		"docs/completions/cnpg-pair.bash": bashCompletion(m),
		"docs/completions/_cnpg-pair":     zshCompletion(m),
		"docs/completions/cnpg-pair.fish": fishCompletion(m),
	} {
		if *update {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(made), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(strings.Split(string(kept), "\n"), strings.Split(made, "\n")); diff != "" {
			t.Errorf("%s is stale; run make docs (-kept +made):\n%s", name, diff)
		}
	}
}

// TestUsageIsTheTable holds --help, which is written by hand, and the man page
// against the table of flags.
func TestUsageIsTheTable(t *testing.T) {
	m := readManual(t)
	if names := m.commandNames(); !slices.Equal(names, commands) {
		t.Errorf("--help has the commands %q, the program %q", names, commands)
	}
	said := make(map[string]flagHelp)
	for _, f := range m.flags {
		if _, twice := said[f.name]; twice {
			t.Errorf("--help has --%s twice", f.name)
		}
		said[f.name] = f
	}
	page, err := os.ReadFile("docs/man/cnpg-pair.1")
	if err != nil {
		t.Fatal(err)
	}
	// the names of the variables are the values here
	flags, _ := newFlags(&options{}, func(name string) string { return name })
	flags.VisitAll(func(flag *pflag.Flag) {
		f, ok := said[flag.Name]
		if !ok {
			t.Errorf("--help does not speak of --%s", flag.Name)
			return
		}
		delete(said, flag.Name)
		if f.text == "" && f.variable == "" {
			t.Errorf("--help does not say what --%s does", flag.Name)
		}
		if f.short != flag.Shorthand {
			t.Errorf("--%s: --help has the short form %q, the table %q", flag.Name, f.short, flag.Shorthand)
		}
		isSwitch := flag.Value.Type() == "bool"
		if isSwitch != (f.argument == "") || !isSwitch && f.optional != (flag.NoOptDefVal != "") {
			t.Errorf("--%s: --help says %s, the table %s with %q left out", flag.Name, f.head(), flag.Value.Type(), flag.NoOptDefVal)
		}
		if value := flag.Value.String(); f.variable != "" && value != f.variable || f.variable == "" && variable.MatchString(value) {
			t.Errorf("--%s: --help says the variable %q, the table %q", flag.Name, f.variable, value)
		}
		if !strings.Contains(string(page), "\n.B "+roff(f.head())+"\n") {
			t.Errorf("the man page does not have %s", f.head())
		}
		if f.variable != "" && !strings.Contains(string(page), "\n.B "+f.variable+"\n") {
			t.Errorf("the man page does not have %s", f.variable)
		}
	})
	for name := range said {
		t.Errorf("--help speaks of --%s, which is not in the table", name)
	}
}

// TestUsageWords tries the words that --help, and so the completions, offer.
func TestUsageWords(t *testing.T) {
	tried := 0
	for _, f := range readManual(t).flags {
		for _, word := range f.words {
			args := []string{"--" + f.name + "=" + word}
			if f.command != "" {
				args = append(args, f.command)
			}
			if f.name == "rejoin" {
				args = append(args, "--active=replica")
			}
			if _, err := parseOptions(args, func(string) string { return "" }); err != nil {
				t.Errorf("%q: %v", args, err)
			}
			tried++
		}
	}
	if tried < 12 {
		t.Errorf("only %d words tried", tried)
	}
}

// runTool returns the output of a program that not every machine has.
func runTool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("this machine has no %s: %v", name, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a shell may wait for a terminal
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if err := cmd.Run(); err != nil {
		t.Errorf("%s %q: %v", name, args, err)
	}
	return out.String()
}

func TestManPage(t *testing.T) {
	t.Run("groff", func(t *testing.T) {
		if out := runTool(t, "groff", "-man", "-Tutf8", "-ww", "-z", "docs/man/cnpg-pair.1"); out != "" {
			t.Error(out)
		}
	})
	t.Run("man", func(t *testing.T) {
		out := runTool(t, "man", "-l", "docs/man/cnpg-pair.1")
		for _, text := range []string{"EXIT STATUS", "--helmrelease FILE", "CNPG_PAIR_STRICT", "helm template blog ./chart | cnpg-pair diff"} {
			if !strings.Contains(out, text) {
				t.Errorf("man does not show %s:\n%s", text, out)
			}
		}
	})
	t.Run("mandoc", func(t *testing.T) {
		if _, err := exec.LookPath("mandoc"); err != nil {
			t.Skipf("this machine has no mandoc: %v", err)
		}
		// its status only repeats how bad the worst of its findings is
		out, _ := exec.Command("mandoc", "-Tlint", "-Wwarning", "docs/man/cnpg-pair.1").CombinedOutput()
		for line := range strings.Lines(string(out)) {
			// the page is that of a version, not of a day
			if !strings.Contains(line, "missing date") {
				t.Error(line)
			}
		}
	})
}

// completed are the words that a shell offers, without the blanks around them.
func completed(out string) []string {
	words := strings.Fields(out)
	slices.Sort(words)
	return words
}

// completions are lines, and what a shell is to offer at their ends, in a folder
// that holds nothing but the file db.yaml.
var completions = []struct {
	line string
	want []string
}{
	{"cnpg-pair d", []string{"db.yaml", "diff"}},
	{"cnpg-pair ", []string{"db.yaml", "diff", "explain", "flux"}},
	{"cnpg-pair explain ", []string{"db.yaml"}},
	{"cnpg-pair --re", []string{"--region-key", "--rejoin", "--replica-region", "--replication"}},
	{"cnpg-pair --sub", nil},
	{"cnpg-pair flux --sub", []string{"--substitute"}},
	{"cnpg-pair explain --out", []string{"--output"}},
	{"cnpg-pair explain --output ", []string{"json", "table"}},
	{"cnpg-pair --side ", []string{"both", "primary", "replica"}},
	{"cnpg-pair --side pr", []string{"primary"}},
	{"cnpg-pair --side=pr", []string{"primary"}},
	{"cnpg-pair --active=", []string{"none", "primary", "replica"}},
	{"cnpg-pair --strict=", []string{"false", "true"}},
	{"cnpg-pair --strict ", []string{"db.yaml", "diff", "explain", "flux"}},
	{"cnpg-pair --primary-region ", nil},
	{"cnpg-pair flux --helmrelease ", []string{"db.yaml"}},
}

// emptyFolder returns a folder with the file db.yaml, and the completions.
func emptyFolder(t *testing.T) (folder, files string) {
	t.Helper()
	folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "db.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Abs("docs/completions")
	if err != nil {
		t.Fatal(err)
	}
	return folder, files
}

func TestBashCompletion(t *testing.T) {
	folder, files := emptyFolder(t)
	if out := runTool(t, "bash", "-n", files+"/cnpg-pair.bash"); out != "" {
		t.Error(out)
	}
	// what bash does with a line: takes it apart at blanks and "=", and calls
	// the function that complete was given
	const script = `cd "$1" && . "$2/cnpg-pair.bash" && shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
registered=$(complete -p cnpg-pair)
function=${registered##*-F } function=${function%% *}
"$function" cnpg-pair "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"`
	for _, c := range completions {
		apart := strings.Split(strings.ReplaceAll(c.line, "=", " = "), " ")
		args := append([]string{"-c", script, "bash", folder, files}, apart...)
		if strings.HasSuffix(c.line, "=") {
			args = args[:len(args)-1] // the cursor is at the "="
		}
		if got := completed(runTool(t, "bash", args...)); !slices.Equal(got, c.want) {
			t.Errorf("%q: bash offers %q, not %q", c.line, got, c.want)
		}
	}
	args := []string{"-c", script, "bash", folder, files, "cnpg-pair", "--side=pr"} // one word, as without "=" in COMP_WORDBREAKS
	if got := completed(runTool(t, "bash", args...)); !slices.Equal(got, []string{"--side=primary"}) {
		t.Errorf("--side=pr as one word: bash offers %q", got)
	}
}

func TestFishCompletion(t *testing.T) {
	folder, files := emptyFolder(t)
	if out := runTool(t, "fish", "-n", files+"/cnpg-pair.fish"); out != "" {
		t.Error(out)
	}
	for _, c := range completions {
		out := runTool(t, "fish", "--no-config", "-c", `cd $argv[1]; source $argv[2]/cnpg-pair.fish; complete -C $argv[3]`, folder, files, c.line)
		var got []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			flag, value, found := strings.Cut(word, "=")
			if found && strings.Contains(c.line, flag+"=") {
				word = value
			}
			got = append(got, strings.TrimSuffix(word, "="))
		}
		slices.Sort(got)
		got = slices.Compact(got) // a switch is offered with and without "="
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: fish offers %q, not %q", c.line, got, c.want)
		}
	}
}

// TestZshCompletion types each line and a tab in a real zsh, on a terminal that zsh
// makes itself, and has compadd write down what is offered.
func TestZshCompletion(t *testing.T) {
	folder, files := emptyFolder(t)
	if out := runTool(t, "zsh", "-f", "-n", files+"/_cnpg-pair"); out != "" {
		t.Error(out)
	}
	const script = `zmodload zsh/zpty && cd $1 || exit
zpty z zsh -f -i
zpty -w z "fpath=(${(q)2} \$fpath); autoload -Uz compinit; compinit -u -d ${(q)3}.dump; hits=${(q)3}"
zpty -w z 'compadd() { [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] || { local -a found; builtin compadd -A found "$@"; print -rl -- $found >> $hits }; builtin compadd "$@" }'
zpty -w z 'once() { zle complete-word; print DO""NE; exit }; zle -N once; bindkey "^I" once; print REA""DY'
zpty -r z out '*READY*'
zpty -n -w z $4$'\t'
zpty -r z out '*DONE*'`
	hits := filepath.Join(t.TempDir(), "hits")
	for _, c := range completions {
		if err := os.WriteFile(hits, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if out := runTool(t, "zsh", "-f", "-c", script, "zsh", folder, files, hits, c.line); out != "" {
			t.Error(out)
		}
		text, err := os.ReadFile(hits)
		if err != nil {
			t.Fatal(err)
		}
		if got := completed(string(text)); !slices.Equal(got, c.want) {
			t.Errorf("%q: zsh offers %q, not %q", c.line, got, c.want)
		}
	}
}

// TestContributing looks for the files and the make targets that CONTRIBUTING.md names.
func TestContributing(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	makefiles, err := filepath.Glob("e2e/*.mk")
	if err != nil {
		t.Fatal(err)
	}
	var targets []byte
	for _, file := range append(makefiles, "Makefile") {
		rules, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(append(targets, '\n'), rules...)
	}
	named := regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 40 {
		t.Fatalf("only %d names in CONTRIBUTING.md", len(named))
	}
	inCase := []string{"in.yaml", "cmd", "needs", "stdout", "stderr", "status"}
	for _, n := range named {
		name := n[1]
		target, isTarget := strings.CutPrefix(name, "make ")
		switch {
		case isTarget:
			if !strings.Contains(string(targets), "\n"+target+":") {
				t.Errorf("there is no target for make %s", target)
			}
		case slices.Contains(inCase, name):
			if found, _ := filepath.Glob("testdata/*/" + name); len(found) == 0 {
				t.Errorf("no case has a file %s", name)
			}
		case !strings.Contains(name, " ") && regexp.MustCompile(`/|\.go$`).MatchString(name):
			_, err := os.Stat(name)
			if _, inLibrary := os.Stat(filepath.Join("postrender", name)); err != nil && inLibrary != nil {
				t.Errorf("there is no %s", name)
			}
		}
	}
}
