// Package active is compiled into the programs under test: it tells each switch in
// them whether its mutant is the one that runs.
package active

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

var (
	number, _ = strconv.Atoi(os.Getenv("MUTANT"))
	trace     = os.Getenv("MUTANT_TRACE") // the folder that gets a file for each switch that is reached
	traced    sync.Map
)

// On reports whether mutant n runs.
func On(n int) bool {
	if trace != "" {
		if _, known := traced.LoadOrStore(n, true); !known {
			if err := os.WriteFile(filepath.Join(trace, strconv.Itoa(n)), nil, 0o600); err != nil {
				panic(err)
			}
		}
	}
	return n == number
}

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

func Inc[T integer](n int, x T) T {
	if On(n) {
		return x + 1
	}
	return x
}

func Dec[T integer](n int, x T) T {
	if On(n) {
		return x - 1
	}
	return x
}

func Neg[T integer](n int, x T) T {
	if On(n) {
		return -x
	}
	return x
}

func Zero[T any](n int, x T) (zero T) {
	if On(n) {
		return zero
	}
	return x
}

// NoError is Zero for errors: the zero value of an error's own type is an error.
func NoError(n int, err error) error {
	if On(n) {
		return nil
	}
	return err
}

func Text[T ~string](n int, x T) T {
	if On(n) {
		return "mutant"
	}
	return x
}
