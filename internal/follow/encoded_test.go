package follow

import (
	"encoding/base64"
	"testing"
)

// TestMayFindBroken: a value in Base64 is found whatever breaks its lines, wherever it is.
func TestMayFindBroken(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("x postgres://app@db-rw:5432/db"))
	for _, space := range []string{" ", "\t", "\r\n", "\n", "\r", "\n    "} {
		for at := 1; at < len(encoded); at++ {
			text := encoded[:at] + space + encoded[at:]
			for _, text := range []string{text, "a: " + text, "a:|" + text + "\n", "{a: \"" + text + "\"}"} {
				if !finderOf("blog").MayFind([]byte("kind: Secret\ndata:\n" + text)) {
					t.Errorf("%q", text)
				}
			}
		}
	}
}
