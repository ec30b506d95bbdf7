// Package sample has something for each operator of the mutants to break.
package sample

import (
	"errors"

	"example.org/sample/inner"
)

type word string

const (
	first  word = "first"
	second word = "second"
	limit       = 3
)

type pair struct {
	name word
	size int
	next *pair
}

var words = map[word]int{first: 1, second: 2}

func largest(numbers []int) (int, error) {
	if len(numbers) == 0 {
		return 0, errors.New("no numbers")
	}
	most := numbers[0]
	for _, n := range numbers {
		if n > limit {
			break
		}
		if n == 2 {
			continue
		}
		if n > most {
			most = n
		}
	}
	return most, nil
}

func wanted(a, b, c bool) bool {
	return a && b || !c
}

func kind(n int) word {
	switch {
	case n <= 1:
		return first
	case n >= limit && n != 7:
		return second
	}
	return ""
}

func chain(name word, size int) *pair {
	p := &pair{name: name, size: size, next: &pair{size: words[name]}}
	p.size += 10
	p.next.size--
	return p
}

func area(width, height int) int {
	sum := 0
	widths := make([]int, 0, height+7)
	for range height {
		widths = append(widths, width)
	}
	for _, one := range widths {
		sum += one
	}
	return sum*2 - width/2 + width%2
}

func bits(x, y uint8) uint8 { return x&y | x<<1 ^ y }

func greet(name string) string { return "hello, " + name }

func open(name string) (closed bool, err error) {
	defer func() { closed = true }()
	return false, inner.Check(name)
}

func unreached(n int) bool { return n > 1 }
