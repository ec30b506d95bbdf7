//go:build !unix

package cli

func reserve(int) []byte { return nil }
