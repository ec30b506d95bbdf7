package cli

import (
	"bytes"
	"errors"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/krm"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// function is cnpg-pair as a KRM function. As kyaml's framework does, it answers
// an error with the list too: with the objects as they came, and what is wrong
// in the results, which kpt shows. kustomize shows standard error only.
func (f filter) function(p *Process, source postrender.Source, list *krm.ResourceList) error {
	var findings []krm.Finding
	warn := func(err error) {
		findings = append(findings, finding("warning", err))
		p.Warn(err)
	}
	answer := source.Data
	rendered, err := f.renderList(p, source, list, warn)
	if err == nil {
		answer = rendered
	}
	var failures []krm.Finding
	for _, one := range message.Split(err) {
		failures = append(failures, finding("error", one))
	}
	answer, failed := list.WithResults(answer, append(failures, findings...))
	if failed == nil {
		_, failed = p.Stdout.Write(answer)
	}
	return errors.Join(err, failed)
}

// renderList returns the list with pairs in it.
func (f filter) renderList(p *Process, source postrender.Source, list *krm.ResourceList, warn func(error)) ([]byte, error) {
	own, err := list.Settings()
	if err != nil {
		return nil, errorInList(source, err, "")
	}
	used := make(map[string]krm.Setting) // what no flag overrides
	cfg, err := f.settings.config(func(variable string) string {
		if setting, ok := own[variable]; ok {
			used[variable] = setting
			return setting.Value
		}
		return p.Getenv(variable)
	})
	if err != nil {
		return nil, errorInSettings(source, err, used)
	}
	locate := func(err error) { warn(errorInSettings(source, err, used)) }
	result, err := (&postrender.Renderer{Config: cfg, Warn: locate}).Render(source)
	if err != nil {
		return nil, errorInSettings(source, err, used)
	}
	var rendered bytes.Buffer
	result.WriteTo(&rendered) // a buffer takes everything
	return rendered.Bytes(), nil
}

// errorInList says where in the list an error is.
func errorInList(source postrender.Source, err error, object string) error {
	located := &postrender.Error{Source: source.Name, Object: object, Err: err}
	var at *yamledit.Error
	if errors.As(err, &at) {
		located.Line = at.Line
	}
	return located
}

// errorInSettings says in which line of the list the setting is that an error is
// about, unless the setting is one of the environment or the command line. An error
// about an object stays as it is.
func errorInSettings(source postrender.Source, err error, used map[string]krm.Setting) error {
	var at *postrender.Error
	if errors.As(err, &at) {
		return err
	}
	line := 0
	for variable, setting := range used {
		if strings.Contains(err.Error(), variable) && (line == 0 || setting.Line < line) {
			line = setting.Line
		}
	}
	if line == 0 {
		return err
	}
	return &postrender.Error{Source: source.Name, Line: line, Err: err}
}

// finding is an error for the results, in which the object and its place have
// fields of their own.
func finding(severity string, err error) krm.Finding {
	f := krm.Finding{Severity: severity, Message: err.Error()}
	var at *postrender.Error
	if errors.As(err, &at) {
		f.Message, f.Object, f.Line = at.Err.Error(), at.Object, at.Line
	}
	f.Message = screen(f.Message)
	if hint := message.Hint(err); hint != "" {
		f.Message += "; " + screen(hint)
	}
	return f
}
