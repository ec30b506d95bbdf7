package topology

import (
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// Generations is the setting with the generation of the WAL archive of each member
// that was cloned, as NAME=N,NAME=N, where NAME is that of the member: the other
// member lives on, and must not change where it archives.
type Generations string

// generation is a number that may also be a time, as in 20261128093000. This expression
// and the others are compiled when they are needed, because each start would pay for it.
var generation = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[1-9][0-9]{0,17}$`) })

// each calls f with the parts of the setting.
func (g Generations) each(f func(name, number string)) {
	for part := range strings.SplitSeq(string(g), ",") {
		if part = strings.TrimSpace(part); part != "" {
			name, number, _ := strings.Cut(part, "=")
			f(name, number)
		}
	}
}

// of returns the generation of the member called name, or nothing.
func (g Generations) of(name string) string {
	found := ""
	g.each(func(member, number string) {
		if member == name {
			found = number
		}
	})
	return found
}

// validate returns a [*message.Message].
func (g Generations) validate() error {
	var wrong error
	named := make(map[string]bool)
	g.each(func(name, number string) {
		switch {
		case name == "" || CheckClusterName(name) != nil || !generation().MatchString(number):
			wrong = message.New(message.NoGeneration, "word", string(g))
		case named[name]:
			wrong = message.New(message.GenerationTwice, "name", name)
		}
		named[name] = true
	})
	return wrong
}

// ServerName is the name under which a member archives its WAL, where the chart
// names it own, or nothing. The chart's name would be that of both members, and the
// first generation has the name that it would have without any.
func (m Member) ServerName(own string) string {
	name := cmp.Or(own, m.Name)
	if own != "" && m.Role == Replica {
		name += ReplicaSuffix
	}
	if m.Generation != "" && m.Generation != "1" {
		name += "-g" + m.Generation
	}
	return name
}

// megabytes is a size as PostgreSQL takes it for a parameter in megabytes.
var megabytes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) *(B|kB|MB|GB|TB)?$`)
})

// validMegabytes refuses a size that PostgreSQL would refuse: its start-up would
// fail.
func validMegabytes(size string) bool {
	parts := megabytes().FindStringSubmatch(size)
	if parts == nil {
		return false
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	unit := map[string]float64{"B": 1. / (1 << 20), "kB": 1. / (1 << 10), "": 1, "MB": 1, "GB": 1 << 10, "TB": 1 << 20}[parts[2]]
	return err == nil && number*unit <= math.MaxInt32
}
