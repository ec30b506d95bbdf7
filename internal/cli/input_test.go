package cli

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReadInto: a stream is read as a whole, whether there is room for it or not, and
// one that fails is an error wherever it does.
func TestReadInto(t *testing.T) {
	const stream = "kind: Cluster\n"
	broken := errors.New("broken")
	for size := range len(stream) + 2 {
		got, err := readInto(make([]byte, size), iotest.OneByteReader(strings.NewReader(stream)))
		if string(got) != stream || err != nil {
			t.Errorf("with room for %d bytes: %q, %v", size, got, err)
		}
		if _, err := readInto(make([]byte, size), io.MultiReader(strings.NewReader(stream), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("with room for %d bytes, a stream that breaks off gives the error %v", size, err)
		}
	}
	if got, err := readInto(nil, strings.NewReader("")); len(got) != 0 || err != nil {
		t.Errorf("an empty stream is %q, %v", got, err)
	}
}
