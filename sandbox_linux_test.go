//go:build amd64 || arm64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// jailVariable names the program that the test binary runs in the jail.
const jailVariable = "E2E_JAIL"

func init() {
	others["jailed"] = func() { jail(os.Getenv(jailVariable), os.Args[1:]) }
	others["offender"] = offend
}

// allowed are the system calls of a Go program that reads files, writes to the
// descriptors that it was given, and may run another program, which is then bound by
// the same list. None of them can change a file system, and none makes a socket;
// openat is looked at more closely.
var allowed = []uintptr{
	unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_WRITE, unix.SYS_COPY_FILE_RANGE, unix.SYS_SPLICE, unix.SYS_SENDFILE, unix.SYS_CLOSE, unix.SYS_LSEEK,
	unix.SYS_FSTAT, unix.SYS_STATX, unix.SYS_READLINKAT, unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2, unix.SYS_GETCWD,
	unix.SYS_FCNTL, unix.SYS_IOCTL, unix.SYS_DUP, unix.SYS_DUP3, unix.SYS_PIPE2,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_BRK, unix.SYS_MINCORE,
	unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_GETTIMEOFDAY,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETPID, unix.SYS_GETTID,
	unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID, unix.SYS_UNAME, unix.SYS_GETRANDOM,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_TGKILL,
	unix.SYS_PRLIMIT64, unix.SYS_PRCTL, unix.SYS_RSEQ, unix.SYS_SET_ROBUST_LIST, unix.SYS_SET_TID_ADDRESS, unix.SYS_RESTART_SYSCALL,
	unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_EXECVE, unix.SYS_WAIT4, unix.SYS_WAITID,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}

// jail runs a program in the place of this one. The kernel kills it at the first
// system call that is not allowed, and at the first file that it opens for writing.
func jail(program string, args []string) {
	const (
		numberAt   = 0 // in seccomp_data
		archAt     = 4
		openFlagAt = 32 // the low half of openat's third argument
		writing    = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND
	)
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	answer := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	// unless skips the next steps, unless the condition holds
	unless := func(test uint16, value uint32, steps uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: value, Jf: steps}
	}
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	filter := []unix.SockFilter{
		load(archAt),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1},
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		load(numberAt),
		unless(unix.BPF_JEQ, unix.SYS_OPENAT, 4),
		load(openFlagAt),
		unless(unix.BPF_JSET, writing, 1),
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		answer(unix.SECCOMP_RET_ALLOW),
	}
	for _, number := range slices.Concat(allowed, allowedHere) {
		filter = append(filter, unless(unix.BPF_JEQ, uint32(number), 1), answer(unix.SECCOMP_RET_ALLOW))
	}
	filter = append(filter, answer(unix.SECCOMP_RET_KILL_PROCESS))
	rules := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}

	// a filter is the thread's; exec leaves no other thread
	runtime.LockOSThread()
	argv := append([]string{program}, args...)
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&rules)), 0, 0)
	}
	if err == nil {
		err = syscall.Exec(program, argv, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "jail:", err)
	os.Exit(125)
}

// jailed makes the test binary run this program in the jail, and skips the test where
// the kernel has none; in CI none may be skipped.
func jailed(t *testing.T, program, name string) {
	t.Helper()
	link(t, filepath.Join(filepath.Dir(name), "jailed"))
	// a test binary of go test -cover would write to this folder at its end
	script := fmt.Sprintf("#!/bin/sh\nGOCOVERDIR= %s='%s' exec '%s' \"$@\"\n", jailVariable, program, filepath.Join(filepath.Dir(name), "jailed"))
	if err := os.WriteFile(name, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(name, "--version").CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") == "" && bytes.HasPrefix(out, []byte("jail: ")):
		t.Skipf("this kernel has no seccomp filters for us: %s", out)
	default:
		t.Fatalf("%v: %s", err, out)
	}
}

// TestSandbox: no network and no written files. All cases but a few print in the jail,
// with every command, what they print outside, where one forbidden system call would be
// the end. TestOffenders proves the jail.
func TestSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("TestCases runs the same cases, without the jail")
	}
	programs, bin := t.TempDir(), t.TempDir()
	goBuild(t, filepath.Join(programs, "cnpg-pair"), ".")
	goBuild(t, filepath.Join(programs, "cnpg-pair-flux"), "./cmd/cnpg-pair-flux")
	jailed(t, filepath.Join(programs, "cnpg-pair"), filepath.Join(bin, "cnpg-pair"))
	var left atomic.Int32
	t.Run("cases", func(t *testing.T) {
		runCases(t, bin, func(t *testing.T, script string) bool {
			fits := !strings.Contains(script, "&-") && // Go's runtime opens /dev/null for writing in the place of a closed descriptor
				!strings.Contains(script, "--then ") && // it runs programs that are not ours
				!strings.Contains(script, "PATH=") // it moves the program away from cnpg-pair-flux, and would move the jail's door
			if !fits {
				left.Add(1)
			}
			return fits
		})
	})
	if n := left.Load(); n > 6 {
		t.Errorf("%d cases do not run in the jail", n)
	}
}

// offences are what the jail is for; each works outside it.
var offences = map[string]func(dir string) error{
	"write":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "new"), nil, 0o644) },
	"append":   func(dir string) error { return open(filepath.Join(dir, "old"), os.O_WRONLY|os.O_APPEND) },
	"truncate": func(dir string) error { return open(filepath.Join(dir, "old"), os.O_RDONLY|os.O_TRUNC) },
	"update":   func(dir string) error { return open(filepath.Join(dir, "old"), os.O_RDWR) },
	"mkdir":    func(dir string) error { return os.Mkdir(filepath.Join(dir, "folder"), 0o755) },
	"remove":   func(dir string) error { return os.Remove(filepath.Join(dir, "old")) },
	"rename":   func(dir string) error { return os.Rename(filepath.Join(dir, "old"), filepath.Join(dir, "new")) },
	"link":     func(dir string) error { return os.Symlink("old", filepath.Join(dir, "new")) },
	"chmod":    func(dir string) error { return os.Chmod(filepath.Join(dir, "old"), 0o600) },
	"listen": func(string) error {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		return errors.Join(err, listener.Close())
	},
	"send": func(string) error {
		conn, err := net.Dial("udp", "127.0.0.1:9")
		return errors.Join(err, conn.Close())
	},
	"unix": func(dir string) error {
		listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
		return errors.Join(err, listener.Close())
	},
	"another program": func(dir string) error { return exec.Command("touch", filepath.Join(dir, "new")).Run() },
}

func open(name string, flag int) error {
	file, err := os.OpenFile(name, flag, 0)
	return errors.Join(err, file.Close())
}

// offend is a program that commits one offence.
func offend() {
	if len(os.Args) < 3 {
		os.Exit(0)
	}
	if err := offences[os.Args[1]](os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestOffenders: a program that writes, or opens a socket, does so outside the jail,
// and dies in it.
func TestOffenders(t *testing.T) {
	bin := t.TempDir()
	free, caged := filepath.Join(bin, "offender"), filepath.Join(bin, "caged")
	link(t, free)
	jailed(t, free, caged)
	for name := range offences {
		t.Run(name, func(t *testing.T) {
			for _, program := range []string{free, caged} {
				dir := t.TempDir()
				old := filepath.Join(dir, "old")
				if err := os.WriteFile(old, []byte("old"), 0o644); err != nil {
					t.Fatal(err)
				}
				out, err := exec.Command(program, name, dir).CombinedOutput()
				if program == free {
					if err != nil {
						t.Fatalf("outside the jail it fails: %v: %s", err, out)
					}
					continue
				}
				if err == nil {
					t.Fatal("the jail lets it")
				}
				files, _ := os.ReadDir(dir)
				text, _ := os.ReadFile(old)
				if len(files) != 1 || string(text) != "old" {
					t.Errorf("the folder has changed: %v, %q", files, text)
				}
				var exit *exec.ExitError
				killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGSYS
				if !killed && name != "another program" { // there touch is killed, and the offender says so
					t.Errorf("not killed for it: %v: %s", err, out)
				}
			}
		})
	}
}
