// Package message lists what cnpg-pair says to a person when it refuses or
// warns: one entry per message, with its text and its hint. All
// errors are made from this list, and docs/messages.md explains the same list.
//
// Goals: every message can be found here, and no message is written twice.
// Non-goals: where an error happened (see yamledit.Error and
// postrender.Error), and prose for people who asked for it (explain).
package message

import (
	"errors"
	"slices"
	"strings"
)

// ID names a message. The IDs of reasons are also the words by which
// explain --output json tells why something happens to a Cluster.
type ID string

// Message is an entry of the list with values in the place of its {names}.
// It is an error; Hint returns what to do about it.
type Message struct {
	ID     ID
	Values map[string]string
	cause  error
}

type entry struct {
	id         ID
	text, hint string
}

// New returns the message id with values: names and values in turn.
func New(id ID, values ...string) *Message {
	m := &Message{ID: id}
	for i := 0; i+1 < len(values); i += 2 {
		if m.Values == nil {
			m.Values = make(map[string]string, len(values)/2)
		}
		m.Values[values[i]] = values[i+1]
	}
	return m
}

// Wrap returns the message id with an error as its value {cause}, which
// [errors.Is] and [errors.As] find in it.
func Wrap(id ID, cause error, values ...string) *Message {
	m := New(id, append(values, "cause", cause.Error())...)
	m.cause = cause
	return m
}

// Error returns the text.
func (m *Message) Error() string { return m.fill(find(m.ID).text) }

// Hint returns what to do about it, or about its cause, or nothing.
func (m *Message) Hint() string {
	if hint := find(m.ID).hint; hint != "" || m.cause == nil {
		return m.fill(hint)
	}
	return Hint(m.cause)
}

func (m *Message) Unwrap() error { return m.cause }

func (m *Message) fill(text string) string {
	var pairs []string
	for name, value := range m.Values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text) // a value that looks like a {name} stays
}

// lists are the files of this package, in the order of docs/messages.md.
var lists = [][]entry{commandLine, settings, streams, selection, shapes, policies, reasons, flux, library}

func find(id ID) entry {
	for _, list := range lists {
		if i := slices.IndexFunc(list, func(e entry) bool { return e.id == id }); i >= 0 {
			return list[i]
		}
	}
	return entry{id: id, text: string(id)}
}

// Hint returns what to do about an error, or nothing: any error with a method Hint
// may carry it.
func Hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// Split returns the single errors that were joined.
func Split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, Split(one)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
