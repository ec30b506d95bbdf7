package sample

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// TestMain makes the test binary a program that a test runs.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "greet" {
		fmt.Print(greet(os.Args[2]))
		return
	}
	os.Exit(m.Run())
}

func TestGreet(t *testing.T) {
	out, err := exec.Command(os.Args[0], "greet", "you").CombinedOutput()
	if err != nil || string(out) != "hello, you" {
		t.Errorf("%q: %v", out, err)
	}
}

func TestSample(t *testing.T) {
	var got string
	for _, numbers := range [][]int{nil, {1}, {1, 3, 2}, {2, 1}, {1, 2}, {1, 4}, {1, 9, 3}, {0, 1}} {
		got += fmt.Sprintln(largest(numbers))
	}
	for _, a := range []bool{false, true} {
		for _, b := range []bool{false, true} {
			got += fmt.Sprintln(wanted(a, b, false), wanted(a, b, true))
		}
	}
	for n := range 9 {
		got += fmt.Sprintf("%q\n", kind(n))
	}
	for _, name := range []word{first, second} {
		p := chain(name, 7)
		got += fmt.Sprintln(p.name, p.size, p.next.size)
	}
	got += fmt.Sprintln(area(5, 3), bits(0b1100, 0b0101))
	got += fmt.Sprintln(open("a"))
	got += fmt.Sprintln(open(""))
	want, err := os.ReadFile("want")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s", got)
	}
}
