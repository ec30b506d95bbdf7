package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// docs/runbook.md is run word for word. TestReleaseRunbook pastes its blocks into a
// shell, with the real Helm, kubectl, API server and operator; there PostgreSQL's
// answers are stand-ins. testRunbookLive does the same with real PostgreSQL.

// A block is one that a reader pastes.
type block struct {
	heading string
	line    int
	text    string
}

// readBlocks returns the blocks of shell of a page, in order.
func readBlocks(t testing.TB, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	heading, indent, inside := "", "", false
	for i, line := range strings.Split(string(text), "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case inside && trimmed == "```":
			inside = false
		case inside:
			all[len(all)-1].text += strings.TrimPrefix(line, indent) + "\n"
		case trimmed == "```sh":
			inside, indent = true, line[:len(line)-len(trimmed)]
			all = append(all, block{heading: heading, line: i + 1})
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimLeft(line, "# ")
		}
	}
	return all
}

const runbookFile = "../docs/runbook.md"

// runbook returns the runbook's blocks below a heading, up to the next one.
func runbook(t testing.TB, heading string) []block {
	t.Helper()
	var found []block
	for _, b := range readBlocks(t, runbookFile) {
		if b.heading == heading {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		t.Fatalf("the runbook has no blocks below %q", heading)
	}
	return found
}

// containing returns the first of some blocks that contains a text.
func containing(t testing.TB, blocks []block, text string) block {
	t.Helper()
	for _, b := range blocks {
		if strings.Contains(b.text, text) {
			return b
		}
	}
	t.Fatalf("no block contains %q", text)
	return block{}
}

// setup returns what a reader pastes first: the blocks of the shell, and of the tool.
func setup(t testing.TB, tool string) []block {
	return append(runbook(t, "Set up your shell"), runbook(t, tool)...)
}

// living are the runbook's functions that ask PostgreSQL, or wait for what only a
// cluster with nodes does. A block that uses one needs a living database, or stand-ins.
var living = regexp.MustCompile(`\b(sql|answers|takes_writes|has_nothing|writable|streams|standby|token|gone|promoted|returned|switch_over|switch_back|roles|single|kubectl logs)\b`)

// withToken follows the word token in a state.
const withToken = ` "$TOKEN"`

// stateTable reads the runbook's table: by the words after set_active, less the token
// itself, what the primary and the replica are.
func stateTable(t testing.TB) map[string][2]string {
	t.Helper()
	text, err := os.ReadFile(runbookFile)
	if err != nil {
		t.Fatal(err)
	}
	states := make(map[string][2]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `set_active ([^`]+)` \\| `[^`]+` \\| ([a-z, ]+) \\| ([a-z, ]+) \\|$").FindAllStringSubmatch(string(text), -1) {
		states[strings.TrimSuffix(row[1], withToken)] = [2]string{row[2], row[3]}
	}
	if len(states) != 8 {
		t.Fatalf("the runbook's table has the states %v", states)
	}
	return states
}

// A setState is a set_active of a block: the side that it is for, if it is for one
// only, and the words of the state, as in stateTable.
type setState struct{ side, state string }

var setActive = regexp.MustCompile(`(?:\bon (primary|replica) )?\bset_active (\$[A-Z]+|(?:primary|none|replica)(?: (?:now|done|clone|token` + regexp.QuoteMeta(withToken) + `))*)`)

// sets returns what a block sets, in order. A variable stands for its value in vars.
func (b block) sets(vars map[string]string) []setState {
	var all []setState
	for _, found := range setActive.FindAllStringSubmatch(b.text, -1) {
		state := strings.TrimSuffix(found[2], withToken)
		if name, ok := strings.CutPrefix(state, "$"); ok {
			state = vars[name]
		}
		all = append(all, setState{found[1], state})
	}
	return all
}

// inWords says what a Cluster is, in the words of the runbook's table.
func inWords(cluster *unstructured.Unstructured, other string) string {
	if cluster == nil {
		return "not there"
	}
	var words []string
	if cluster.GetAnnotations()["cnpg.io/fencedInstances"] == `["*"]` {
		words = append(words, "fenced")
	}
	enabled, _, _ := unstructured.NestedBool(cluster.Object, "spec", "replica", "enabled")
	source, _, _ := unstructured.NestedString(cluster.Object, "spec", "replica", "source")
	switch {
	case !enabled:
		words = append(words, "takes writes")
	case source == other:
		words = append(words, "follows")
	default:
		words = append(words, "follows "+source)
	}
	return strings.Join(words, ", then ")
}

// TestRunbookPage: the links of the page lead somewhere, its blocks are shell, and
// each state of its table is reached by one of them.
func TestRunbookPage(t *testing.T) {
	blocks := readBlocks(t, runbookFile)
	reached := make(map[string]bool)
	for _, b := range blocks {
		for _, shell := range []string{"sh", "bash"} {
			if _, stderr, err := run(nil, b.text, shell, "-n"); err != nil {
				t.Errorf("line %d: %s: %s", b.line, shell, stderr)
			}
		}
		for _, set := range regexp.MustCompile(`\b(?:STATE|CREATE)=(?:'([a-z ]+)'|([a-z]+))`).FindAllStringSubmatch(b.text, -1) {
			reached[set[1]+set[2]] = true
		}
		for _, set := range b.sets(nil) {
			reached[set.state] = true
		}
	}
	for state := range stateTable(t) {
		if !reached[state] {
			t.Errorf("no block has set_active %s", state)
		}
	}
	for _, page := range []string{"../README.md", "../CONTRIBUTING.md", runbookFile, "../docs/reference.md", "../docs/evidence.md", "../docs/performance.md",
		"../examples/flux/README.md", "../examples/argocd/README.md", "../examples/kustomize/README.md", "../examples/guard/README.md"} {
		checkLinks(t, page)
	}
}

// TestRunbookNewArchive: a member that is cloned gets a higher number in the setting each
// time, and the other one keeps its own.
func TestRunbookNewArchive(t *testing.T) {
	shell := containing(t, runbook(t, "Set up your shell"), "new_archive() {").text
	const before, number = "db=2, db-replica=4,other-db=3", "20[0-9]{12}"
	for member, want := range map[string]string{
		"db-replica": "db=2,other-db=3,db-replica=" + number,
		"db":         "db-replica=4,other-db=3,db=" + number,
		"new":        "db=2,db-replica=4,other-db=3,new=" + number,
	} {
		for _, program := range []string{"sh", "bash"} {
			out, stderr, err := run(nil, shell+`
new_archive first && echo "$CNPG_PAIR_ARCHIVE_GENERATION"
CNPG_PAIR_ARCHIVE_GENERATION='`+before+`'
new_archive `+member+` && new_archive `+member+` && printenv CNPG_PAIR_ARCHIVE_GENERATION
`, program)
			if !regexp.MustCompile("^first=" + number + "\n" + want + "\n$").MatchString(out) {
				t.Errorf("%s, %s: %q %s %v", program, member, out, stderr, err)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// checkLinks fails for links of a page to files or headings that do not exist.
func checkLinks(t *testing.T, page string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range link.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		file, anchor, _ := strings.Cut(m[1], "#")
		target := page
		if file != "" {
			target = filepath.Join(filepath.Dir(page), file)
		}
		content, err := os.ReadFile(target)
		if err != nil {
			if _, err := os.Stat(target); err != nil || anchor != "" {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
			}
			continue
		}
		found := anchor == ""
		for _, h := range heading.FindAllStringSubmatch(string(content), -1) {
			found = found || anchorOf(h[1]) == anchor
		}
		if !found {
			t.Errorf("%s: no heading of %s is #%s", page, target, anchor)
		}
	}
}

// anchorOf is what GitHub makes of a heading.
func anchorOf(heading string) string {
	kept := regexp.MustCompile(`[^\p{L}\p{N}\- _]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}

// A shell is one into which blocks are pasted, one after the other.
type shell struct {
	dir    string
	in     io.WriteCloser
	out    *bufio.Reader
	cancel func()
	pasted map[int]bool // by line of the runbook
}

// newShell starts a shell in a folder of its own, by a command such as sh.
func newShell(t *testing.T, env []string, command ...string) *shell {
	t.Helper()
	s := &shell{dir: t.TempDir(), pasted: make(map[int]bool)}
	if err := os.CopyFS(filepath.Join(s.dir, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var err error
	if s.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.out, s.cancel = bufio.NewReader(out), cancel
	t.Cleanup(func() {
		s.in.Close()
		cancel()
		cmd.Wait()
	})
	s.paste(t, "cd '"+s.dir+"'")
	return s
}

// try pastes some lines, and returns what they print, and an error if the last of
// them fails.
func (s *shell) try(t *testing.T, text string) (string, error) {
	t.Helper()
	file := filepath.Join(s.dir, "pasted.sh")
	write(t, file, []byte(text+"\n"))
	timer := time.AfterFunc(12*time.Minute, s.cancel)
	defer timer.Stop()
	const mark = "### exit status "
	fmt.Fprintf(s.in, ". '%s' < /dev/null\necho \"%s$?\"\n", file, mark)
	var out strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("the shell has ended: %v\n%s\n%s", err, text, out.String())
		}
		// a command may leave its last line open
		before, status, ended := strings.Cut(line, mark)
		out.WriteString(before)
		if ended {
			if status != "0\n" {
				return out.String(), fmt.Errorf("exit status %s", strings.TrimSpace(status))
			}
			return out.String(), nil
		}
	}
}

// paste is try where a failure ends the test.
func (s *shell) paste(t *testing.T, text string) string {
	t.Helper()
	out, err := s.try(t, text)
	if err != nil {
		t.Fatalf("%v:\n%s\nprints\n%s", err, text, out)
	}
	return out
}

// block pastes one of the runbook's.
func (s *shell) block(t *testing.T, b block) string {
	t.Helper()
	s.pasted[b.line] = true
	out, err := s.try(t, b.text)
	if err != nil {
		t.Fatalf("docs/runbook.md:%d, %s: %v:\n%s\nprints\n%s", b.line, b.heading, err, b.text, out)
	}
	return out
}

// blocks pastes several.
func (s *shell) blocks(t *testing.T, all []block) {
	t.Helper()
	for _, b := range all {
		s.block(t, b)
	}
}
