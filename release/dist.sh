#!/bin/sh
# dist.sh OUT CYCLONEDX PLATFORMS [HELM plugin package --sign FLAG...] makes the files of
# a release in the folder OUT: the plugin for Helm 4 with the programs of all systems in
# it, one for Helm 3 and each system, what is in the programs, and the checksums.
# CYCLONEDX is the program cyclonedx-gomod, PLATFORMS are as in "linux/amd64 darwin/arm64".
# The same source, Go version and kind of machine make the same bytes. Needs GNU tar.
set -eu
export LC_ALL=C
umask 022
# the second program: what go build takes
flux=./cmd/cnpg-pair-flux

fail() {
	echo "dist.sh: $*" >&2
	exit 1
}

cd "$(dirname "$0")/.."
[ $# -ge 3 ] || fail "usage: dist.sh OUT CYCLONEDX PLATFORMS [HELM plugin package --sign FLAG...]"
out=${1%/} cyclonedx=$2 platforms=$3
shift 3

# only what an earlier run has made is replaced: nothing but the files of its list
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
	[ -z "$(find "$out" -mindepth 1 ! -type f)" ] &&
		(cd "$out" && ls -A | grep -vx SHA256SUMS | xargs -d '\n' sha256sum -- | cmp -s - SHA256SUMS) ||
		fail "$out holds something else than a release: remove it, or name another folder"
fi

version=$(sed -n 's/^version: //p' plugin.yaml)
[ -n "$version" ] || fail "plugin.yaml has no version"
# a release that is tagged otherwise would contradict its programs
tag=$(git describe --tags --exact-match 2>/dev/null) || tag=v$version
[ "$tag" = "v$version" ] || fail "the tag is $tag, but plugin.yaml says $version"

# all is made beside OUT, and moved there when it is complete
mkdir -p "$(dirname "$out")"
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
made=$work/made helm4=$work/cnpg-pair helm3=$work/cnpg-pair-helm3
mkdir "$made" "$helm4"

# what a user may have set for all builds is set here, so that it changes no bytes
export CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOFLAGS=-mod=readonly GOWORK=off

# the licenses of what is linked into the programs, most of which ask for that
{
	echo "Go|$(go env GOROOT)"
	GOOS=linux GOARCH=amd64 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}|{{.Dir}}{{end}}{{end}}' $flux .
} >"$work/modules"
sort -u "$work/modules" | while IFS='|' read -r module folder; do
	[ -n "$module" ] || continue
	find "$folder" -maxdepth 1 -type f \( -name 'LICENSE*' -o -name 'COPYING*' -o -name 'NOTICE*' \) | sort >"$work/files"
	[ -s "$work/files" ] || fail "$module has no license in $folder"
	while read -r file; do
		printf '==== %s: %s\n\n' "$module" "${file##*/}"
		cat "$file"
		echo
	done <"$work/files"
done >"$work/LICENSES-OTHERS"
cp LICENSE README.md plugin.yaml "$work/LICENSES-OTHERS" "$helm4"

# pack FOLDER FILE: an archive that depends on nothing but the names and the contents
pack() {
	find "$1" -exec touch -d 2026-01-01T00:00:00Z {} +
	tar -C "$work" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf "$work/tar" "${1##*/}"
	gzip -9n <"$work/tar" >"$2"
}

for platform in $platforms; do
	GOOS=${platform%/*} GOARCH=${platform#*/}
	export GOOS GOARCH
	exe=
	[ "$GOOS" != windows ] || exe=.exe
	bin=$helm4/bin/$GOOS-$GOARCH
	go build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=v$version" -o "$bin/cnpg-pair$exe" .
	go build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=v$version" -o "$bin/cnpg-pair-flux$exe" $flux
	for program in cnpg-pair cnpg-pair-flux; do
		bom=$made/$program-$version.cdx.json
		# the modules are the same on every system, which a test holds
		[ -e "$bom" ] || "$cyclonedx" bin -json -std -noserial -notimestamp -version "v$version" -output "$bom" "$bin/$program$exe"
	done
	mkdir "$helm3"
	cp LICENSE README.md release/helm3/plugin.yaml "$work/LICENSES-OTHERS" "$helm3"
	cp -R "$bin" "$helm3/bin"
	pack "$helm3" "$made/cnpg-pair-helm3-$version-$GOOS-$GOARCH.tgz"
	rm -r "$helm3"
done

pack "$helm4" "$made/cnpg-pair-$version.tgz"
if [ $# -gt 0 ]; then
	# Helm packs again, because its signature is over its own archive: that holds the
	# packer's user besides the files, but not the hour
	rm "$made/cnpg-pair-$version.tgz"
	"$@" --destination "$made" "$helm4"
fi
(cd "$made" && sha256sum -- *) >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" "$made"
rm -rf "$out"
mv "$made" "$out"
