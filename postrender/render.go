// Package postrender turns single CloudNativePG Clusters of rendered manifests
// into pairs: a primary and a replica in two regions. A [Renderer] is a Helm
// post-renderer; [Expand] does the same to one Cluster, for programs that create
// Clusters themselves.
//
// Goals: no byte changes unnecessarily; a stream is processed as a whole or not at
// all; the results and the reasons are returned as data ([Decision]). Non-goals: the
// package reads no environment unless it is handed one ([ConfigFromEnv]), prints
// nothing, talks to no cluster, and does not fail over.
package postrender

import (
	"bytes"
	"io"
	"maps"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/follow"
	"github.com/openova-io/helm-cnpg-pair/internal/krm"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/netpol"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Renderer turns the single Clusters of rendered manifests into pairs. It is a
// Helm post-renderer: Run has the shape that helm.sh/helm/v3/pkg/postrender and
// helm.sh/helm/v4/pkg/postrenderer ask for.
type Renderer struct {
	Config Config

	// Warn, if set, is called with the reason why hot standby is on but makes no
	// pairs, with each Cluster that cannot be paired, and with each pair that cannot do
	// all that a pair can: a [*ConfigError] or an [*Error]. It is not called when the
	// stream fails.
	Warn func(error)
}

// New returns a Renderer with these settings.
func New(cfg Config) *Renderer { return &Renderer{Config: cfg} }

// Run takes the rendered manifests and returns them with every single Cluster
// turned into a pair. With hot standby off, and the primary active, the result has
// the same bytes. On an error the result is nil; the errors are those of
// [Renderer.Render].
func (r *Renderer) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	result, err := r.Render(Source{Name: "stdin", Data: rendered.Bytes()})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(rendered.Len() + rendered.Len()/8)
	result.WriteTo(&out) // a buffer takes everything
	return &out, nil
}

// Filter is Run for a reader and a writer. Nothing is written unless the whole
// stream could be processed.
func (r *Renderer) Filter(w io.Writer, rendered io.Reader) error {
	data, err := io.ReadAll(rendered)
	if err != nil {
		return err
	}
	result, err := r.Render(Source{Name: "stdin", Data: data})
	if err != nil {
		return err
	}
	_, err = result.WriteTo(w)
	return err
}

// Render processes the sources as one stream: names are compared across all of
// them. Its errors are a [*ConfigError], and one or several joined [*Error].
func (r *Renderer) Render(sources ...Source) (*Result, error) {
	t, err := r.Config.topology()
	if err != nil {
		return nil, err
	}
	if t.Degraded != nil {
		r.warn(&ConfigError{t.Degraded})
	}
	if !t.Enabled {
		return newResult(sources), nil
	}
	p, err := r.process(sources, false)
	if err != nil {
		return nil, err
	}
	if p.empty != nil {
		r.warn(p.empty)
	}
	r.warnOf(p)
	for _, c := range p.selection.candidates {
		switch c.decision.Action {
		case CannotBePaired:
			r.warn(errorAbout(c.Object, cannotBePaired(c.decision)))
		case Paired:
			if wrong := topology.CheckCloning(c.Name); wrong != nil {
				r.warn(errorAbout(c.Object, wrong))
			}
			if wrong := p.archives[c.Object]; wrong != nil {
				r.warn(wrong)
			}
		}
	}
	for _, lost := range p.lost {
		r.warn(lost)
	}
	return p.result, nil
}

// warnOf warns of what stands beside the pairs.
func (r *Renderer) warnOf(p *processed) {
	for _, remark := range p.remarks {
		r.warn(remark.err())
	}
}

// commentsLost says which comments could not be kept.
func commentsLost(lines []int) error {
	var all []string
	for _, line := range lines[:min(len(lines), 10)] {
		all = append(all, strconv.Itoa(line))
	}
	if len(lines) > len(all) {
		all = append(all, "...")
	}
	return &yamledit.Error{Line: lines[0], Err: message.New(message.CommentsLost, "lines", strings.Join(all, ", "))}
}

func (r *Renderer) warn(err error) {
	if r.Warn != nil {
		r.Warn(err)
	}
}

// Explain tells for every Cluster of the sources what Render does with it, also
// with hot standby off. Its errors are those of Render, because it makes the pairs
// too; but it always reads the Clusters, so they must be well-formed. Of the warnings
// it repeats those about other objects than Clusters.
func (r *Renderer) Explain(sources ...Source) ([]Decision, error) {
	p, err := r.process(sources, true)
	if err != nil {
		return nil, err
	}
	r.warnOf(p)
	return p.result.Decisions, nil
}

// processed is a stream behind every step of the pipeline.
type processed struct {
	plans     bool // are wanted
	selection *selection
	result    *Result
	remarks   []remark
	archives  map[*manifest.Object]error // what is wrong with those of Clusters
	empty     error                      // what is wrong with an empty stream
	lost      []error                    // the comments that are not in the result
}

// process is the pipeline: read, select, expand, edit; the plans of pairs are for who
// asks for them. All errors of a stream come
// together.
func (r *Renderer) process(sources []Source, plans bool) (*processed, error) {
	t, err := r.Config.topology()
	if err != nil {
		return nil, err
	}
	p := &processed{plans: plans, result: newResult(sources), archives: make(map[*manifest.Object]error)}
	stream, problems := manifest.Read(p.result.sources)
	selection, more := selectClusters(t, stream)
	p.selection = selection
	problems = append(problems, more...)
	var errs []error
	if t.Enabled && p.result.isEmpty() {
		p.empty = &Error{Source: sources[0].Name, Err: message.New(message.EmptyStream)}
		if t.MustPair {
			errs = append(errs, p.empty)
		}
	}
	for _, c := range selection.candidates {
		if c.decision.Action == CannotBePaired && t.MustPair {
			errs = append(errs, errorAbout(c.Object, cannotBePaired(c.decision)))
		}
		wrong := checkArchive(c)
		c.Park()
		if wrong != nil {
			p.archives[c.Object] = errorAbout(c.Object, wrong)
			if t.Strict {
				errs = append(errs, p.archives[c.Object])
			}
		}
		p.result.Decisions = append(p.result.Decisions, c.decision)
	}
	var found places
	if plans || t.Follow || selection.strays() {
		found = selection.findPlaces(stream)
	}
	p.remarks = append(selection.remarks(stream), selection.strayPlaces(found)...)
	for _, remark := range p.remarks {
		if t.Strict && remark.strictly() {
			errs = append(errs, remark.err())
		}
	}
	problems = append(problems, p.change(stream, found)...)
	p.addPlaces(found)
	if r.Config.Strict {
		errs = append(errs, p.lost...)
	}
	for _, problem := range problems {
		errs = append(errs, errorAbout(problem.Object, problem.Err))
	}
	if len(errs) > 0 {
		return nil, inOrder(sources, errs)
	}
	return p, nil
}

// checkArchive finds a member that is created again and would archive its WAL into
// what it left in the archive before, which nobody would notice until its volume is
// full.
func checkArchive(c *candidate) *message.Message {
	if c.decision.Action != Paired {
		return nil
	}
	archive, err := expand.ArchiveOf(c.Tree())
	if err != nil {
		return nil // which package expand tells
	}
	for _, m := range c.Pair.Members() {
		if server := archive.ServerName(m); m.Role == c.Pair.Clone && m.Generation == "" && server != "" {
			return message.New(message.CloneIntoArchive, "member", string(m.Role), "name", m.Name, "server", server)
		}
	}
	return nil
}

func cannotBePaired(d Decision) error {
	return message.Wrap(message.CannotBePaired, d.message())
}

// change works out what becomes of the objects of a stream, and turns that into
// edits of the sources: one document after the other, because the trees of all members
// together would be much larger than the stream.
func (p *processed) change(stream *manifest.Stream, found places) []manifest.Problem {
	var problems []manifest.Problem
	var pairs []*netpol.Cluster
	paired := make(map[*manifest.Object]int) // the positions of candidates
	for i, c := range p.selection.candidates {
		if c.decision.Action == Paired {
			pairs = append(pairs, &c.Cluster)
			paired[c.Object] = i
		}
	}
	if problems := p.selection.policies.TooLarge(); len(pairs) > 0 && problems != nil {
		return problems
	}
	policies := p.selection.policies.For(pairs, found.poolers.All())
	paths := krm.PathsOf(stream.Objects)
	room := 10 << 20 // for what is added
	for _, source := range p.result.sources {
		room += 4 * len(source.Data)
	}
	for first, last := 0, 0; first < len(stream.Objects); first = last {
		o := stream.Objects[first] // and the others of its document
		inDocument := make(map[*yaml.Node]yamledit.Change)
		var changed *manifest.Object
		count := 0
		var parts []lines
		for last = first; last < len(stream.Objects) && stream.Objects[last].Document == o.Document; last++ {
			other := stream.Objects[last]
			change, changes, err := policies.Of(other)
			if !other.IsPolicy() {
				change, changes, err = p.selection.servants.Of(other, paired)
			}
			if found.poolers.HasTwin(other) {
				change, changes, err = found.poolers.Change(other)
			}
			if i, is := paired[other]; is {
				c := p.selection.candidates[i]
				changes = true
				if change, err = expand.Change(c.Pair, other, found.poolers.Of(other)); err == nil && p.plans {
					p.result.Decisions[i].Plan = planOf(c.Pair, c.Tree(), change, found.poolers.Of(other))
				}
			}
			if err != nil {
				problems = append(problems, manifest.Problem{Object: other, Err: err})
				continue
			}
			if !changes && !found.follows[other] {
				continue
			}
			nodes := follow.Changes{other.Tree(): change}
			if !changes {
				nodes, change.InPlace = found.finder.Follow(found.of(other)), other.Tree()
			}
			if count += nodesOf(change); count > mostNodes {
				problems = append(problems, manifest.Problem{Object: other, Err: message.New(message.DocumentTooLarge)})
				inDocument, changed = nil, nil
				break
			}
			paths.Assign(other, change)
			maps.Copy(inDocument, nodes)
			p.result.add(other, change)
			part := lines{other.Line, o.Document.LastLine()}
			if other == o {
				part.first = o.Document.Line
			}
			if last+1 < len(stream.Objects) && stream.Objects[last+1].Document == o.Document {
				part.last = stream.Objects[last+1].Line - 1
			}
			parts = append(parts, part)
			if changed == nil {
				changed = other
			}
		}
		for ; last < len(stream.Objects) && stream.Objects[last].Document == o.Document; last++ {
		}
		if changed == nil {
			continue
		}
		edits, lost, err := o.Document.Rewrite(inDocument, "# Source:")
		o.Document.Release()
		if err != nil {
			problems = append(problems, manifest.Problem{Object: changed, Err: err})
			continue
		}
		for _, e := range edits {
			room -= len(e.New)
		}
		if room < 0 {
			return append(problems, manifest.Problem{Object: changed, Err: message.New(message.StreamTooLarge)})
		}
		if len(lost) > 0 {
			p.lost = append(p.lost, errorAbout(changed, commentsLost(lost)))
		}
		for i := range p.result.sources {
			if &p.result.sources[i] == o.Source {
				p.result.edits[i] = append(p.result.edits[i], edits...)
				p.result.changed[i] = append(p.result.changed[i], parts...)
			}
		}
	}
	return problems
}

// mostNodes is how many nodes the objects may have that take the place of others in
// one document: a few hundred are those of a pair.
const mostNodes = 100_000

func nodesOf(c yamledit.Change) int {
	nodes := yamledit.Count(c.InPlace)
	for _, added := range c.Added {
		nodes += yamledit.Count(added.Tree)
	}
	return nodes
}
