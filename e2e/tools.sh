#!/bin/sh
# tools.sh NAME...: builds the programs that the tests run, each once for each
# version, from the Go module proxy, and prints their paths. They are kept
# outside the repository, in $CNPG_PAIR_CACHE or the user's cache. For live it
# does the same with all that live/cluster.sh runs, for live-more with all that it may run.
set -eu
cd "$(dirname "$0")/build"
cache=${CNPG_PAIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cnpg-pair}

# version DIRECTORY MODULE: the version of MODULE that the module in DIRECTORY asks for
version() {
	(cd "$1" && go list -m -f '{{.Version}}' "$2")
}

# build DIRECTORY MODULE PACKAGE NAME [LDFLAGS]: PACKAGE, a tool of the module in
# DIRECTORY or that module itself, at the version of MODULE
build() {
	version=$(version "$1" "$2")
	program=$cache/$4-$version
	# some are a main.go of ours around a library
	[ ! -e "$1/main.go" ] || program=$program-$(cksum <"$1/main.go" | cut -d' ' -f1)
	if [ ! -x "$program" ]; then
		echo "tools.sh: building $4 $version, which takes minutes once" >&2
		mkdir -p "$cache"
		begin=$(date +%s)
		(cd "$1" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w ${5:-}" -o "$program.$$" "$3")
		mv "$program.$$" "$program"
		echo "tools.sh: built $4 in $(($(date +%s) - begin)) s" >&2
	fi
	echo "$program"
}

# kubernetes PACKAGE NAME: its programs report, compare and refuse by this version,
# which a plain go build does not know
kubernetes() {
	number=$(version kubernetes k8s.io/kubernetes)
	minor=${number#v1.}
	flags="-X k8s.io/component-base/version.gitVersion=$number -X k8s.io/client-go/pkg/version.gitVersion=$number"
	flags="$flags -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
	build kubernetes k8s.io/kubernetes "$1" "$2" "$flags -X k8s.io/component-base/version.gitTreeState=clean"
}

for name; do
	case $name in
	helm3) build helm helm.sh/helm/v3 helm.sh/helm/v3/cmd/helm helm3 "-X helm.sh/helm/v3/internal/version.version=$(version helm helm.sh/helm/v3)" ;;
	helm4) build helm helm.sh/helm/v4 helm.sh/helm/v4/cmd/helm helm4 "-X helm.sh/helm/v4/internal/version.version=$(version helm helm.sh/helm/v4)" ;;
	argocd) build argocd github.com/argoproj/argo-cd/v3 . argocd ;;
	etcd) build etcd go.etcd.io/etcd/server/v3 go.etcd.io/etcd/server/v3 etcd ;;
	kubernetes) kubernetes . kubernetes ;;
	kubectl)
		# not the one that is all of Kubernetes, which takes longer to start than kubectl
		# takes; in a directory of its own, under the name that it goes by
		program=$(kubernetes k8s.io/kubernetes/cmd/kubectl kubectl)
		mkdir -p "$program.d"
		ln -sf "$program" "$program.d/kubectl"
		echo "$program.d/kubectl"
		;;
	operator) build operator github.com/cloudnative-pg/cloudnative-pg github.com/cloudnative-pg/cloudnative-pg/cmd/manager operator ;;
	operator-1.29) build operator-1.29 github.com/cloudnative-pg/cloudnative-pg github.com/cloudnative-pg/cloudnative-pg/cmd/manager operator ;;
	barman-cloud) build barman-cloud github.com/cloudnative-pg/plugin-barman-cloud github.com/cloudnative-pg/plugin-barman-cloud/cmd/manager barman-cloud ;;
	helm-controller | kustomize-controller | source-controller) build flux "github.com/fluxcd/$name" "github.com/fluxcd/$name" "$name" ;;
	kustomize) build kustomize sigs.k8s.io/kustomize/kustomize/v5 sigs.k8s.io/kustomize/kustomize/v5 kustomize ;;
	kpt) build kpt github.com/kptdev/kpt . kpt ;;
	kyaml) build kyaml sigs.k8s.io/kustomize/kyaml . kyaml ;;
	policy) build policy sigs.k8s.io/kube-network-policies . policy ;;
	cilium) build cilium github.com/cilium/cilium . cilium ;;
	cyclonedx-gomod) build cyclonedx github.com/CycloneDX/cyclonedx-gomod github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod cyclonedx-gomod ;;
	yq) build yq github.com/mikefarah/yq/v4 github.com/mikefarah/yq/v4 yq ;;
	dns | objects)
		# of the module of the tests, as they are built, for most of it is compiled already
		program=$cache/$name-$(cat "../live/$name/main.go" ../go.sum | cksum | cut -d' ' -f1)
		if [ ! -x "$program" ]; then
			mkdir -p "$cache"
			(cd "../live/$name" && go build -o "$program.$$" .)
			mv "$program.$$" "$program"
		fi
		echo "$program"
		;;
	live) ../live/cluster.sh tools ;;
	live-more) ../live/cluster.sh tools more ;;
	*) echo "tools.sh: no tool is called $name" >&2; exit 2 ;;
	esac
done
