package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The man page and the completions are made of --help, which is written by hand,
// and of the table of flags. They are files, because a command that prints them
// would have to be carried by every helm call.

// manual is --help, taken apart.
type manual struct {
	intro    string     // what the program does
	commands []synopsis // the first one has no name
	flags    []flagHelp
	promise  string // what stands behind the settings
	examples []string
	exit     string
}

type synopsis struct{ name, line, text string }

type flagHelp struct {
	name, short string
	argument    string   // as in REGION, or nothing
	optional    bool     // it stands behind "="
	words       []string // the words that the argument may be
	variable    string
	text        string
	command     string // the only one that it goes with, or nothing
}

// head is the flag as --help has it.
func (f flagHelp) head() string {
	text := "--" + f.name
	if f.short != "" {
		text = "-" + f.short + ", " + text
	}
	switch {
	case f.optional:
		text += "[=" + f.argument + "]"
	case f.argument != "":
		text += " " + f.argument
	}
	return text
}

var (
	sections = regexp.MustCompile(`(?s)^(.*?)\n\nUsage:\n(.*?)\n\nSettings[^\n]*:\n(.*?)\n\n(.*?)\n\nExamples:\n(.*?)\n\nExit status: (.*)\n$`)
	flagLine = regexp.MustCompile(`^  (?:-([a-z]), )?--([a-z-]+)(\[=([A-Z]+)\]| [^ ]+)?(?:  +(.*))?$`)
	variable = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)+$`)
	goesWith = regexp.MustCompile(`goes with ([a-z]+) only`)
)

// readUsage takes --help apart.
func readUsage(usage string) (manual, error) {
	parts := sections.FindStringSubmatch(usage)
	if parts == nil {
		return manual{}, fmt.Errorf("--help has other sections than intro, Usage, Settings, a paragraph, Examples and Exit status")
	}
	m := manual{intro: joined(parts[1]), promise: joined(parts[4]), exit: joined(parts[6])}
	for line := range strings.SplitSeq(parts[2], "\n") {
		synopsisLine, text, _ := strings.Cut(strings.TrimPrefix(line, "  "), "  ")
		if strings.HasPrefix(synopsisLine, "cnpg-pair") {
			word, _, _ := strings.Cut(strings.TrimPrefix(synopsisLine, "cnpg-pair "), " ")
			if strings.HasPrefix(word, "[") {
				word = ""
			}
			m.commands = append(m.commands, synopsis{word, synopsisLine, strings.TrimSpace(text)})
		} else if last := len(m.commands) - 1; last >= 0 {
			m.commands[last].text += " " + strings.TrimSpace(line)
		}
	}
	for line := range strings.SplitSeq(parts[3], "\n") {
		text := strings.TrimSpace(line)
		if found := flagLine.FindStringSubmatch(line); found != nil {
			f := flagHelp{short: found[1], name: found[2], optional: found[4] != "", argument: cmp.Or(found[4], strings.TrimSpace(found[3]))}
			if strings.Contains(f.argument, "|") {
				f.words = strings.Split(f.argument, "|")
			} else if f.optional {
				f.words = []string{"true", "false"}
			}
			if _, err := parseOptions([]string{"--" + f.name + "=" + f.sample()}, func(string) string { return "" }); err != nil {
				if only := goesWith.FindStringSubmatch(err.Error()); only != nil {
					f.command = only[1]
				}
			}
			m.flags = append(m.flags, f)
			text = found[5]
		}
		if len(m.flags) == 0 {
			return m, fmt.Errorf("--help: a line of Settings before the first flag: %s", line)
		}
		f := &m.flags[len(m.flags)-1]
		if variable.MatchString(text) {
			f.variable = text
		} else {
			f.text = strings.TrimSpace(f.text + " " + text)
		}
	}
	m.examples = strings.Split(strings.ReplaceAll("\n"+parts[5], "\n  ", "\n")[1:], "\n")
	return m, nil
}

// sample is a value that the flag takes.
func (f flagHelp) sample() string {
	switch {
	case len(f.words) > 0:
		return f.words[0]
	case f.argument == "":
		return "true"
	}
	return "x"
}

func joined(text string) string { return strings.Join(strings.Fields(text), " ") }

// manPage is the man page, in the macros of man(7).
func manPage(m manual) string {
	var b strings.Builder
	say := func(format string, args ...any) {
		for i := range args {
			args[i] = roff(args[i].(string))
		}
		fmt.Fprintf(&b, format+"\n", args...)
	}
	say(`.\" made by make docs, of --help`)
	say(`.TH CNPG\-PAIR 1 "" cnpg\-pair`)
	say(".nh") // names are not to be hyphenated
	say(".SH NAME")
	say(`cnpg\-pair \- gives the PostgreSQL of a Helm chart a hot standby in a second region`)
	say(".SH SYNOPSIS")
	for i, c := range m.commands {
		if i > 0 {
			say(".br")
		}
		bold := strings.TrimSpace("cnpg-pair " + c.name)
		say(`\fB%s\fR%s`, bold, strings.TrimPrefix(c.line, bold))
	}
	say(".SH DESCRIPTION\n%s", m.intro)
	say(".PP\n%s", m.promise)
	say(".SH COMMANDS")
	for _, c := range m.commands {
		if c.name == "" {
			say(".TP\nnone\n%s", c.text)
		} else {
			say(".TP\n.B %s\n%s", c.name, c.text)
		}
	}
	say(".SH OPTIONS\nA flag beats its variable.")
	for _, f := range m.flags {
		say(".TP\n.B %s", f.head())
		text := f.text
		if f.variable != "" {
			text = strings.TrimSuffix(joined(text), ".") + " (" + f.variable + ")"
		}
		say("%s", strings.TrimSpace(text))
	}
	say(".SH ENVIRONMENT")
	for _, f := range m.flags {
		if f.variable != "" {
			say(".TP\n.B %s\nas %s", f.variable, "--"+f.name)
		}
	}
	say(".TP\n.B NO_COLOR\nwhere it is set, diff prints no colours")
	say(".SH EXIT STATUS\n%s", m.exit)
	say(".SH EXAMPLES\n.EX")
	for _, line := range m.examples {
		if line == "" {
			say(`\&`)
		} else {
			say("%s", line)
		}
	}
	say(".EE")
	say(".SH SEE ALSO\n%s, %s, %s", "helm(1)", "kubectl(1)", "diff(1)")
	return b.String()
}

// roff makes a text plain for troff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

// flagsOf returns the flags that go with a command: with each, where it is empty.
func (m manual) flagsOf(command string) []flagHelp {
	return slices.DeleteFunc(slices.Clone(m.flags), func(f flagHelp) bool { return f.command != command })
}

func (m manual) commandNames() []string {
	var all []string
	for _, c := range m.commands[1:] {
		all = append(all, c.name)
	}
	return all
}

func bashCompletion(m manual) string {
	var b strings.Builder
	names := func(flags []flagHelp) string {
		var all []string
		for _, f := range flags {
			all = append(all, "--"+f.name)
		}
		return strings.Join(all, `\n`)
	}
	b.WriteString(`# bash completion of cnpg-pair; made by make docs, of --help

_cnpg_pair() {
    local IFS=$'\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command= prefix= joined= word flags
    # bash takes --flag=word apart, unless COMP_WORDBREAKS says otherwise
    if [[ $cur == "=" ]]; then
        cur= joined="="
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]} joined="="
    elif [[ $cur == --*=* ]]; then
        prev=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=} joined="="
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
`)
	fmt.Fprintf(&b, "        %s) command=$word; break ;;\n", strings.Join(m.commandNames(), " | "))
	b.WriteString("        esac\n    done\n    COMPREPLY=()\n    case $joined$prev in\n")
	for _, f := range m.flags {
		patterns := "=--" + f.name
		if !f.optional {
			patterns = "--" + f.name + " | " + patterns
		}
		switch {
		case f.argument == "":
		case len(f.words) > 0:
			fmt.Fprintf(&b, "    %s) COMPREPLY=($(compgen -P \"$prefix\" -W $'%s' -- \"$cur\")); return ;;\n", patterns, strings.Join(f.words, `\n`))
		case f.argument == "FILE":
			fmt.Fprintf(&b, "    %s) COMPREPLY=($(compgen -P \"$prefix\" -f -- \"$cur\")); return ;;\n", patterns)
		default:
			fmt.Fprintf(&b, "    %s) return ;;\n", patterns)
		}
	}
	fmt.Fprintf(&b, "    esac\n    if [[ $cur == -* ]]; then\n        flags=$'%s'\n        case $command in\n", names(m.flagsOf("")))
	for _, command := range m.commandNames() {
		if flags := m.flagsOf(command); len(flags) > 0 {
			fmt.Fprintf(&b, "        %s) flags+=$'\\n%s' ;;\n", command, names(flags))
		}
	}
	fmt.Fprintf(&b, `        esac
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
        return
    fi
    if [[ -z $command ]]; then
        COMPREPLY=($(compgen -W $'%s' -- "$cur"))
    fi
    COMPREPLY+=($(compgen -f -- "$cur"))
}

complete -o filenames -F _cnpg_pair cnpg-pair
`, strings.Join(m.commandNames(), `\n`))
	return b.String()
}

func zshCompletion(m manual) string {
	var b strings.Builder
	quoted := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	plain := strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`)
	b.WriteString("#compdef cnpg-pair\n# zsh completion of cnpg-pair; made by make docs, of --help\n\n_cnpg_pair() {\n    local -a commands flags\n    local context state state_descr line\n    typeset -A opt_args\n    commands=(\n")
	for _, c := range m.commands[1:] {
		fmt.Fprintf(&b, "        %s\n", quoted(c.name+":"+plain.Replace(c.text)))
	}
	b.WriteString("    )\n")
	spec := func(f flagHelp) string {
		action := " "
		switch {
		case len(f.words) > 0:
			action = "(" + strings.Join(f.words, " ") + ")"
		case f.argument == "FILE":
			action = "_files"
		}
		says := "[" + plain.Replace(cmp.Or(f.text, f.variable)) + "]"
		argument := strings.ToLower(f.argument)
		if len(f.words) > 0 {
			argument = "word"
		}
		switch {
		case f.short != "":
			return fmt.Sprintf("'(-%[1]s --%[2]s)'{-%[1]s,--%[2]s}%[3]s", f.short, f.name, quoted(says))
		case f.argument == "":
			return quoted("--" + f.name + says)
		case f.optional: // the word must be joined to it
			return quoted("--" + f.name + "=-" + says + "::" + argument + ":" + action)
		}
		return quoted("--" + f.name + "=" + says + ":" + argument + ":" + action)
	}
	for _, command := range m.commandNames() {
		if flags := m.flagsOf(command); len(flags) > 0 {
			fmt.Fprintf(&b, "    if (( ${words[(I)%s]} )); then\n        flags+=(\n", command)
			for _, f := range flags {
				fmt.Fprintf(&b, "            %s\n", spec(f))
			}
			b.WriteString("        )\n    fi\n")
		}
	}
	b.WriteString("    _arguments $flags \\\n")
	for _, f := range m.flagsOf("") {
		fmt.Fprintf(&b, "        %s \\\n", spec(f))
	}
	b.WriteString(`        '1: :->first' \
        '*:file:_files' && return
    if [[ $state == first ]]; then
        _describe -t commands command commands
        _files
    fi
}

_cnpg_pair "$@"
`)
	return b.String()
}

func fishCompletion(m manual) string {
	var b strings.Builder
	quoted := func(text string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'" }
	names := strings.Join(m.commandNames(), " ")
	b.WriteString("# fish completion of cnpg-pair; made by make docs, of --help\n\n")
	for _, c := range m.commands[1:] {
		fmt.Fprintf(&b, "complete -c cnpg-pair -n 'not __fish_seen_subcommand_from %s' -a %s -d %s\n", names, c.name, quoted(c.text))
	}
	for _, f := range m.flags {
		b.WriteString("complete -c cnpg-pair")
		if f.command != "" {
			fmt.Fprintf(&b, " -n '__fish_seen_subcommand_from %s'", f.command)
		}
		if f.short != "" {
			b.WriteString(" -s " + f.short)
		}
		b.WriteString(" -l " + f.name)
		switch {
		case f.argument == "FILE":
			b.WriteString(" -r -F")
		case f.argument != "" && !f.optional:
			b.WriteString(" -x")
		case f.optional:
			b.WriteString(" -f")
		}
		if len(f.words) > 0 {
			fmt.Fprintf(&b, " -a %s", quoted(strings.Join(f.words, " ")))
		}
		fmt.Fprintf(&b, " -d %s\n", quoted(cmp.Or(f.text, f.variable)))
	}
	return b.String()
}
