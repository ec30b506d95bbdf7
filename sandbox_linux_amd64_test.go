package main

import "golang.org/x/sys/unix"

// allowedHere are the calls that arm64 has not, or by another name; the C library,
// which the tests' own programs start with, still makes the older ones.
var allowedHere = []uintptr{unix.SYS_NEWFSTATAT, unix.SYS_ACCESS, unix.SYS_ARCH_PRCTL, unix.SYS_READLINK, unix.SYS_EPOLL_WAIT, unix.SYS_VFORK}
