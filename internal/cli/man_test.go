package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the man pages into docs/man")

// TestManPages compares the man pages with those that are made now: one of each
// command, because its flags are its own.
func TestManPages(t *testing.T) {
	const folder = "../../docs/man"
	root := newRoot(&parser{})
	root.DisableAutoGenTag = true
	root.InitDefaultHelpCmd()
	made := make(map[string]string)
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		showArguments := func(f *pflag.Flag) { f.DefValue = strings.ReplaceAll(f.Value.Type(), toggle, "true") }
		cmd.LocalFlags().VisitAll(showArguments)
		var page bytes.Buffer
		// the day of the page is that of its version, not of its making
		header := &doc.GenManHeader{Date: new(time.Time), Source: "cnpg-pair"}
		if err := doc.GenMan(cmd, header, &page); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(page.String(), `"Jan 0001"`, `""`)
		made[strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"] = text
	}
	if *update {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range made {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := make(map[string]string)
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kept[file.Name()] = string(text)
	}
	if diff := cmp.Diff(kept, made); diff != "" {
		t.Errorf("run make docs (-kept +made):\n%s", diff)
	}
}
