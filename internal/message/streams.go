package message

const (
	UTF16       ID = "utf-16"
	NotYAML     ID = "not-yaml"
	NoLineEnd   ID = "no-line-end"
	EmptyStream ID = "empty-stream"
	OtherState  ID = "other-state"
	NotWritten  ID = "not-written"

	CommentsLost     ID = "comments-lost"
	DocumentTooLarge ID = "document-too-large"
	StreamTooLarge   ID = "stream-too-large"
)

// optOut is how the owner of a Cluster keeps it single.
const optOut = `keep this Cluster single with the annotation cnpg-pair.openova.io/expand: "false"`

var streams = []entry{
	{UTF16, "the stream is UTF-16", "write it as UTF-8; PowerShell's > does not"},
	{NotYAML, "not YAML: {cause}", "fix that line of the rendered manifest, or of the template that renders it"},
	{NoLineEnd, "the stream ends in the middle of a line", "end it with a line break"},
	{EmptyStream, "the stream is empty", "look at what should have written it: Helm 3 deletes a release for which nothing is rendered"},
	{OtherState, "the stream holds its pair already, rendered for {have}, but the settings ask for {want}",
		"pass what the chart renders, not what cnpg-pair has printed or Helm has stored; or set {have}"},
	{NotWritten, "its text cannot be changed so that it reads back as intended; this is a bug in cnpg-pair",
		"write it in plainer YAML, or " + optOut + "; and report it"},
	{DocumentTooLarge, "the document, a List, is too large with the pairs of its Clusters", "render each Cluster as a document of its own"},
	{StreamTooLarge, "up to this one, the stream has too many Clusters, or is too large with their pairs", "pass it in parts"},
	{CommentsLost, "a part of it is written new, without its comments: line {lines}", "put the comments on lines of their own, or write that part in plainer YAML"},
}
