#!/bin/sh
# tools.sh NAME...: builds the programs that the tests run, each once for each
# version, from the Go module proxy, and prints their paths. They are kept
# outside the repository, in $CNPG_PAIR_CACHE or the user's cache.
set -eu
cd "$(dirname "$0")/build"
cache=${CNPG_PAIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cnpg-pair}

# build DIRECTORY MODULE PACKAGE NAME [LDFLAGS]: of a module that has PACKAGE as
# a tool
build() {
	version=$(cd "$1" && go list -m -f '{{.Version}}' "$2")
	program=$cache/$4-$version
	if [ ! -x "$program" ]; then
		echo "tools.sh: building $4 $version, which takes minutes once" >&2
		mkdir -p "$cache"
		(cd "$1" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w ${5:-}" -o "$program.$$" "$3")
		mv "$program.$$" "$program"
	fi
	echo "$program"
}

for name; do
	case $name in
	helm3) build helm helm.sh/helm/v3 helm.sh/helm/v3/cmd/helm helm3 "-X helm.sh/helm/v3/internal/version.version=$(cd helm && go list -m -f '{{.Version}}' helm.sh/helm/v3)" ;;
	helm4) build helm helm.sh/helm/v4 helm.sh/helm/v4/cmd/helm helm4 "-X helm.sh/helm/v4/internal/version.version=$(cd helm && go list -m -f '{{.Version}}' helm.sh/helm/v4)" ;;
	yq) build yq github.com/mikefarah/yq/v4 github.com/mikefarah/yq/v4 yq ;;
	*) echo "tools.sh: no tool is called $name" >&2; exit 2 ;;
	esac
done
