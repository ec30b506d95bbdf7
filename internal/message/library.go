package message

const (
	ExpectedOneCluster ID = "expected-one-cluster"
	EncodeCluster      ID = "encode-cluster"
	DecodeCluster      ID = "decode-cluster"
)

var library = []entry{
	{ExpectedOneCluster, "expected one Cluster of postgresql.cnpg.io", ""},
	{EncodeCluster, "encode the Cluster: {cause}", ""},
	{DecodeCluster, "decode the Cluster: {cause}", ""},
}
