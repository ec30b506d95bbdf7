package yamledit

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	for stream, want := range map[string][]string{
		"":                                    {""},
		"a: 1\n":                              {"a: 1\n"},
		"---\na: 1\n---\nb: 2":                {"\na: 1\n", "\nb: 2"},
		"a: 1\n--- # remark\nb: 2\n":          {"a: 1\n", "# remark\nb: 2\n"},
		"--- {a: 1}\n---\t\n---":              {"{a: 1}\n", "\n", ""},
		"---a: 1\n---\"b\": 2\n---{c: 3}\n":   {"a: 1\n", "\"b\": 2\n", "{c: 3}\n"},
		"---z: 1\n---A: 1\n---Z: 1\n---'b'\n": {"z: 1\n", "A: 1\n", "Z: 1\n", "'b'\n"},
		"---`\n---@\n---[\n---|\n...a: 1\n":   {"---`\n---@\n---[\n---|\n...a: 1\n"},
		"--\n---":                             {"--\n", ""},
		"a: 1\r\n---\r\nb: 2\r\n":             {"a: 1\r\n", "\r\nb: 2\r\n"},
		"\ufeff---\na: 1\n":                   {"\na: 1\n"},
		"\ufeffa: 1\n":                        {"a: 1\n"},
		"a: |\n  ---\n  b\n ---\n-----\n":     {"a: |\n  ---\n  b\n ---\n-----\n"},
		"a: 1\n...\nb: 2\n... # end\n":        {"a: 1\n", "\nb: 2\n", "# end\n"},
		"a: 1\n....\n...b\n-- -\n---- x\n":    {"a: 1\n....\n...b\n-- -\n---- x\n"},
		"%YAML 1.2\n---\na: 1\n":              {"%YAML 1.2\n", "\na: 1\n"},
		"a: 1\n\n\n---\n\n---\n# b\n":         {"a: 1\n\n\n", "\n\n", "\n# b\n"},
		"-----BEGIN CERTIFICATE-----\n---\n":  {"-----BEGIN CERTIFICATE-----\n", "\n"},
	} {
		var got []string
		for _, p := range Split([]byte(stream)) {
			got = append(got, stream[p.Body:p.End])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", stream, diff)
		}
	}
}

func TestBeginsWithSeparator(t *testing.T) {
	for stream, want := range map[string]bool{
		"---\na: 1\n": true, "--- a\n": true, "---a: 1\n": true, "\ufeff---\n": true, "...\n": true,
		"": false, "a: 1\n": false, "\n---\n": false, " ---\n": false, "----\n": false, "---1\n": false,
	} {
		if got := BeginsWithSeparator([]byte(stream)); got != want {
			t.Errorf("%q: %t", stream, got)
		}
	}
}

func TestIsBlank(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "\n \t\r\n": true, "# a\n\n  # b": true, "a: 1\n": false, "# a\n\n- b\n# c\n": false, "\n---\n": false,
	} {
		if got := IsBlank([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// FuzzSplit: the pieces of any stream join to it, each is on the line that it
// says, and there is no separator within one.
func FuzzSplit(f *testing.F) {
	files, err := filepath.Glob("../../testdata/*/in.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(in)
	}
	f.Fuzz(judgeSplit)
}

// TestSplitJoins is FuzzSplit with streams of the parts that make a difference.
func TestSplitJoins(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"---", "...", "\n", "\r\n", " ", "\t", "a: 1", "#", "\ufeff", "-", "{", "\"", "\x00", "é", "|"}
	for range 20000 {
		var stream []byte
		for range random.IntN(30) {
			stream = append(stream, parts[random.IntN(len(parts))]...)
		}
		judgeSplit(t, stream)
	}
}

// separatorLine is what separates documents, told in another way than by the code
// that is tested.
var separatorLine = regexp.MustCompile(`^(?:(?:---|\.\.\.)(?:[ \t]+|\r|\n|$)|---[a-zA-Z"'{])`)

func judgeSplit(t *testing.T, stream []byte) {
	end := 0
	for i, p := range Split(stream) {
		if p.Start != end || p.Start > p.Body || p.Body > p.End {
			t.Fatalf("%q: piece %+v comes after %d bytes", stream, p, end)
		}
		end = p.End
		if line := 1 + bytes.Count(stream[:p.Body], []byte("\n")); p.Line != line {
			t.Fatalf("%q: piece %+v is on line %d", stream, p, line)
		}
		if i > 0 {
			separator := stream[p.Start:p.Body]
			if blanks := bytes.TrimLeft(separator, "-."); !separatorLine.Match(stream[p.Start:]) || len(separator)-len(blanks) != 3 || len(bytes.Trim(blanks, " \t")) > 0 {
				t.Fatalf("%q: piece %+v does not begin with a separator", stream, p)
			}
		}
		rest := stream[p.Body:p.End]
		for {
			next := bytes.IndexByte(rest, '\n')
			if next < 0 || next+1 == len(rest) {
				break
			}
			if rest = rest[next+1:]; separatorLine.Match(rest) {
				t.Fatalf("%q: there is a separator within piece %+v", stream, p)
			}
		}
	}
	if end != len(stream) {
		t.Fatalf("%q: the pieces end after %d bytes", stream, end)
	}
}
