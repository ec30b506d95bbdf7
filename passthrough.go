package main

import (
	"bufio"
	"io"
	"io/fs"
	"os"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// passesThrough tells whether standard input comes out as it goes in. It need
// not be held for that if it is a pipe, which does not fail in the middle as a
// file may: nothing is written of a stream that cannot be read to its end.
func passesThrough(opts options, stdin *os.File) bool {
	on, _ := opts.config.Check()
	if on || opts.command != "" || len(opts.files) > 0 {
		return false
	}
	info, err := stdin.Stat()
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// passThroughOrRead copies standard input to the output, or else returns the
// sources. A ResourceList is never copied, because it may hold other settings.
func passThroughOrRead(opts options, renderer *postrender.Renderer, stdin *os.File, out io.Writer) ([]postrender.Source, error) {
	if !passesThrough(opts, stdin) {
		return readSources(opts.files, stdin)
	}
	stream := bufio.NewReader(stdin)
	if !mayBeResourceList(stream) {
		return nil, passThrough(renderer, stream, out)
	}
	data, err := readAll(stream)
	if err != nil {
		return nil, readError("stdin", err)
	}
	return []postrender.Source{{Name: "stdin", Data: data}}, nil
}

// passThrough copies the stream; the renderer, which gets nothing to render,
// judges the settings.
func passThrough(renderer *postrender.Renderer, stdin io.Reader, out io.Writer) error {
	if _, err := renderer.Render(); err != nil {
		return err
	}
	buffer := make([]byte, 1<<16) // what a pipe holds
	// without their other methods, which would take a smaller buffer
	_, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{stdin}, buffer)
	return readError("stdin", err)
}
