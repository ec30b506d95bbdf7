package main

const usage = `cnpg-pair turns every single CloudNativePG Cluster of rendered manifests into a
primary and a replica in two regions, joined by a ClusterMesh-global Service.

Usage:
  cnpg-pair [flags] [FILE...]           files or stdin to stdout
  cnpg-pair diff [flags] [FILE...]      what would change, as a unified diff
  cnpg-pair explain [flags] [FILE...]   what happens to each Cluster, and why
  cnpg-pair flux [flags] [FILE...]      the spec.postRenderers of a Flux
                                        HelmRelease that do the same inside Flux

Settings (a flag beats its variable):
  --enable-hot-standby[=WORD]  SOVEREIGN_ENABLE_HOT_STANDBY
                               on for true, 1, yes, on; anything else is off
  --primary-region REGION      SOVEREIGN_PRIMARY_REGION
  --replica-region REGION      SOVEREIGN_REPLICA_REGION
  --strict[=WORD]              CNPG_PAIR_STRICT
                               fail, instead of warning, where hot standby is on
                               but a region is missing, or a Cluster cannot be
                               paired, or where it is off with a --side
  --side both|primary|replica  CNPG_PAIR_SIDE
                               the half that this Kubernetes cluster runs, where
                               each region has one of its own (default both)
  --replication async|sync     CNPG_PAIR_REPLICATION
                               sync: each commit waits for the replica
  --active primary|none|replica
                               CNPG_PAIR_ACTIVE
                               the half that takes writes; on the way from one
                               to the other: none; explain tells when to go on
  --rejoin[=WORD]              CNPG_PAIR_REJOIN
                               the primary follows the active replica; with
                               --active none, it is on the way back
  --peer-clusters A,B          CNPG_PAIR_PEER_CLUSTERS
                               with --side: the clusters of the other side, as
                               ClusterMesh names them, for CiliumNetworkPolicies
  --region-key LABEL           the node label that holds a node's region
                               (default openova.io/region)
  --output table|json          how explain prints (default table)
  --helmrelease FILE           flux: print this HelmRelease with them in it
  --substitute                 flux: let Flux fill in the trio, by postBuild
  --patch                      flux: print a kustomize patch for the HelmRelease
  --check                      flux: print nothing, fail if FILE is stale
  --version                    what was built
  -h, --help                   this text

With hot standby off, and the primary active, the output is the input, byte for
byte.

Given a ResourceList, as kustomize and kpt hand to KRM functions, it takes the
variables from the data of the functionConfig, which beat the environment's.

Examples:
  # with Helm 3: the path of this program
  export SOVEREIGN_ENABLE_HOT_STANDBY=true
  export SOVEREIGN_PRIMARY_REGION=fsn1 SOVEREIGN_REPLICA_REGION=hel1
  helm install blog ./chart --post-renderer /usr/local/bin/cnpg-pair

  # with Helm 4: the name of the installed plugin
  helm install blog ./chart --post-renderer cnpg-pair

  # as a filter: look first, then apply
  helm template blog ./chart | cnpg-pair diff
  helm template blog ./chart | cnpg-pair --strict | kubectl apply -f -

  # without any variable
  cnpg-pair --enable-hot-standby --primary-region fsn1 --replica-region hel1 blog.yaml

  # what will it do, and why was my Cluster not paired?
  cnpg-pair explain blog.yaml

  # for Flux, whose helm-controller runs no post-renderers
  helm template blog ./chart | cnpg-pair flux --helmrelease blog.yaml > new.yaml

Exit status: 0 done, 1 the input or the trio is at fault, 2 the command line or
the word of a variable is. Nothing is written to stdout unless the whole input
could be processed.
`
