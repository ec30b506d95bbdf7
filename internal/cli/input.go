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

// readStream reads standard input to its end, block by block. It lets go of those that it
// has joined, so that a large stream is not in memory twice.
func readStream(r io.Reader) (postrender.Source, error) {
	const size, atOnce = 1 << 20, 8
	var blocks [][]byte
	length := 0
	var err error
	for err == nil {
		var n int
		block := make([]byte, size)
		n, err = io.ReadFull(r, block)
		blocks = append(blocks, block[:n])
		length += n
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	data := make([]byte, 0, length)
	for i, block := range blocks {
		data = append(data, block...)
		blocks[i] = nil
		if (i+1)%atOnce == 0 {
			debug.FreeOSMemory()
			debug.SetGCPercent(20) // rubbish that grows with the stream would be much, too
		}
	}
	return postrender.Source{Name: "stdin", Data: data}, readError("stdin", err)
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
