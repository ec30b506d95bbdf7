package message

// What is wrong with the shape of a field. The hint about a shape depends on the
// kind of the object; see postrender.Error.
const (
	ExpectedMapping  ID = "expected-mapping"
	ExpectedSequence ID = "expected-sequence"
	ExpectedString   ID = "expected-string"
	ExpectedInteger  ID = "expected-integer"
	NoSpec           ID = "no-spec"
	KeyTwice         ID = "key-twice"
	AnchorInItself   ID = "anchor-in-itself"
	MergeNoMapping   ID = "merge-no-mapping"
	TooManyNodes     ID = "too-many-nodes"

	// Hints only: how to see the shape that is wanted.
	ShapeOfField ID = "shape-of-field"
	ShapeOfSpec  ID = "shape-of-spec"
)

var shapes = []entry{
	{ExpectedMapping, "expected a mapping", ""},
	{ExpectedSequence, "expected a sequence", ""},
	{ExpectedString, "expected a string", ""},
	{ExpectedInteger, "expected an integer", ""},
	{ShapeOfField, "", "kubectl explain {kind}.{path} --api-version=postgresql.cnpg.io/v1 shows its shape"},
	{ShapeOfSpec, "", "kubectl explain {kind}.spec --recursive shows its shape"},
	{NoSpec, "it has no spec", "every Cluster has one: was the input cut off?"},
	{KeyTwice, `the key "{key}" appears twice`, "keep one of the two"},
	{AnchorInItself, `the anchor "{anchor}" contains itself`, "write the value out"},
	{MergeNoMapping, "a merge key (<<) takes a mapping", "write the keys out"},
	{TooManyNodes, "the document grows beyond all bounds when its aliases are resolved", "write the values out instead of nesting aliases"},
}
