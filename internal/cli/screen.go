package cli

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const (
	// mostMessages is how many errors, and how many warnings, are printed in full.
	mostMessages = 20

	// longestText is how many characters a message may have.
	longestText = 1000
)

// screen returns a text for a person, on one line: names, values and the names of
// files may come from anybody. Characters that a terminal obeys instead of showing
// them are written as escapes, and what is very long loses its middle.
func screen(s string) string {
	text := []rune(escape(strings.Join(strings.Fields(s), " ")))
	if len(text) > longestText {
		const tail = 200
		return string(text[:longestText-tail]) + " ... " + string(text[len(text)-tail:])
	}
	return string(text)
}

// escape writes control characters, marks of the direction of writing, and bytes that
// are no characters as escapes.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == unicode.ReplacementChar && !strings.HasPrefix(s[i:], string(r)):
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i]), 16))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// screened returns a decision whose words can be shown to a person.
func screened(d postrender.Decision) postrender.Decision {
	d.Namespace, d.Name, d.Source = screen(d.Namespace), screen(d.Name), screen(d.Source)
	if d.Plan != nil {
		plan := *d.Plan
		for _, field := range []*string{&plan.Instances, &plan.Storage, &plan.ShutdownTimeout, &plan.UpdateMethod, &plan.SynchronousCommit,
			&plan.ServerTLSSecret, &plan.Apart, &plan.WALKeepSize, &plan.WALVolume, &plan.Archive} {
			*field = screen(*field)
		}
		plan.Members = slices.Clone(plan.Members)
		for i := range plan.Members {
			plan.Members[i].ArchiveServer = screen(plan.Members[i].ArchiveServer)
		}
		plan.Places = slices.Clone(plan.Places)
		for i := range plan.Places {
			place := &plan.Places[i]
			place.Source, place.Object, place.Path = screen(place.Source), screen(place.Object), screen(place.Path)
			place.Name, place.Key = screen(place.Name), screen(place.Key)
		}
		plan.Secrets = nil
		for _, secret := range d.Plan.Secrets {
			plan.Secrets = append(plan.Secrets, screen(secret))
		}
		d.Plan = &plan
	}
	return d
}

// more says how many messages were not printed.
func more(w io.Writer, severity string, count int) {
	if count > mostMessages {
		report(w, severity, message.New(message.More, "count", strconv.Itoa(count-mostMessages)))
	}
}
