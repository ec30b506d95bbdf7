package message

const (
	UnknownFlag         ID = "unknown-flag"
	MisspeltFlag        ID = "misspelt-flag"
	MisplacedFlag       ID = "misplaced-flag"
	FlagSyntax          ID = "flag-syntax"
	FlagWithoutValue    ID = "flag-without-value"
	FlagTwice           ID = "flag-twice"
	FlagWord            ID = "flag-word"
	UnknownCommand      ID = "unknown-command"
	MisspeltCommand     ID = "misspelt-command"
	UnknownTopic        ID = "unknown-topic"
	UnknownShell        ID = "unknown-shell"
	ExtraArgument       ID = "extra-argument"
	UnexpectedArgument  ID = "unexpected-argument"
	UnknownFormat       ID = "unknown-format"
	CheckWithoutRelease ID = "check-without-release"
	CheckAndPatch       ID = "check-and-patch"
	HelmReleaseEmpty    ID = "helmrelease-empty"
	StdinTwice          ID = "stdin-twice"
	NoFluxProgram       ID = "no-flux-program"
	Terminal            ID = "terminal"
	Read                ID = "read"
	Write               ID = "write"
	More                ID = "more"
	StdinClosed         ID = "stdin-closed"
	StdoutClosed        ID = "stdout-closed"
	ThenEmpty           ID = "then-empty"
	ThenArgFirst        ID = "then-arg-first"
	ThenNotRun          ID = "then-not-run"
	ThenFailed          ID = "then-failed"
	ThenSaid            ID = "then-said"
)

const (
	runHelp    = "run {command} --help"
	didYouMean = "did you mean {nearest}?"
)

var commandLine = []entry{
	{UnknownFlag, "unknown flag: {flag}", runHelp},
	{MisspeltFlag, "unknown flag: {flag}", didYouMean},
	{MisplacedFlag, "{flag} goes with {command} only", "run cnpg-pair {command} {flag}"},
	{FlagSyntax, `"{word}" is not a flag`, runHelp},
	{FlagWithoutValue, "{flag} needs a value", runHelp},
	{FlagTwice, `{flag} is given twice, as "{first}" and as "{second}"`, ""},
	{FlagWord, `{flag}: unknown value "{word}"`, "use true or false"},
	{UnknownCommand, `"{word}" is neither a command nor a file`, "run cnpg-pair --help"},
	{MisspeltCommand, `"{word}" is neither a command nor a file`, didYouMean},
	{UnknownTopic, `no help for "{word}": it is not a command`, "run cnpg-pair --help"},
	{UnknownShell, `unknown shell "{word}"`, "use bash, zsh, fish or powershell"},
	{ExtraArgument, `unexpected argument "{word}"`, runHelp},
	{UnexpectedArgument, `unexpected argument "{word}"`, "a switch takes its value after '=', as in --strict={word}"},
	{UnknownFormat, `--output: unknown format "{word}"`, "use table or json"},
	{CheckWithoutRelease, "--check needs a HelmRelease to look at", "name the file that has it: --helmrelease FILE"},
	{CheckAndPatch, "--check and --patch do not go together", "run it twice"},
	{HelmReleaseEmpty, "--helmrelease is empty", "name the file with the HelmRelease"},
	{StdinTwice, "standard input cannot be both the HelmRelease and the manifests", "give one of them as a file"},
	{NoFluxProgram, "the program cnpg-pair-flux is neither beside cnpg-pair nor on PATH", "make build makes both; or go build ./cmd/cnpg-pair-flux"},
	{Terminal, "no input: standard input is a terminal", "pipe rendered manifests in, or name files; see cnpg-pair --help"},
	{Read, "read {name}: {cause}", ""},
	{Write, "write the output: {cause}", ""},
	{ThenEmpty, "--then is empty", "name the program that gets the result"},
	{ThenArgFirst, `--then-arg {word} comes before --then`, "name the program first: --then PROGRAM --then-arg {word}"},
	{ThenNotRun, "--then: {cause}", "give the name of a program on PATH, or its path; arguments go into --then-arg"},
	{ThenFailed, "--then {program}: {cause}", ""},
	{ThenSaid, "--then {program}: {cause}: {said}", ""},
	{StdoutClosed, "write the output: standard output is closed", ""},
	{StdinClosed, "no input: standard input is closed", "pipe rendered manifests in, or name files; see cnpg-pair --help"},
	{More, "and {count} more", ""},
}
