// Command release makes the files of a release: the plugin for Helm 4 with the
// programs of all systems in it, one for Helm 3 and each system, what is in the
// programs, and the checksums. The same source, Go version and kind of machine make
// the same bytes.
package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// stamp is every file's time: bytes must not depend on the hour.
var stamp = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run() error {
	out := flag.String("out", "dist/release", "the folder, which is emptied first")
	platforms := flag.String("platforms", "", "systems and architectures, as in linux/amd64, separated by spaces")
	cyclonedx := flag.String("cyclonedx", "", "the program cyclonedx-gomod")
	helm := flag.String("helm", "helm", "Helm 4, which signs")
	key := flag.String("key", "", "sign with the key of this name")
	keyring := flag.String("keyring", "", "the file with the key")
	passphrase := flag.String("passphrase-file", "", "the file with the key's passphrase")
	flag.Parse()

	version, err := pluginVersion()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(*out); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	stage, err := os.MkdirTemp("", "cnpg-pair-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)

	licenses, err := thirdParty()
	if err != nil {
		return err
	}
	helm4 := filepath.Join(stage, "helm4", "cnpg-pair")
	if err := fill(helm4, "plugin.yaml", licenses); err != nil {
		return err
	}
	for platform := range strings.FieldsSeq(*platforms) {
		system, arch, _ := strings.Cut(platform, "/")
		suffix := ""
		if system == "windows" {
			suffix = ".exe"
		}
		helm3 := filepath.Join(stage, system+"-"+arch, "cnpg-pair-helm3")
		if err := fill(helm3, "release/helm3/plugin.yaml", licenses); err != nil {
			return err
		}
		for _, program := range []struct{ name, pkg string }{{"cnpg-pair", "."}, {"cnpg-pair-flux", "./cmd/cnpg-pair-flux"}} {
			built := filepath.Join(helm3, "bin", program.name+suffix)
			if err := build(built, system, arch, program.pkg, version); err != nil {
				return err
			}
			if err := copyFile(built, filepath.Join(helm4, "bin", system+"-"+arch, program.name+suffix), 0o755); err != nil {
				return err
			}
			// the modules are the same on every system, which a test holds
			bom := filepath.Join(*out, fmt.Sprintf("%s-%s.cdx.json", program.name, version))
			if _, err := os.Stat(bom); errors.Is(err, fs.ErrNotExist) {
				err = command(*cyclonedx, "bin", "-json", "-std", "-noserial", "-notimestamp", "-version", "v"+version, "-output", bom, built)
				if err != nil {
					return err
				}
			}
		}
		if err := pack(filepath.Join(*out, fmt.Sprintf("cnpg-pair-helm3-%s-%s-%s.tgz", version, system, arch)), helm3); err != nil {
			return err
		}
	}

	if *key == "" {
		err = pack(filepath.Join(*out, "cnpg-pair-"+version+".tgz"), helm4)
	} else {
		err = sign(*helm, helm4, *out, *key, *keyring, *passphrase)
	}
	if err != nil {
		return err
	}
	return checksums(*out)
}

// pluginVersion is that of plugin.yaml, which is the release's.
func pluginVersion() (string, error) {
	text, err := os.ReadFile("plugin.yaml")
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^version: (\S+)$`).FindSubmatch(text)
	if found == nil {
		return "", errors.New("plugin.yaml has no version")
	}
	// a release that is tagged otherwise would contradict its programs
	version := string(found[1])
	tag, err := exec.Command("git", "describe", "--tags", "--exact-match").Output()
	if got := strings.TrimSpace(string(tag)); err == nil && got != "v"+version {
		return "", fmt.Errorf("the tag is %s, but plugin.yaml says %s", got, version)
	}
	return version, nil
}

// fill puts what is no program into a plugin's folder.
func fill(folder, plugin string, licenses []byte) error {
	return cmp.Or(
		copyFile(plugin, filepath.Join(folder, "plugin.yaml"), 0o644),
		copyFile("LICENSE", filepath.Join(folder, "LICENSE"), 0o644),
		copyFile("README.md", filepath.Join(folder, "README.md"), 0o644),
		os.WriteFile(filepath.Join(folder, "LICENSES-OTHERS"), licenses, 0o644),
	)
}

// build makes a program that needs no other files and knows its version. What a
// user may have set for all builds is set here, so that it changes no bytes.
func build(file, system, arch, pkg, version string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.release=v"+version, "-o", file, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch,
		"GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s for %s/%s: %w", filepath.Base(file), system, arch, err)
	}
	return nil
}

// thirdParty returns the licenses of the modules that are linked into the programs,
// and Go's: most of them ask that a binary carries them.
func thirdParty() ([]byte, error) {
	list := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}|{{.Dir}}{{end}}{{end}}`, ".", "./cmd/cnpg-pair-flux")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-mod=readonly", "GOWORK=off")
	list.Stderr = os.Stderr
	modules, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var all bytes.Buffer
	seen := make(map[string]bool)
	for line := range strings.Lines("Go|" + string(root) + string(modules)) {
		name, folder, _ := strings.Cut(strings.TrimSpace(line), "|")
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		found := false
		for _, pattern := range []string{"LICENSE*", "COPYING*", "NOTICE*"} {
			files, err := filepath.Glob(filepath.Join(folder, pattern))
			if err != nil {
				return nil, err
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					return nil, err
				}
				found = true
				fmt.Fprintf(&all, "==== %s: %s\n\n%s\n", name, filepath.Base(file), bytes.TrimSpace(text))
			}
		}
		if !found {
			return nil, fmt.Errorf("%s has no license in %s", name, folder)
		}
	}
	return all.Bytes(), nil
}

// sign has Helm pack and sign the plugin, because its signature is over its own
// archive. That holds the packer's user besides the files, but not the hour.
func sign(helm, folder, out, key, keyring, passphrase string) error {
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		return cmp.Or(err, os.Chtimes(path, stamp, stamp))
	})
	if err != nil {
		return err
	}
	args := []string{"plugin", "package", "--sign", "--key", key, "--destination", out}
	if keyring != "" {
		args = append(args, "--keyring", keyring)
	}
	if passphrase != "" {
		args = append(args, "--passphrase-file", passphrase)
	}
	return command(helm, append(args, folder)...)
}

// pack writes a folder into an archive that depends on nothing but the names and
// the contents of its files.
func pack(file, folder string) error {
	archive, err := os.Create(file)
	if err != nil {
		return err
	}
	defer archive.Close()
	zip, err := gzip.NewWriterLevel(archive, gzip.BestCompression)
	if err != nil {
		return err
	}
	tape := tar.NewWriter(zip)
	parent := filepath.Dir(folder)
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(parent, path)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: filepath.ToSlash(name), ModTime: stamp, Mode: 0o755, Format: tar.FormatUSTAR}
		if entry.IsDir() {
			header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
			return tape.WriteHeader(header)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// by the folder, because Windows knows no executable files
		if filepath.Base(filepath.Dir(path)) == filepath.Base(folder) {
			header.Mode = 0o644
		}
		header.Typeflag, header.Size = tar.TypeReg, int64(len(text))
		if err := tape.WriteHeader(header); err != nil {
			return err
		}
		_, err = tape.Write(text)
		return err
	})
	return cmp.Or(err, tape.Close(), zip.Close(), archive.Close())
}

// checksums writes SHA256SUMS, as sha256sum --check reads it.
func checksums(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), entry.Name())
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), sums.Bytes(), 0o644)
}

func copyFile(from, to string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return cmp.Or(err, out.Close())
}

func command(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
