//go:build unix

package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// closed tells whether the program was started with its standard output
// closed, as by >&-. The Go runtime has opened /dev/null for reading and
// writing in its place then, and writing to it would succeed.
func closed(stdout *os.File) bool {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	info, err := stdout.Stat()
	if err != nil || !os.SameFile(null, info) {
		return false
	}
	flags, err := unix.FcntlInt(stdout.Fd(), syscall.F_GETFL, 0)
	return err == nil && flags&syscall.O_ACCMODE == syscall.O_RDWR
}
