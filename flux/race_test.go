//go:build race

package flux

func init() { raced = true }
