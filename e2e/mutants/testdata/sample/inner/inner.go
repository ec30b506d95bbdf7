package inner

import "fmt"

func Check(name string) error {
	if name == "" {
		return fmt.Errorf("no name")
	}
	return nil
}
