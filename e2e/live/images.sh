#!/bin/sh
# images.sh [more]: builds the container images of the live cluster, each once, and
# prints the directory that holds them; with more, also those that few tests need, of
# programs that take long to build. Nothing is pulled: a machine without a
# way to an image registry can run the tests too. They are kept where tools.sh
# keeps its programs.
set -eu
cd "$(dirname "$0")"
cache=${CNPG_PAIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cnpg-pair}
operator=$(../tools.sh operator)
images=$cache/images
mkdir -p "$images"
exec 9>"$images/lock"
flock 9 # tests ask for them side by side

# PostgreSQL's own programs come before Debian's, which are scripts of Perl around them:
# the probes of every Pod run one each few seconds
#
# image FILE NAME ROOT USER ENTRYPOINT: packs a directory as an image of one
# layer, in the format that docker save writes and containerd imports. With BASE, a
# file of the same kind, it is one more layer on that one's first.
image() {
	tmp=$(mktemp -d "$images/tmp.XXXXXX")
	layers=\"layer.tar\"
	tar --numeric-owner -C "$3" -cf "$tmp/layer.tar" .
	ids=\"sha256:$(sha256sum "$tmp/layer.tar" | cut -d' ' -f1)\"
	if [ -n "${BASE-}" ]; then
		tar -C "$tmp" --transform 's/layer/base/' -xf "$images/$BASE" layer.tar
		layers=\"base.tar\",$layers
		ids=\"sha256:$(sha256sum "$tmp/base.tar" | cut -d' ' -f1)\",$ids
	fi
	cat >"$tmp/config.json" <<-JSON
		{"architecture": "$(go env GOARCH)", "os": "linux",
		 "config": {"User": "$4", "Entrypoint": ["$5"], "WorkingDir": "/",
		  "Env": ["PATH=/usr/lib/postgresql/${MAJOR:-17}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]},
		 "rootfs": {"type": "layers", "diff_ids": [$ids]}}
	JSON
	echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$2\"], \"Layers\": [$layers]}]" >"$tmp/manifest.json"
	tar -C "$tmp" -cf "$images/$1.$$" $(ls "$tmp")
	mv "$images/$1.$$" "$images/$1"
	rm -rf "$tmp"
}

# PostgreSQL as Debian packages it, with the user id that CNPG's images give it, and what
# the operator's archiver and its Poolers run, and a driver with a pool for the tests
if [ ! -e "$images/postgresql.tar" ]; then
	echo "images.sh: building the image of PostgreSQL, which takes three minutes once" >&2
	root=$(mktemp -d "$images/root.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	debootstrap --variant=minbase --include=postgresql-17,barman-cli-cloud,pgbouncer,python3-psycopg,python3-psycopg-pool trixie "$root" >&2
	chroot "$root" usermod -u 26 postgres
	ln -s ../sbin/pgbouncer "$root/usr/bin/pgbouncer"
	# what only costs space; without its library the JIT compiler must go as well
	rm -rf "$root"/usr/lib/llvm* "$root"/usr/lib/*/libLLVM* "$root"/usr/lib/postgresql/17/lib/llvmjit* \
		"$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale "$root"/var/cache/apt "$root"/var/lib/apt/lists \
		"$root"/var/lib/postgresql/17
	find "$root"/usr/lib/python3/dist-packages/botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts -exec rm -rf {} +
	mkdir -p "$root/var/lib/postgresql/data" "$root/var/run/postgresql"
	chown -R 26 "$root/var/lib/postgresql" "$root/var/run/postgresql"
	chmod 755 "$root"
	image postgresql.tar cnpg-pair.local/postgresql:17 "$root" 26 postgres
	rm -rf "$root"
fi

# operator PROGRAM TAG: it finds the program that it copies into Pods by architecture
operator() {
	[ ! -e "$images/$(basename "$1").tar" ] || return 0
	root=$(mktemp -d "$images/root.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root/operator" "$root/tmp"
	cp "$1" "$root/operator/manager_$(go env GOARCH)"
	ln -s "operator/manager_$(go env GOARCH)" "$root/manager"
	chmod 755 "$root"
	chmod 1777 "$root/tmp"
	image "$(basename "$1").tar" "cnpg-pair.local/operator:$2" "$root" 65532:65532 /manager
	rm -rf "$root"
}
operator "$operator" e2e

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
[ "${1-}" = more ] || exit 0

# The major version before it, as Debian's former release packages it. pg_upgrade runs
# the former server in the new one's image, where the operator brings its programs, but
# not the libraries that they need: so this layer is in both images.
if [ ! -e "$images/postgresql-15.tar" ] || [ ! -e "$images/postgresql-17-from-15.tar" ]; then
	root=$(mktemp -d "$images/root.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	debootstrap --variant=minbase --download-only --include=postgresql-15 bookworm "$root/debian" >&2
	for package in postgresql-15 postgresql-client-15 libicu72 libldap-2.5-0 libgnutls30 libidn2-0 libunistring2 libtasn1-6 libp11-kit0; do
		dpkg-deb --extract "$root/debian/var/cache/apt/archives/${package}_"*.deb "$root/all"
	done
	mkdir -p "$root/layer/usr/share"
	mv "$root/all/usr/lib" "$root/layer/usr/lib"
	mv "$root/all/usr/share/postgresql" "$root/layer/usr/share/postgresql"
	rm -rf "$root/layer"/usr/lib/postgresql/15/lib/bitcode "$root/layer"/usr/lib/postgresql/15/lib/llvmjit*
	chmod 755 "$root/layer"
	BASE=postgresql.tar MAJOR=15 image postgresql-15.tar cnpg-pair.local/postgresql:15 "$root/layer" 26 postgres
	BASE=postgresql.tar image postgresql-17-from-15.tar cnpg-pair.local/postgresql:17-from-15 "$root/layer" 26 postgres
	rm -rf "$root"
fi

operator "$(../tools.sh operator-1.29)" e2e-1.29

# the Barman Cloud plugin, which is its own sidecar: that runs Debian's barman-cloud
barman=$(../tools.sh barman-cloud)
if [ ! -e "$images/$(basename "$barman").tar" ]; then
	root=$(mktemp -d "$images/root.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	cp "$barman" "$root/manager"
	chmod 755 "$root"
	BASE=postgresql.tar image "$(basename "$barman").tar" cnpg-pair.local/barman-cloud:e2e "$root" 26:26 /manager
	rm -rf "$root"
fi
