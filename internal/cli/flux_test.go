package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunFlux: the program beside this one is run, or the one in PATH; and where there is
// none, the error says so.
func TestRunFlux(t *testing.T) {
	if os.Getenv("RUN_FLUX") != "" { // we are the program
		p := &Process{Args: []string{"flux", "a b"}, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
		fmt.Println(RunFlux(p, Flux{}))
		os.Exit(0)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	beside, path := t.TempDir(), t.TempDir()
	write(filepath.Join(beside, "cnpg-pair"), string(text))
	for _, tt := range []struct{ beside, path, want string }{
		{"beside", "path", "beside: flux a b: exit status 3"},
		{"", "path", "path: flux a b: exit status 3"},
		{"", "", "the program cnpg-pair-flux is neither beside cnpg-pair nor on PATH"},
	} {
		for folder, name := range map[string]string{beside: tt.beside, path: tt.path} {
			program := filepath.Join(folder, "cnpg-pair-flux")
			os.Remove(program)
			if name != "" {
				write(program, "#!/bin/sh\necho \""+name+": $*: \"; exit 3\n")
			}
		}
		cmd := exec.Command(filepath.Join(beside, "cnpg-pair"), "-test.run", "^TestRunFlux$")
		cmd.Env = append(os.Environ(), "RUN_FLUX=1", "PATH="+path)
		out, err := cmd.Output()
		if got := strings.ReplaceAll(string(out), "\n", ""); err != nil || got != tt.want {
			t.Errorf("%+v: %q, %v", tt, out, err)
		}
	}
}
