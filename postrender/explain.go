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
// below it the effects.
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
		if len(d.Effects) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s, on a living release:\n", strings.TrimPrefix(d.Namespace+"/"+d.Name, "/"))
		for _, effect := range d.Effects {
			fmt.Fprintf(w, "- %s\n", effect)
		}
	}
	return nil
}

// WriteJSON writes decisions as a JSON array of objects with the keys source,
// line, namespace, name, decision, reason, and, where a pair is made,
// primaryRegion, replicaRegion and effects.
func WriteJSON(w io.Writer, decisions []Decision) error {
	if decisions == nil {
		decisions = []Decision{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(decisions)
}
