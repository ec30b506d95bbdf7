package cli

import (
	"errors"
	"os"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// TestReadTerminal: nobody is kept waiting for manifests that nobody types.
func TestReadTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer terminal.Close()
	p := &Process{Stdin: terminal}
	_, err = p.Read()
	var said *message.Message
	var misused *usageError
	if !errors.As(err, &said) || said.ID != message.Terminal || !errors.As(err, &misused) {
		t.Errorf("%v", err)
	}
}
