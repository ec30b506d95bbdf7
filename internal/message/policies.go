package message

const (
	NoPeerClusters   ID = "no-peer-clusters"
	PolicyNamesMatch ID = "policy-names-match"
	PolicyTooLarge   ID = "policy-too-large"
)

var policies = []entry{
	{NoPeerClusters, "it isolates the Pods of {cluster} and would cut the pair: with --side {side}, {member} runs in another Kubernetes cluster, and the name of that cluster is not known",
		"name the clusters of the other side as ClusterMesh does: --peer-clusters A,B (CNPG_PAIR_PEER_CLUSTERS)"},
	{PolicyNamesMatch, "the replica's copy of it and that of {other} would both be called {name}", "rename one of the two"},
	{PolicyTooLarge, "it concerns {clusters} Clusters: their pairs, times the policies that name them all, are too many", "select each Cluster by its name, or render fewer Clusters in one stream"},
}
