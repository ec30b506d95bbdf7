// Command picture draws what cnpg-pair makes of blog-db.yaml, as cnpg-pair diff
// prints it in colour, for the README. It writes the SVG to standard output.
//
//	picture blog-db.yaml
package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: picture FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

// The page is as wide as GitHub shows a README, so that nothing is scaled.
const (
	width  = 830
	column = 428 // from one to the next
	margin = 12
	size   = 11.5 // of the font; the widest line has 59 characters of 0.602 em
	step   = 15   // from line to line
	top    = 62   // the first line of the diff
)

const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title desc">
<title id="title">%[3]s</title>
<desc id="desc">A coloured diff. Green lines are added, the others are the chart's; none is taken away. The chart's Cluster gets labels, a node affinity for its region and the Service blog-db-mesh. Behind it stands a second Cluster, blog-db-replica, which follows the first one from the other region.</desc>
<style>
text { font: %[4]gpx ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; fill: #1f2328; white-space: pre; }
.page { fill: #ffffff; stroke: #d1d9e0; }
.band { fill: #dafbe1; }
.add { fill: #116329; }
.hunk { fill: #0969da; }
.file { font-weight: bold; }
.say { fill: #59636e; font-family: system-ui, "Segoe UI", "DejaVu Sans", "Liberation Sans", sans-serif; font-size: 13px; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.page { fill: #0d1117; stroke: #3d444d; }
.band { fill: #12261e; }
.add { fill: #7ee787; }
.hunk { fill: #79c0ff; }
.say { fill: #9198a1; }
}
</style>
`

func run(file string, w io.Writer) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	name := filepath.Base(file)
	config := postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"}
	result, err := postrender.New(config).Render(postrender.Source{Name: name, Data: data})
	if err != nil {
		return err
	}
	var diff strings.Builder
	if err := result.WriteDiff(&diff, true); err != nil {
		return err
	}
	// the replica begins at its separator
	primary, replica, found := strings.Cut(diff.String(), colourOf["add"]+"+---"+end+"\n")
	if !found {
		return fmt.Errorf("no pair was made of %s", file)
	}
	columns := [][]string{lines(primary), lines(colourOf["add"] + "+---" + end + "\n" + replica)}
	height := top + max(len(columns[0]), len(columns[1]))*step

	var b bytes.Buffer
	title := "cnpg-pair diff " + name + ": one Cluster goes in, a primary in fsn1 and its replica in hel1 come out"
	fmt.Fprintf(&b, head, width, height, escaped(title), size)
	fmt.Fprintf(&b, "<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", width-1, height-1)
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"22\">$ cnpg-pair diff %s</text>\n", margin, escaped(name))
	for i, said := range []string{"The chart's Cluster becomes the primary, in fsn1 …", "… and behind it stands its replica, in hel1."} {
		x := margin + i*column
		fmt.Fprintf(&b, "<text class=\"say\" x=\"%d\" y=\"%d\">%s</text>\n", x, top-19, escaped(said))
		for row, line := range columns[i] {
			class, text := class(line)
			y := top + row*step
			if class == "add" {
				fmt.Fprintf(&b, "<rect class=\"band\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", x-4, y-11, min(column, width-i*column)-margin, step)
			}
			fmt.Fprintf(&b, "<text class=\"%s\" x=\"%d\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", class, x, y, escaped(text))
		}
	}
	b.WriteString("</svg>\n")
	_, err = w.Write(b.Bytes())
	return err
}

// The colours of a terminal, by the class that a line gets for them.
var colourOf = map[string]string{"file": "\x1b[1m", "hunk": "\x1b[36m", "add": "\x1b[32m", "remove": "\x1b[31m"}

const end = "\x1b[m"

// class takes the colours off a line.
func class(line string) (class, text string) {
	for class, colour := range colourOf {
		if text, ok := strings.CutPrefix(line, colour); ok {
			return class, strings.Replace(strings.TrimSuffix(text, end), "\t", "  ", 1)
		}
	}
	return "same", line
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func escaped(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}
