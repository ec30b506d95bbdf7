package postrender

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable writes decisions as an aligned table, one row for each Cluster, and
// below it the plans of those that are paired.
func WriteTable(w io.Writer, decisions []Decision) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAMESPACE\tNAME\tLINE\tDECISION\tREASON\tPRIMARY REGION\tREPLICA REGION")
	for _, d := range decisions {
		fmt.Fprintf(table, "%s\t%s\t%s:%d\t%s\t%s\t%s\t%s\n", cmp.Or(d.Namespace, "-"), cmp.Or(d.Name, "-"),
			d.Source, d.Line, d.Action, d.Reason, cmp.Or(d.PrimaryRegion, "-"), cmp.Or(d.ReplicaRegion, "-"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, d := range decisions {
		if d.Plan != nil {
			if err := d.Plan.write(w, strings.TrimPrefix(d.Namespace+"/"+d.Name, "/")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Plan) write(w io.Writer, name string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s, the pair:\nCLUSTER\tREGION\tNODES\tRENDERED\tROLE\n", name)
	for _, half := range p.Halves {
		rendered := "here"
		if !half.Rendered {
			rendered = "on the other side"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", half.Name, half.Region, cmp.Or(half.Nodes, "any"), rendered, half.Role)
	}
	fmt.Fprintf(table, "\n%s needs:\n%s", name, items(p.Needs))
	if len(p.Differences) > 0 {
		fmt.Fprintf(table, "\n%s, with hot standby off and on:\n\tOFF\tON\n", name)
		for _, d := range p.Differences {
			fmt.Fprintf(table, "%s\t%s\t%s\n", d.What, d.Off, d.On)
		}
	}
	if len(p.Effects) > 0 {
		fmt.Fprintf(table, "\n%s, on a living release:\n%s", name, items(p.Effects))
	}
	return table.Flush()
}

func items(sentences []string) string {
	var b strings.Builder
	for _, sentence := range sentences {
		b.WriteString("- " + sentence + "\n")
	}
	return b.String()
}

// WriteJSON writes decisions as a JSON array, of the shape that
// docs/explain.schema.json has.
func WriteJSON(w io.Writer, decisions []Decision) error {
	if decisions == nil {
		decisions = []Decision{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(decisions)
}
