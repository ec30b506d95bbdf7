package release

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// programs stand in for those that dist.sh runs: they say into their files what they
// were asked for.
var programs = map[string]string{
	"go": `[ ! -e fail-$1 ] || exit 1
case $1 in
env) echo "$PWD/goroot" ;;
list) echo "example.org/b v1|$PWD/b"; echo "example.org/a v2|$PWD/a"; echo; echo "example.org/b v1|$PWD/b" ;;
build)
	for arg; do [ "$last" != -o ] || file=$arg; last=$arg; done
	mkdir -p "${file%/*}"
	echo "$GOOS $GOARCH $CGO_ENABLED $GOFLAGS" >"$file"
	chmod 755 "$file"
	;;
esac`,
	"git":       `[ -e tag ] && cat tag`,
	"cyclonedx": `[ ! -e fail-cyclonedx ] && for arg; do [ "$last" != -output ] || echo list >"$arg"; last=$arg; done`,
	"helm":      `for arg; do [ "$last" != --destination ] || echo "$*" >"$arg/signed.tgz"; last=$arg; done`,
}

// repository is a small one with the script under test.
func repository(t *testing.T) string {
	t.Helper()
	if out, err := exec.Command("tar", "--version").Output(); err != nil || !strings.Contains(string(out), "GNU tar") {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have GNU tar: %v", err)
		}
		t.Skipf("this machine has no GNU tar: %v", err)
	}
	script, err := os.ReadFile("dist.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a folder")
	write(t, dir, map[string]string{
		"release/dist.sh": string(script), "release/helm3/plugin.yaml": "version: 1.2.3\nfor: Helm 3\n",
		"plugin.yaml": "version: 1.2.3\n", "LICENSE": "ours\n", "README.md": "read me\n",
		"goroot/LICENSE": "Go's\n", "a/LICENSE.txt": "a's\n", "a/NOTICE": "a's too\n", "b/COPYING": "b's\n", "b/other.txt": "nobody's\n",
	})
	for name, script := range programs {
		write(t, dir, map[string]string{"programs/" + name: "#!/bin/sh\n" + script + "\n"})
		if err := os.Chmod(filepath.Join(dir, "programs", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func dist(dir string, args ...string) error {
	cmd := exec.Command("sh", append([]string{"release/dist.sh"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "programs")+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// list returns the files of a folder with their contents, those of archives too.
func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func unpack(t *testing.T, text string) string {
	t.Helper()
	zip, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !zip.ModTime.IsZero() || zip.Name != "" {
		t.Errorf("the archive names a file or a time: %+v", zip.Header)
	}
	var all strings.Builder
	for tape := tar.NewReader(zip); ; {
		header, err := tape.Next()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) || header.Uid+header.Gid != 0 || header.Uname+header.Gname != "" {
			t.Errorf("%s depends on who packs it, or when: %+v", header.Name, header)
		}
		content, err := io.ReadAll(tape)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(content), "\n")
		fmt.Fprintf(&all, "%o %s %s\n", header.Mode, header.Name, first)
	}
}

func TestDist(t *testing.T) {
	dir := repository(t)
	if err := dist(dir, "dist/release", "cyclonedx", "linux/amd64 windows/arm64"); err != nil {
		t.Fatal(err)
	}
	files := list(t, filepath.Join(dir, "dist/release"))
	var sums strings.Builder
	for _, c := range []struct{ name, want string }{
		{"cnpg-pair-1.2.3.tgz", `755 cnpg-pair/ 
644 cnpg-pair/LICENSE ours
644 cnpg-pair/LICENSES-OTHERS ==== Go: LICENSE
644 cnpg-pair/README.md read me
755 cnpg-pair/bin/ 
755 cnpg-pair/bin/linux-amd64/ 
755 cnpg-pair/bin/linux-amd64/cnpg-pair linux amd64 0 -mod=readonly
755 cnpg-pair/bin/linux-amd64/cnpg-pair-flux linux amd64 0 -mod=readonly
755 cnpg-pair/bin/windows-arm64/ 
755 cnpg-pair/bin/windows-arm64/cnpg-pair-flux.exe windows arm64 0 -mod=readonly
755 cnpg-pair/bin/windows-arm64/cnpg-pair.exe windows arm64 0 -mod=readonly
644 cnpg-pair/plugin.yaml version: 1.2.3
`},
		{"cnpg-pair-1.2.3.cdx.json", ""},
		{"cnpg-pair-flux-1.2.3.cdx.json", ""},
		{"cnpg-pair-helm3-1.2.3-linux-amd64.tgz", ""},
		{"cnpg-pair-helm3-1.2.3-windows-arm64.tgz", `755 cnpg-pair-helm3/ 
644 cnpg-pair-helm3/LICENSE ours
644 cnpg-pair-helm3/LICENSES-OTHERS ==== Go: LICENSE
644 cnpg-pair-helm3/README.md read me
755 cnpg-pair-helm3/bin/ 
755 cnpg-pair-helm3/bin/cnpg-pair-flux.exe windows arm64 0 -mod=readonly
755 cnpg-pair-helm3/bin/cnpg-pair.exe windows arm64 0 -mod=readonly
644 cnpg-pair-helm3/plugin.yaml version: 1.2.3
`},
	} {
		text, there := files[c.name]
		if !there {
			t.Errorf("no %s", c.name)
		}
		if c.want != "" {
			if diff := cmp.Diff(c.want, unpack(t, text)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
	}
	for _, name := range []string{"cnpg-pair-1.2.3.cdx.json", "cnpg-pair-1.2.3.tgz", "cnpg-pair-flux-1.2.3.cdx.json",
		"cnpg-pair-helm3-1.2.3-linux-amd64.tgz", "cnpg-pair-helm3-1.2.3-windows-arm64.tgz"} {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(files[name])), name)
	}
	if diff := cmp.Diff(sums.String(), files["SHA256SUMS"]); diff != "" || len(files) != 6 {
		t.Errorf("%d files, SHA256SUMS (-want +got):\n%s", len(files), diff)
	}

	t.Run("again, over the first", func(t *testing.T) {
		if err := dist(dir, "dist/release/", "cyclonedx", "windows/arm64 linux/amd64"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(files["SHA256SUMS"], list(t, filepath.Join(dir, "dist/release"))["SHA256SUMS"]); diff != "" {
			t.Errorf("another time, other bytes (-first +second):\n%s", diff)
		}
	})
}

func TestSigned(t *testing.T) {
	dir := repository(t)
	if err := dist(dir, "out", "cyclonedx", "", "helm", "plugin", "package", "--key", "of me"); err != nil {
		t.Fatal(err)
	}
	files := list(t, filepath.Join(dir, "out"))
	if _, ours := files["cnpg-pair-1.2.3.tgz"]; ours || !strings.HasPrefix(files["signed.tgz"], "plugin package --key of me --destination ") {
		t.Errorf("not signed by Helm, which packs too: %v", files)
	}
}

// TestRefused: nothing is done to a folder that is not a release, and all of it.
func TestRefused(t *testing.T) {
	for name, change := range map[string]map[string]string{
		"another file":          {"mine": ""},
		"another file, hidden":  {".mine": ""},
		"a file in a folder":    {"folder/mine": ""},
		"a changed file":        {"cnpg-pair-1.2.3.tgz": "mine"},
		"another list of files": {"SHA256SUMS": "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t)
			if err := dist(dir, "out", "cyclonedx", "linux/amd64"); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "out"), change)
			before := list(t, dir)
			err := dist(dir, "out", "cyclonedx", "linux/amd64")
			if err == nil || !strings.Contains(err.Error(), "out holds something else than a release") {
				t.Errorf("not refused: %v", err)
			}
			if diff := cmp.Diff(before, list(t, dir)); diff != "" {
				t.Errorf("files have changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestFails: where a step fails, none follows, and the earlier release is left.
func TestFails(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"no version":         {"plugin.yaml", "name: a\n", "plugin.yaml has no version"},
		"another tag":        {"tag", "v9.9.9\n", "the tag is v9.9.9, but plugin.yaml says 1.2.3"},
		"go list fails":      {"fail-list", "", "exit status 1"},
		"go build fails":     {"fail-build", "", "exit status 1"},
		"cyclonedx fails":    {"fail-cyclonedx", "", "exit status 1"},
		"a module's license": {"b/COPYING", "", "example.org/b v1 has no license in "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t)
			if err := dist(dir, "out", "cyclonedx", "linux/amd64"); err != nil {
				t.Fatal(err)
			}
			write(t, dir, map[string]string{c.file: c.text})
			if name == "a module's license" {
				if err := os.Remove(filepath.Join(dir, c.file)); err != nil {
					t.Fatal(err)
				}
			}
			before := list(t, dir)
			err := dist(dir, "out", "cyclonedx", "linux/arm64")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, not %q", err, c.want)
			}
			if diff := cmp.Diff(before, list(t, dir)); diff != "" {
				t.Errorf("files have changed (-before +after):\n%s", diff)
			}
		})
	}
}
