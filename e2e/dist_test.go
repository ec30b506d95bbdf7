package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/google/go-cmp/cmp"
)

// systems are those that a release is for.
var systems = []string{"linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "windows-amd64", "windows-arm64"}

// packages is what make dist has made, once for all tests, and signed.
type packages struct {
	dir, version   string
	public, secret string // keyrings
}

var thePackages = sync.OnceValues(func() (packages, error) {
	dir, err := os.MkdirTemp("", "cnpg-pair-dist-")
	if err != nil {
		return packages{}, err
	}
	atExit = append(atExit, func() { os.RemoveAll(dir) })
	r := packages{dir: filepath.Join(dir, "release"), public: filepath.Join(dir, "public.gpg"), secret: filepath.Join(dir, "secret.gpg")}
	text, err := os.ReadFile("../plugin.yaml")
	if err != nil {
		return r, err
	}
	r.version = regexp.MustCompile(`(?m)^version: (.*)$`).FindStringSubmatch(string(text))[1]
	if err := newKey(r.public, r.secret); err != nil {
		return r, err
	}
	helm4, err := exec.Command("./tools.sh", "helm4").Output()
	if err != nil {
		return r, err
	}
	return r, makeDist("..", nil, "RELEASE="+r.dir, "HELM="+strings.TrimSpace(string(helm4)), "KEY=Throw-away", "KEYRING="+r.secret)
})

func dist(t *testing.T) packages {
	t.Helper()
	r, err := thePackages()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// file is the path of a package; system is empty for that of Helm 4.
func (r packages) file(system string) string {
	if system == "" {
		return filepath.Join(r.dir, "cnpg-pair-"+r.version+".tgz")
	}
	return filepath.Join(r.dir, "cnpg-pair-helm3-"+r.version+"-"+system+".tgz")
}

func makeDist(dir string, env []string, args ...string) error {
	cmd := exec.Command("make", append([]string{"-C", dir, "dist"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make dist: %w\n%s", err, out)
	}
	return nil
}

// newKey writes both parts of a new key.
func newKey(public, secret string) error {
	key, err := openpgp.NewEntity("Throw-away", "", "throw-away@example.org", nil)
	if err != nil {
		return err
	}
	var ring bytes.Buffer
	if err := key.SerializePrivate(&ring, nil); err != nil {
		return err
	}
	if err := os.WriteFile(secret, ring.Bytes(), 0o600); err != nil {
		return err
	}
	ring.Reset()
	if err := key.Serialize(&ring); err != nil {
		return err
	}
	return os.WriteFile(public, ring.Bytes(), 0o644)
}

// entry is a file of an archive.
type entry struct {
	header *tar.Header
	text   []byte
}

func unpack(t *testing.T, file string) map[string]entry {
	t.Helper()
	archive, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	zip, err := gzip.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]entry)
	tape := tar.NewReader(zip)
	for {
		header, err := tape.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tape)
		if err != nil {
			t.Fatal(err)
		}
		all[header.Name] = entry{header, text}
	}
}

func pack(t *testing.T, file string, all map[string]entry) {
	t.Helper()
	var archive bytes.Buffer
	zip := gzip.NewWriter(&archive)
	tape := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := tape.WriteHeader(all[name].header); err != nil {
			t.Fatal(err)
		}
		if _, err := tape.Write(all[name].text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tape.Close(), zip.Close(), os.WriteFile(file, archive.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// helmHome is the environment of a Helm that has nothing installed.
func helmHome(t *testing.T) (dir string, env []string) {
	dir = t.TempDir()
	return dir, []string{"HELM_DATA_HOME=" + dir, "HELM_CONFIG_HOME=" + dir, "HELM_CACHE_HOME=" + dir, "HELM_PLUGINS=" + dir + "/plugins"}
}

// TestDistContents: each package has the programs of its systems, which are static,
// know the release's version, and consist of what the lists beside them say.
func TestDistContents(t *testing.T) {
	r := dist(t)
	if out, err := exec.Command("sh", "-c", `cd "$1" && sha256sum --check SHA256SUMS`, "sh", r.dir).CombinedOutput(); err != nil {
		t.Errorf("SHA256SUMS: %v\n%s", err, out)
	}
	helm4 := unpack(t, r.file(""))
	for _, system := range systems {
		helm3 := unpack(t, r.file(system))
		goos, arch, _ := strings.Cut(system, "-")
		suffix := map[string]string{"windows": ".exe"}[goos]
		for _, name := range []string{"cnpg-pair", "cnpg-pair-flux"} {
			built := helm3["cnpg-pair-helm3/bin/"+name+suffix]
			if !bytes.Equal(built.text, helm4["cnpg-pair/bin/"+system+"/"+name+suffix].text) {
				t.Errorf("%s: the two packages have another %s", system, name)
			}
			info, err := buildinfo.Read(bytes.NewReader(built.text))
			if err != nil {
				t.Fatalf("%s: %s: %v", system, name, err)
			}
			settings := make(map[string]string)
			for _, setting := range info.Settings {
				settings[setting.Key] = setting.Value
			}
			for key, want := range map[string]string{"GOOS": goos, "GOARCH": arch, "CGO_ENABLED": "0", "-trimpath": "true"} {
				if settings[key] != want {
					t.Errorf("%s: %s: %s is %q", system, name, key, settings[key])
				}
			}
			if built.header.Mode != 0o755 {
				t.Errorf("%s: %s has mode %o", system, name, built.header.Mode)
			}
			linked := []string{"std " + strings.Fields(info.GoVersion)[0]}
			for _, module := range info.Deps {
				linked = append(linked, module.Path+" "+module.Version)
			}
			slices.Sort(linked)
			if diff := cmp.Diff(linked, r.components(t, name)); diff != "" {
				t.Errorf("%s: %s is not what its list says (-program +list):\n%s", system, name, diff)
			}
			if goos == "linux" {
				file, err := elf.NewFile(bytes.NewReader(built.text))
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
					t.Errorf("%s: %s is not static", system, name)
				}
			}
			if system == runtime.GOOS+"-"+runtime.GOARCH {
				file := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(file, built.text, 0o755); err != nil {
					t.Fatal(err)
				}
				out, _, err := run(nil, "", file, "--version")
				if want := "cnpg-pair v" + r.version + " " + info.GoVersion + "\n"; err != nil || out != want {
					t.Errorf("%s says it is %q, not %q: %v", name, out, want, err)
				}
			}
		}
		for _, file := range []string{"plugin.yaml", "LICENSE", "LICENSES-OTHERS", "README.md"} {
			if len(helm3["cnpg-pair-helm3/"+file].text) == 0 || len(helm4["cnpg-pair/"+file].text) == 0 {
				t.Errorf("%s: no %s", system, file)
			}
		}
		if len(helm3) != 8 { // and two folders
			t.Errorf("%s: %d files: %v", system, len(helm3), slices.Sorted(maps.Keys(helm3)))
		}
	}
}

// components returns what a CycloneDX list says of a program.
func (r packages) components(t *testing.T, program string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, program+"-"+r.version+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Format     string `json:"bomFormat"`
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	if list.Format != "CycloneDX" || list.Metadata.Component.Version != "v"+r.version {
		t.Errorf("the list of %s is %s of %s", program, list.Format, list.Metadata.Component.Version)
	}
	for _, component := range list.Components {
		all = append(all, component.Name+" "+component.Version)
	}
	slices.Sort(all)
	return all
}

// TestDistReproducible: a copy of the sources elsewhere, and nothing compiled before,
// make the same bytes. Without -trimpath they would not, which proves the comparison.
func TestDistReproducible(t *testing.T) {
	r := dist(t)
	files, _, err := run(nil, "", "git", "-C", "..", "ls-files")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "another folder")
	for name := range strings.Lines(files) {
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(elsewhere, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, info.Mode())); err != nil {
			t.Fatal(err)
		}
	}
	system := runtime.GOOS + "-" + runtime.GOARCH
	again := packages{dir: filepath.Join(elsewhere, "again"), version: r.version}
	err = makeDist(elsewhere, []string{"GOCACHE=" + t.TempDir(), "GOFLAGS=", "GOAMD64=v2", "TZ=Asia/Tokyo"},
		"RELEASE=again", "PLATFORMS="+strings.Replace(system, "-", "/", 1))
	if err != nil {
		t.Fatal(err)
	}
	sums := func(r packages) map[string]string {
		text, err := os.ReadFile(filepath.Join(r.dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		all := make(map[string]string)
		for line := range strings.Lines(string(text)) {
			sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
			all[name] = sum
		}
		return all
	}
	first, second := sums(r), sums(again)
	delete(second, "cnpg-pair-"+r.version+".tgz") // of one system only
	if len(second) != 3 {
		t.Errorf("%d files to compare: %v", len(second), second)
	}
	for name, sum := range second {
		if first[name] != sum {
			t.Errorf("%s is not the same: %s and %s", name, first[name], sum)
		}
	}
	evidence(t, "reproduced in another folder, compiled again", "%v", slices.Sorted(maps.Keys(second)))

	var untrimmed [][]byte
	for _, dir := range []string{"..", elsewhere} {
		file := filepath.Join(t.TempDir(), "cnpg-pair")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", file, ".")
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		untrimmed = append(untrimmed, text)
	}
	if bytes.Equal(untrimmed[0], untrimmed[1]) {
		t.Error("a build without -trimpath is the same in both folders, so this test proves nothing")
	}
}

// TestDistHelm4: Helm 4 verifies and installs the package, and renders with it; it
// takes none that was changed, has no signature, or was signed by somebody else.
func TestDistHelm4(t *testing.T) {
	r := dist(t)
	helm4 := tool(t, "helm4")
	install := func(t *testing.T, dir, keyring string) (helm, string, error) {
		home, env := helmHome(t)
		stdout, stderr, err := run(env, "", helm4, "plugin", "install", filepath.Join(dir, filepath.Base(r.file(""))), "--keyring", keyring)
		if _, missing := os.Stat(filepath.Join(home, "plugins", "cnpg-pair")); (missing == nil) != (err == nil) {
			t.Errorf("plugin install: %v, but the plugin's folder: %v", err, missing)
		}
		return helm{helm4, env, []string{"--post-renderer", "cnpg-pair"}}, stdout + stderr, err
	}
	t.Run("signed", func(t *testing.T) {
		h, out, err := install(t, r.dir, r.public)
		if err != nil || !strings.Contains(out, "Plugin Hash Verified: sha256:") || !strings.Contains(out, "Signed by: Throw-away") {
			t.Fatalf("%v\n%s", err, out)
		}
		if list := h.must(t, nil, "plugin", "list"); !regexp.MustCompile(`cnpg-pair\s+` + regexp.QuoteMeta(r.version) + `\s`).MatchString(list) {
			t.Errorf("helm plugin list:\n%s", list)
		}
		expectPair(t, h)
		version := h.must(t, nil, "version", "--short")
		evidence(t, "verified and installed by Helm 4", "%s", strings.TrimSpace(version))
	})
	copied := func(t *testing.T, names ...string) string {
		dir := t.TempDir()
		for _, name := range names {
			text, err := os.ReadFile(r.file("") + name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(r.file(""))+name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	refused := func(t *testing.T, dir, keyring, want string) {
		_, out, err := install(t, dir, keyring)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("not refused with %q: %v\n%s", want, err, out)
		}
	}
	t.Run("one byte changed", func(t *testing.T) {
		dir := copied(t, "", ".prov")
		all := unpack(t, r.file(""))
		program := all["cnpg-pair/bin/"+runtime.GOOS+"-"+runtime.GOARCH+"/cnpg-pair"].text
		program[len(program)-1] ^= 1
		pack(t, filepath.Join(dir, filepath.Base(r.file(""))), all)
		refused(t, dir, r.public, "plugin verification failed: sha256 sum does not match")
	})
	t.Run("not signed", func(t *testing.T) {
		refused(t, copied(t, ""), r.public, "no provenance file (.prov) found")
	})
	t.Run("signed by another", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "other.gpg")
		if err := newKey(other, other+".secret"); err != nil {
			t.Fatal(err)
		}
		refused(t, r.dir, other, "plugin verification failed: ")
	})
}

// expectPair renders the example chart with the post-renderer.
func expectPair(t *testing.T, h helm) {
	t.Helper()
	out, stderr, err := h.template(t, chart, hotStandby, h.postRenderer...)
	if err != nil {
		t.Fatal(stderr)
	}
	if clusters, _ := clustersAndOthers(t, out); len(clusters) != 2 {
		t.Errorf("%d Clusters:\n%s", len(clusters), out)
	}
}

// helm3Plugin is Helm 3 with its package unpacked into its plugins.
func helm3Plugin(t *testing.T, r packages) helm {
	t.Helper()
	home, env := helmHome(t)
	plugins := filepath.Join(home, "plugins")
	if err := os.MkdirAll(plugins, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xzf", r.file(runtime.GOOS+"-"+runtime.GOARCH), "-C", plugins).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return helm{tool(t, "helm3"), env, []string{"--post-renderer", filepath.Join(plugins, "cnpg-pair-helm3", "bin", "cnpg-pair")}}
}

// TestDistHelm3: the package is a command of Helm 3, and its program a post-renderer.
func TestDistHelm3(t *testing.T) {
	r := dist(t)
	h := helm3Plugin(t, r)
	if list := h.must(t, nil, "plugin", "list"); !regexp.MustCompile(`cnpg-pair\s+` + regexp.QuoteMeta(r.version) + `\s`).MatchString(list) {
		t.Errorf("helm plugin list:\n%s", list)
	}
	expectPair(t, h)
	manifests, stderr, err := h.template(t, chart, nil)
	if err != nil {
		t.Fatal(stderr)
	}
	for command, want := range map[string]string{
		"":                  "\n  name: blog-db-replica\n",
		"diff":              "\n+  name: blog-db-replica\n",
		"explain":           "blog-db-replica",
		"flux --substitute": "SOVEREIGN_PRIMARY_REGION",
		"--version":         "cnpg-pair v" + r.version + " ",
	} {
		t.Run("helm cnpg-pair "+command, func(t *testing.T) {
			args := append([]string{"cnpg-pair"}, strings.Fields(command)...)
			out, stderr, err := run(append(h.env, hotStandby...), manifests, h.program, args...)
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("%v\n%s%s", err, out, stderr)
			}
		})
	}
	// Helm 4's post-renderer answers with a document in the place of an error
	t.Run("an error", func(t *testing.T) {
		out, stderr, err := run(append(h.env, hotStandby...), "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: a}\nspec: 1\n", h.program, "cnpg-pair")
		if err == nil || out != "" || !strings.Contains(stderr, "cnpg-pair: error: stdin:4: ") {
			t.Errorf("%v\n%s%s", err, out, stderr)
		}
	})
	t.Run("installed from its folder", func(t *testing.T) {
		_, env := helmHome(t)
		linked := helm{h.program, env, nil}
		linked.must(t, nil, "plugin", "install", filepath.Dir(filepath.Dir(h.postRenderer[1])))
		if out := linked.must(t, nil, "cnpg-pair", "--version"); !strings.Contains(out, "cnpg-pair v"+r.version+" ") {
			t.Error(out)
		}
	})
	version := h.must(t, nil, "version", "--short")
	evidence(t, "a command and a post-renderer of Helm 3", "%s", strings.TrimSpace(version))
}

// TestDistBeside is what the README says of both packages in one folder of plugins: it
// has to be one for each Helm, as in the other tests. Only the path that Helm 3 takes
// for a post-renderer works there.
func TestDistBeside(t *testing.T) {
	r := dist(t)
	three := helm3Plugin(t, r)
	four := helm{tool(t, "helm4"), three.env, []string{"--post-renderer", "cnpg-pair"}}
	if out := four.must(t, nil, "cnpg-pair", "--version"); !strings.Contains(out, "cnpg-pair v"+r.version+" ") {
		t.Errorf("alone, the package for Helm 3 is a command of Helm 4 too:\n%s", out)
	}
	four.must(t, nil, "plugin", "install", r.file(""), "--keyring", r.public)
	for _, c := range []struct {
		helm helm
		args []string
		want string
	}{
		{four, []string{"plugin", "list"}, `two plugins claim the name "cnpg-pair"`},
		{four, append([]string{"template", "blog", chart}, four.postRenderer...), `two plugins claim the name "cnpg-pair"`},
		{three, []string{"plugin", "list"}, `unknown field "apiVersion"`},
		{three, []string{"cnpg-pair", "--version"}, `unknown field "apiVersion"`},
	} {
		if out, err := c.helm.run(hotStandby, c.args...); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("helm %s: %v, without %q:\n%s", strings.Join(c.args, " "), err, c.want, out)
		}
	}
	expectPair(t, three)
}
