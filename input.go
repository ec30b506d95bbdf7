package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// readSources reads the files, or standard input where none is named.
func readSources(files []string, stdin *os.File) ([]postrender.Source, error) {
	if len(files) == 0 {
		if term.IsTerminal(int(stdin.Fd())) {
			return nil, misuse("pipe rendered manifests in, or name files; see cnpg-pair --help", "no input: standard input is a terminal")
		}
		files = []string{"-"}
	}
	var sources []postrender.Source
	for _, file := range files {
		name, data, err := file, []byte(nil), error(nil)
		if file == "-" {
			name = "stdin"
			data, err = readAll(stdin)
		} else {
			data, err = os.ReadFile(file)
		}
		if err != nil {
			err = readError(name, err)
			if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(file, "./") {
				err = misuse("if a command is meant: they are "+strings.Join(commands, ", "), "%w", err)
			}
			return nil, err
		}
		sources = append(sources, postrender.Source{Name: name, Data: data})
	}
	return sources, nil
}

func readError(name string, err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// readAll reads a stream in blocks and joins them once, so that a large one is
// never held more than twice.
func readAll(r io.Reader) ([]byte, error) {
	const (
		block = 1 << 20
		large = 8 << 20
	)
	var blocks [][]byte
	total := 0
	for {
		b := make([]byte, min(block, 4096<<min(len(blocks), 8)))
		n, err := io.ReadFull(r, b)
		blocks = append(blocks, b[:n])
		total += n
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	all := make([]byte, 0, total)
	for _, b := range blocks {
		all = append(all, b...)
	}
	if total > large {
		blocks = nil
		debug.FreeOSMemory()   // the blocks would stay beside the joined stream
		debug.SetGCPercent(50) // and so would as much rubbish as the stream is long
	}
	return all, nil
}
