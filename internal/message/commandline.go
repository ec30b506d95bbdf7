package message

const (
	FlagTwice           ID = "flag-twice"
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
	StdoutClosed        ID = "stdout-closed"
)

var commandLine = []entry{
	{FlagTwice, `given twice, first as "{first}"`, ""},
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
	{StdoutClosed, "write the output: standard output is closed", ""},
}
