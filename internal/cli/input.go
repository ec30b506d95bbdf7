package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime/debug"

	"golang.org/x/term"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// Read reads files, or standard input where none is named.
func (p *Process) Read(files ...string) ([]postrender.Source, error) {
	if len(files) == 0 {
		if term.IsTerminal(int(p.Stdin.Fd())) {
			return nil, misuse(message.New(message.Terminal))
		}
		files = []string{"-"}
	}
	var sources []postrender.Source
	for _, file := range files {
		var source postrender.Source
		var err error
		if file == "-" && closed(p.Stdin) {
			err = message.New(message.StdinClosed)
		} else if file == "-" {
			source, err = readStream(p.Stdin)
		} else {
			source.Name = file
			source.Data, err = os.ReadFile(file)
			err = readError(file, err)
		}
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// readStream reads standard input to its end.
func readStream(r io.Reader) (postrender.Source, error) {
	data, err := readInto(reserve(256<<20), r)
	if len(data) > 8<<20 {
		debug.SetGCPercent(100) // what there is beside the stream is small
	}
	return postrender.Source{Name: "stdin", Data: data}, readError("stdin", err)
}

// readInto reads to the end, into the room as far as it is large enough.
func readInto(room []byte, r io.Reader) ([]byte, error) {
	read, err := io.ReadFull(r, room)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return room[:read:read], nil
	} else if err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(r)
	if len(room) == 0 {
		return rest, err
	}
	return append(room[:read:read], rest...), err
}

func readError(name string, err error) error {
	if err == nil {
		return nil
	}
	return message.Wrap(message.Read, cause(err), "name", name)
}

// cause is what the system says, in one way for all systems: without the path.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
