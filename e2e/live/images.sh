#!/bin/sh
# images.sh: builds the container images of the live cluster, each once, and
# prints the directory that holds them. Nothing is pulled: a machine without a
# way to an image registry can run the tests too. They are kept where tools.sh
# keeps its programs.
set -eu
cd "$(dirname "$0")"
cache=${CNPG_PAIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cnpg-pair}
operator=$(../tools.sh operator)
images=$cache/images
mkdir -p "$images"

# PostgreSQL's own programs come before Debian's, which are scripts of Perl around them:
# the probes of every Pod run one each few seconds
#
# image FILE NAME ROOT USER ENTRYPOINT: packs a directory as an image of one
# layer, in the format that docker save writes and containerd imports
image() {
	tmp=$(mktemp -d)
	tar --numeric-owner -C "$3" -cf "$tmp/layer.tar" .
	cat >"$tmp/config.json" <<-JSON
		{"architecture": "$(go env GOARCH)", "os": "linux",
		 "config": {"User": "$4", "Entrypoint": ["$5"], "WorkingDir": "/",
		  "Env": ["PATH=/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]},
		 "rootfs": {"type": "layers", "diff_ids": ["sha256:$(sha256sum "$tmp/layer.tar" | cut -d' ' -f1)"]}}
	JSON
	echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$2\"], \"Layers\": [\"layer.tar\"]}]" >"$tmp/manifest.json"
	tar -C "$tmp" -cf "$images/$1.$$" manifest.json config.json layer.tar
	mv "$images/$1.$$" "$images/$1"
	rm -rf "$tmp"
}

# PostgreSQL as Debian packages it, with the user id that CNPG's images give it, and what
# the operator's archiver runs
if [ ! -e "$images/postgresql-17.tar" ]; then
	echo "images.sh: building the image of PostgreSQL, which takes three minutes once" >&2
	root=$(mktemp -d "$images/root.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	debootstrap --variant=minbase --include=postgresql-17,barman-cli-cloud trixie "$root" >&2
	chroot "$root" usermod -u 26 postgres
	# what only costs space; without its library the JIT compiler must go as well
	rm -rf "$root"/usr/lib/llvm* "$root"/usr/lib/*/libLLVM* "$root"/usr/lib/postgresql/17/lib/llvmjit* \
		"$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale "$root"/var/cache/apt "$root"/var/lib/apt/lists \
		"$root"/var/lib/postgresql/17
	find "$root"/usr/lib/python3/dist-packages/botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts -exec rm -rf {} +
	mkdir -p "$root/var/lib/postgresql/data" "$root/var/run/postgresql"
	chown -R 26 "$root/var/lib/postgresql" "$root/var/run/postgresql"
	chmod 755 "$root"
	image postgresql-17.tar cnpg-pair.local/postgresql:17 "$root" 26 postgres
	rm -rf "$root"
fi

# the operator finds the program that it copies into Pods by architecture
name=$(basename "$operator").tar
if [ ! -e "$images/$name" ]; then
	root=$(mktemp -d "$images/root.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root/operator" "$root/tmp"
	cp "$operator" "$root/operator/manager_$(go env GOARCH)"
	ln -s "operator/manager_$(go env GOARCH)" "$root/manager"
	chmod 755 "$root"
	chmod 1777 "$root/tmp"
	image "$name" cnpg-pair.local/operator:e2e "$root" 65532:65532 /manager
	rm -rf "$root"
fi

# what a Pod's sandbox runs
if [ ! -e "$images/pause.tar" ]; then
	root=$(mktemp -d "$images/root.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	CGO_ENABLED=0 go build -ldflags "-s -w" -o "$root/pause" ./pause
	chmod 755 "$root"
	image pause.tar cnpg-pair.local/pause:e2e "$root" 65535:65535 /pause
	rm -rf "$root"
fi
echo "$images"
