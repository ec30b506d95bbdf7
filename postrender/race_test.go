//go:build race

package postrender_test

func init() { raced = true }
