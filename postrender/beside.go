package postrender

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// What stands beside the pairs in a stream, and does not fit them: a Service that
// reaches both members, a certificate that names only one.

// remark is what is wrong with an object beside a pair.
type remark struct {
	object *manifest.Object
	about  *message.Message
	line   int // of the stream; 0 for that of the object
}

// err is the remark as an error.
func (r remark) err() error {
	if r.line > 0 {
		return errorAbout(r.object, &yamledit.Error{Line: r.line, Err: r.about})
	}
	return errorAbout(r.object, r.about)
}

// strictly tells whether the remark is an error in strict mode.
func (r remark) strictly() bool {
	return r.about.ID == message.ServiceReachesBoth || r.about.ID == message.CannotFollow
}

// remarks are all of a stream.
func (s *selection) remarks(stream *manifest.Stream) []remark {
	var paired []*candidate
	for _, c := range s.candidates {
		if c.decision.Action == Paired {
			paired = append(paired, c)
		}
	}
	if len(paired) == 0 {
		return nil
	}
	return append(servicesToBoth(stream, paired), certificatesOfOne(stream, paired)...)
}

// servicesToBoth finds the Services that select Pods of both members, so that what
// connects to them reaches the primary or the replica by chance.
func servicesToBoth(stream *manifest.Stream, paired []*candidate) []remark {
	words := make(map[string]bool) // a Service that reaches both has one of them
	for _, c := range paired {
		of := podsOf(c, c.Pair.Replica)[0]
		for _, pod := range podsOf(c, c.Pair.Primary) {
			for label, value := range pod {
				switch {
				case of[label] != value && label != "role" && label != "cnpg.io/instanceRole": // by it, a Service reaches one
				case value == "" || value == anyVersion || strings.HasPrefix(label, "cnpg.io/"):
					words[label] = true
				default:
					words[value] = true
				}
			}
		}
		c.Park()
	}
	pods := make([][2][]podLabels, len(paired)) // of those that a Service was compared with
	var all []remark
	for o := range stream.Find("Service", slices.Sorted(maps.Keys(words))...) {
		annotations, _ := yamledit.MappingAt(o.Tree(), "metadata.annotations")
		global := yamledit.Scalar(annotations, expand.AnnotationGlobal) == "true"
		selector, err := yamledit.MappingAt(o.Tree(), "spec.selector")
		kind, _ := yamledit.StringAt(o.Tree(), "spec.type")
		if o.APIVersion != "v1" || err != nil || selector == nil || len(selector.Content) == 0 || kind == "ExternalName" {
			continue
		}
		for i, c := range paired {
			here := c.Pair.Primary.Here && c.Pair.Replica.Here
			if !here && !global || !manifest.SameNamespace(o.Namespace, c.Namespace) {
				continue
			}
			if pods[i][0] == nil {
				pods[i] = [2][]podLabels{podsOf(c, c.Pair.Primary), podsOf(c, c.Pair.Replica)}
				c.Park()
			}
			reaches := func(pods []podLabels) bool {
				return slices.ContainsFunc(pods, func(pod podLabels) bool { return pod.has(selector) })
			}
			if reaches(pods[i][0]) && reaches(pods[i][1]) {
				all = append(all, remark{o, message.New(message.ServiceReachesBoth, "primary", c.Name, "replica", c.Pair.Replica.Name), 0})
			}
		}
	}
	return all
}

// certificatesOfOne finds the chart's own server certificates, which both members
// use, that do not name the Services of the pair.
func certificatesOfOne(stream *manifest.Stream, paired []*candidate) []remark {
	users := make(map[string][]*candidate) // by the name of the secret
	for _, c := range paired {
		if secret, _ := yamledit.StringAt(c.Tree(), expand.PathServerTLSSecret); secret != "" {
			users[secret] = append(users[secret], c)
		}
		c.Park()
	}
	if len(users) == 0 {
		return nil
	}
	var all []remark
	check := func(o *manifest.Object, secret string, names []string) {
		for _, c := range users[secret] {
			for _, host := range []string{c.Pair.WriteAddress, writeHost(c.Pair.Replica)} {
				named := slices.ContainsFunc(names, func(name string) bool { return isNameOf(name, host) })
				if len(names) > 0 && !named && manifest.SameNamespace(o.Namespace, c.Namespace) {
					all = append(all, remark{o, message.New(message.CertificateOfOne, "host", host, "cluster", c.Name), 0})
				}
			}
		}
	}
	secrets := slices.Sorted(maps.Keys(users))
	for o := range stream.Find("Secret", secrets...) {
		if o.APIVersion == "v1" && len(users[o.Name]) > 0 {
			check(o, o.Name, namesOfSecret(o.Tree()))
		}
	}
	for o := range stream.Find("Certificate", secrets...) {
		spec, err := yamledit.MappingAt(o.Tree(), "spec")
		if o.Group() != "cert-manager.io" || err != nil {
			continue
		}
		names := []string{yamledit.Scalar(spec, "commonName")}
		if list, _ := yamledit.SequenceAt(spec, "dnsNames"); list != nil {
			for _, name := range list.Content {
				names = append(names, name.Value)
			}
		}
		check(o, yamledit.Scalar(spec, "secretName"), names)
	}
	return all
}

// writeHost is the Service that leads to the instance of a member that takes writes
// when the member does.
func writeHost(m topology.Member) string { return m.Name + "-rw" }

// isNameOf tells whether a name of a certificate is that of a Service, long or short.
// A wildcard stands for the Services of a namespace.
func isNameOf(name, host string) bool {
	first, _, _ := strings.Cut(name, ".")
	return first == "*" || strings.EqualFold(first, host)
}

// namesOfSecret are the names in the certificate of a Secret, none where it has no
// certificate that can be read.
func namesOfSecret(secret *yaml.Node) []string {
	plain, _ := yamledit.MappingAt(secret, "stringData")
	text := yamledit.Scalar(plain, "tls.crt")
	if text == "" {
		data, _ := yamledit.MappingAt(secret, "data")
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(yamledit.Scalar(data, "tls.crt")), ""))
		if err != nil {
			return nil
		}
		text = string(decoded)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil
	}
	return dnsNames(block.Bytes)
}

// dnsNames are those of a certificate in DER, from its extension subjectAltName.
// crypto/x509 would read it too, but makes every start of the program slower.
func dnsNames(certificate []byte) []string {
	_, value, found := bytes.Cut(certificate, []byte("\x06\x03\x55\x1d\x11"))
	if !found {
		return nil
	}
	value = bytes.TrimPrefix(value, []byte("\x01\x01\xff")) // critical
	const octets, sequence, dnsName = 0x04, 0x30, 0x82
	for _, wanted := range []byte{octets, sequence} {
		tag, content, _, ok := nextDER(value)
		if !ok || tag != wanted {
			return nil
		}
		value = content
	}
	var names []string
	for {
		tag, content, rest, ok := nextDER(value)
		if !ok {
			return names
		}
		if tag == dnsName {
			names = append(names, string(content))
		}
		value = rest
	}
}

// nextDER splits the first element off: its tag, its content, and what follows.
func nextDER(der []byte) (tag byte, content, rest []byte, ok bool) {
	if len(der) < 2 {
		return 0, nil, nil, false
	}
	tag, length, der := der[0], int(der[1]), der[2:]
	if length > 0x7f { // the length of the length
		size := length & 0x7f
		if size > 3 || size > len(der) {
			return 0, nil, nil, false
		}
		length = 0
		for _, b := range der[:size] {
			length = length<<8 | int(b)
		}
		der = der[size:]
	}
	if length > len(der) {
		return 0, nil, nil, false
	}
	return tag, der[:length], der[length:], true
}
