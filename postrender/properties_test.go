package postrender_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

var (
	streams = flag.Int("streams", 700, "how many generated streams the properties are tested on")
	first   = flag.Uint64("first", 0, "the seed of the first of them")
)

// TestGeneratedStreams checks on generated streams what the output promises.
func TestGeneratedStreams(t *testing.T) {
	paired, judged, read, most := 0, 0, make(map[string]int), *streams
	if few() {
		most = min(most, 100)
	}
	for i := range most {
		seed := *first + uint64(i)
		s := generate(seed)
		in := []byte(s.text)
		fail := func(format string, args ...any) {
			t.Helper()
			t.Logf("seed %d, settings %+v, input:\n%s", seed, settingsFor(seed, s), s.text)
			t.Fatalf(format, args...)
		}

		off, _, err := render(t, postrender.Config{PrimaryRegion: "fsn1", ReplicaRegion: "hel1"}, in)
		if err != nil || string(off) != s.text {
			fail("with hot standby off, the output differs: %v", err)
		}
		c := settingsFor(seed, s)
		out, decisions, err := render(t, c, in)
		if mustPair := c.Active == "none" || c.Active == "replica" || c.Failover == "now"; strings.TrimSpace(s.text) == "" && mustPair {
			if err == nil || !strings.Contains(err.Error(), "the stream is empty") {
				fail("an empty stream: %v", err)
			}
			continue
		}
		if err != nil {
			fail("%v", err)
		}
		for i, d := range decisions {
			if d.Action != postrender.Paired || d.Name != s.names[i] {
				fail("Cluster %d, %s: %+v", i, s.names[i], d)
			}
			paired++
		}
		t.Run("", func(t *testing.T) {
			judgeStream(t, c, in, out, decisions)
			judged++
			for reader := range readers {
				if judgeReading(t, reader, c, in, out, decisions) {
					read[reader]++
				}
			}
		})
		if t.Failed() {
			fail("output:\n%s", out)
		}
		rest := string(out)
		for _, other := range s.others {
			_, after, found := strings.Cut(rest, strings.TrimRight(other, "\r\n"))
			if !found {
				fail("a document that is no Cluster has changed:\n%s", other)
			}
			rest = after
		}
		primaryGrows := c.Side != "replica" && c.Side != "secondary" && c.Clone != "primary" && c.ArchiveGeneration == "" && !s.anew
		lost := lostLine(s.text, string(out), s.loose...)
		if primaryGrows && lost != "" { // unless it is named
			lost = lostLine(s.text, string(out), append(s.loose, namedLost(t, c, in)...)...)
		}
		if primaryGrows && lost != "" {
			fail("a line of the input is gone or out of order: %q\noutput:\n%s", lost, out)
		}
		again, _, err := render(t, c, out)
		if err != nil || string(again) != string(out) {
			fail("a second run changes something: %v", err)
		}
	}
	t.Logf("%d streams, %d Clusters paired, %d judged, read by %v", most, paired, judged, read)
	if paired < most {
		t.Errorf("only %d Clusters of %d streams were paired", paired, most)
	}
	for reader := range readers {
		if read[reader] < judged-3-judged/100 {
			t.Errorf("%s has read %d of %d streams", reader, read[reader], judged)
		}
	}
}

// settingsFor are random settings, with what must name the Clusters of a stream.
func settingsFor(seed uint64, s generated) postrender.Config {
	c := settings(seed)
	if c.PromotionToken != "" { // of each Cluster
		c.PromotionToken = strings.Join(s.names, "="+token+",") + "=" + token
	}
	if seed%3 == 0 && len(s.names) > 0 { // some of the members were cloned
		c.ArchiveGeneration = fmt.Sprintf("%s=2,%s=%d", s.names[0], wantReplicaName(s.names[len(s.names)-1]), seed+1)
	}
	return c
}

// TestGenerated: each shape of a stream meets each setting.
func TestGenerated(t *testing.T) {
	count := make(map[string]map[string]int) // of a setting with a shape
	shapes := make(map[string]bool)
	for seed := range uint64(2500) {
		s := generate(seed)
		c := settingsFor(seed, s)
		for _, setting := range []string{
			"side " + string(c.Side), "replication " + string(c.Replication), "active " + string(c.Active), "failover " + string(c.Failover), "clone " + string(c.Clone),
			fmt.Sprint("token ", c.PromotionToken != ""), fmt.Sprint("generation ", c.ArchiveGeneration != ""), fmt.Sprint("follow ", c.Follow), "wal_keep_size " + c.WALKeepSize,
		} {
			if count[setting] == nil {
				count[setting] = make(map[string]int)
			}
			for shape, is := range s.shapes {
				if is {
					count[setting][shape]++
					shapes[shape] = true
				}
			}
		}
	}
	if len(count) != 5+3+4+3+3+2+2+2+4 || len(shapes) != 5+4+6 {
		t.Errorf("%d settings, %d shapes", len(count), len(shapes))
	}
	for setting, with := range count {
		for shape := range shapes {
			never := setting == "generation true" && shape == "0 Clusters"
			if n := with[shape]; n < 5 != never {
				t.Errorf("%s meets %s %d times", setting, shape, n)
			}
		}
	}
}

// namedLost returns the lines of which a warning says that their comment is lost.
func namedLost(t *testing.T, c postrender.Config, in []byte) (lost []string) {
	t.Helper()
	lines := strings.Split(string(in), "\n")
	warn := func(err error) {
		_, numbers, found := strings.Cut(err.Error(), "without its comments: line ")
		for number := range strings.SplitSeq(numbers, ", ") {
			if n, err := strconv.Atoi(number); found && err == nil {
				lost = append(lost, strings.TrimSuffix(lines[n-1], "\r"))
			}
		}
	}
	if _, err := (&postrender.Renderer{Config: c, Warn: warn}).Render(postrender.Source{Name: "stdin", Data: in}); err != nil {
		t.Fatal(err)
	}
	return lost
}

// lostLine returns the first line of a stream that does not stand, in order, in
// another one. A line with a flow collection, or with nothing but a null, may
// grow; one with an alias may be written out; and so may some others.
func lostLine(in, out string, loose ...string) string {
	rest := strings.Split(out, "\n")
	for line := range strings.SplitSeq(in, "\n") {
		cut := !strings.HasSuffix(in, "\n") && strings.ContainsAny(line, "|>") // its break must be stripped when a line follows
		if cut || strings.ContainsAny(line, "{[}*") || slices.Contains(loose, strings.TrimSuffix(line, "\r")) {
			continue
		}
		i := 0
		for i < len(rest) && strings.TrimSuffix(rest[i], "\r") != strings.TrimSuffix(line, "\r") {
			i++
		}
		if i == len(rest) {
			return line
		}
		rest = rest[i+1:]
	}
	return ""
}
