//go:build unix

package cli

import "syscall"

// reserve returns room for a stream, of which the part costs memory that is written to.
// It is not the garbage collector's, so that a large stream is not copied while it is
// read, and does not let as much rubbish gather. There is none where the system does not
// give it.
func reserve(size int) []byte {
	room, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil
	}
	return room
}
