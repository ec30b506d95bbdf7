package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf16"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// writeJSON writes decisions as docs/explain.schema.json describes them. Characters that
// a terminal obeys instead of showing them are escapes, which mean the same.
func writeJSON(w io.Writer, decisions []postrender.Decision) error {
	if decisions == nil {
		decisions = []postrender.Decision{}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(decisions); err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range text.String() {
		if r == '\n' || unicode.IsGraphic(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeTable writes decisions as an aligned table, one row a Cluster, and below it
// what becomes of those that are paired.
func writeTable(w io.Writer, decisions []postrender.Decision) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAMESPACE\tNAME\tLINE\tDECISION\tREASON\tPRIMARY REGION\tREPLICA REGION")
	for _, d := range decisions {
		d = screened(d)
		primary, replica := "-", "-"
		if d.Plan != nil {
			primary, replica = d.Plan.Members[0].Region, d.Plan.Members[1].Region
		}
		fmt.Fprintf(table, "%s\t%s\t%s:%d\t%s\t%s\t%s\t%s\n", cmp.Or(d.Namespace, "-"), cmp.Or(d.Name, "-"),
			d.Source, d.Line, strings.ReplaceAll(string(d.Action), "-", " "), screen(reason(d)), primary, replica)
	}
	for _, d := range decisions {
		if d.Plan != nil {
			d = screened(d)
			pair{d.Plan, d.Plan.Members[0], d.Plan.Members[1]}.write(table, strings.TrimPrefix(d.Namespace+"/"+d.Name, "/"))
		}
	}
	return table.Flush()
}

// reason is why, and, where hot standby is on but not valid, what to do.
func reason(d postrender.Decision) string {
	if d.Action == postrender.LeftAlone && d.Hint() != "" {
		return d.Text() + ": " + d.Hint()
	}
	return d.Text()
}

// pair says in sentences what a plan is as data.
type pair struct {
	*postrender.Plan
	primary, replica postrender.Member
}

func (p pair) write(table *tabwriter.Writer, name string) {
	table.Flush()
	fmt.Fprintf(table, "\n%s, the pair:\nCLUSTER\tREGION\tNODES\tRENDERED\tROLE\n", name)
	for _, m := range p.Members {
		rendered := "here"
		if !m.Rendered {
			rendered = "on the other side"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", m.Name, m.Region, cmp.Or(m.NodeLabel, "any"), rendered, role(m))
	}
	fmt.Fprintf(table, "\n%s needs:\n%s", name, items(p.needs()))
	if len(p.Places) > 0 {
		fmt.Fprintf(table, "\n%s, where it is named:\nLINE\tOBJECT\tPLACE\tNAME\tRESULT\n", name)
		for _, place := range p.Places {
			fmt.Fprintf(table, "%s:%d\t%s\t%s\t%s\t%s\n", place.Source, place.Line, place.Object, place.Path, named(place), p.result(place))
		}
	}
	if p.Step == "at-rest" {
		fmt.Fprintf(table, "\n%s, with hot standby off and on:\n\tOFF\tON\n", name)
		for _, d := range p.differences() {
			fmt.Fprintln(table, strings.Join(d[:], "\t"))
		}
	}
	if effects := p.effects(); len(effects) > 0 {
		fmt.Fprintf(table, "\n%s, for a running release:\n%s", name, items(effects))
	}
}

// named is what a place names.
func named(place postrender.Place) string {
	if place.Kind == "secret-key" {
		return place.Name + ", key " + place.Key
	}
	return place.Name
}

// result is what becomes of a place.
func (p pair) result(place postrender.Place) string {
	if place.Becomes != "" && place.Kind == "pooler" {
		return "gets a twin for " + p.replica.Name + ", both behind " + place.Becomes
	}
	if place.Becomes != "" {
		return "becomes " + place.Becomes
	}
	switch place.LeadsTo {
	case "login":
		return "stays: the same for both members"
	case "reads":
		return "stays: reads from " + p.primary.Name
	}
	return "stays: leads to " + p.primary.Name + ", whichever member takes writes"
}

func items(sentences []string) string {
	var b strings.Builder
	for _, sentence := range sentences {
		b.WriteString("- " + sentence + "\n")
	}
	return b.String()
}

func role(m postrender.Member) string {
	text := "takes writes"
	switch {
	case m.Writes && m.Token != "":
		text = "takes writes, once it has all rows up to the token"
	case !m.Writes:
		text = fmt.Sprintf("follows %s through %s:5432", m.Follows, m.Host)
	}
	if m.Fenced {
		return "fenced; " + text
	}
	return text
}

// needs are what must be there and no chart renders.
func (p pair) needs() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, m := range p.Members {
		if m.Rendered && m.NodeLabel != "" {
			apart := ""
			if p.Apart != "" && p.several() {
				apart = fmt.Sprintf(", of which no two have the same %s (required pod anti-affinity)", p.Apart)
			}
			say("nodes with the label %s, with room and volumes for %s%s", m.NodeLabel, p.size(), apart)
		}
	}
	other := "replica"
	switch {
	case p.primary.Rendered && p.replica.Rendered:
		say("a network in which the Pods of both regions reach each other on port 5432")
		say("an API server and an operator that survive the loss of either region")
		say("no copies of secrets: both members are in one Kubernetes cluster, and the operator creates them")
		return all
	case p.replica.Rendered:
		other = "primary"
	}
	say("the CloudNativePG operator, and Cilium's ClusterMesh to the %s's Kubernetes cluster", other)
	if len(p.Secrets) > 0 {
		say("copies of the %s's secrets %s, in the same namespace and without owner references", other, enumerate(p.Secrets))
	}
	return all
}

func enumerate(words []string) string {
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return words[0]
}

// several is true for members of more instances than one.
func (p pair) several() bool { return cmp.Or(p.Instances, "1") != "1" }

// size is the room that one member takes.
func (p pair) size() string {
	size := "one instance"
	if p.several() {
		size = p.Instances + " instances"
	}
	if p.Storage != "" {
		size += " of " + p.Storage
	}
	return size
}

// differences compare a release with hot standby off and on, a row each.
func (p pair) differences() [][3]string {
	var here, services, nodes []string
	for _, m := range p.Members {
		if m.Rendered {
			here = append(here, m.Name)
			services = append(services, m.Name+"-rw, -ro, -r")
			nodes = append(nodes, fmt.Sprintf("%s: %s", m.Name, cmp.Or(m.NodeLabel, "any")))
		}
	}
	if !p.primary.Rendered {
		services = append(services, p.primary.Name+"-rw, -ro, -r")
	}
	addresses := p.Services[slices.Index(p.Services, p.WriteAddress):] // those of its Poolers behind it
	all := [][3]string{
		{"Clusters", p.primary.Name, strings.Join(here, ", ")},
		{"each has", p.size(), p.size()},
		{"nodes", "as the chart says", strings.Join(nodes, "; ")},
		{"Services", p.primary.Name + "-rw, -ro, -r", strings.Join(append(append(services, p.Services[0]), addresses...), "; ")},
	}
	all = append(all, [3]string{"write address", p.primary.Name + "-rw", p.WriteAddress + ", whichever member takes writes"})
	if p.primary.Standby != "" && p.primary.Rendered {
		on := p.waitsFor(p.primary)
		if p.SynchronousCommit != "" {
			on += ", if the chart's synchronous_commit says so: " + p.SynchronousCommit
		}
		all = append(all, [3]string{"commits wait for", "what the chart says", on})
	}
	if p.primary.NodeLabel != "" && p.primary.Rendered {
		pods, restart := "Pod", "restarts"
		if p.several() {
			pods, restart = "Pods", "restart"
		}
		all = append(all, [3]string{pods + " of the primary", restart + " when you turn hot standby off", restart + " when you turn hot standby on"})
	}
	return all
}
