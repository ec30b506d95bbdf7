#!/bin/sh
# cluster.sh: a real Kubernetes cluster with the real CloudNativePG operator, of
# three machines that are namespaces of this one, so that nothing of it can reach
# the network and nothing stays behind:
#
#   control  10.99.0.1   etcd, API server, controllers, scheduler, DNS, objects (S3); the switch
#   node-a   10.99.0.11  containerd, kubelet, kube-proxy; region-a
#   node-b   10.99.0.12  the same; region-b, and the operator, which must survive region-a
#
#   cluster.sh up            starts it (half a minute), prints its directory
#   cluster.sh enter CMD...  runs a command in the network of control, with KUBECONFIG set
#   cluster.sh cut NODE      takes a node off the network
#   cluster.sh stop NODE     switches a machine off, as a power failure does
#   cluster.sh boot NODE     switches it on again, with the disk that it had
#   cluster.sh image NAME... brings an image to all nodes that few tests need; see images.sh
#   cluster.sh operator 1.29 installs the operator's former version; without 1.29, its own
#   cluster.sh where         prints its directory
#   cluster.sh packages      prints which of Debian's packages it needs
#   cluster.sh tools [more]  installs those, and builds all that it runs, or may run
#   cluster.sh down          stops it and removes what it wrote
#
# cluster.sh second ... does the same with another cluster beside the first one, of
# control at 10.98.0.1 and node-c, in region-b. A route joins the Pods of both.
#
# It needs root and Debian's packages, see apt_packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${CNPG_PAIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cnpg-pair}
state=${E2E_LIVE_STATE:-$cache/live}
apt_packages="conntrack containerd containernetworking-plugins debootstrap iproute2 iptables openssl procps runc"
volumes=150 # a node; a volume serves once, and the live tests use up more than 50
nodes="node-a node-b" net=10.99.0 pods=10.244 services=10.96
second=$state-second
if [ "${1-}" = second ]; then
	shift
	first=$state
	state=$second nodes=node-c net=10.98.0 pods=10.245 services=10.97
fi

# machine NAME: creates one; its processes are started below, in its namespaces.
# Who kills the machine's first process kills them all, and takes the mounts and
# the network with them.
machine() {
	mkdir -p "$state/$1"
	unshare --net --mount --pid --fork --kill-child --mount-proc sleep infinity </dev/null >/dev/null 2>&1 &
	echo $! >"$state/$1/pid"
	until pgrep -P $! >"$state/$1/init"; do sleep 0.1; done
	inside "$1" mount --make-rshared /
	inside "$1" ip link set lo up
	inside "$1" sysctl -qw net.ipv4.ip_forward=1
}

inside() {
	name=$1
	shift
	nsenter --net --mount --pid --target "$(cat "$state/$name/init")" "$@"
}

# start MACHINE LOG CMD...: in the background, for as long as the machine lives
start() {
	(
		# by exec, as a redirected function keeps what it was redirected from, and
		# whoever reads our output would wait for its end
		exec >"$state/$1/$2.log" 2>&1 </dev/null
		name=$1
		shift 2
		inside "$name" "$@"
	) &
}

# wait_for SECONDS CMD...
wait_for() {
	end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$(date +%s)" -ge $end ]; then
			echo "cluster.sh: gave up waiting for: $*; the logs are in $state" >&2
			exit 1
		fi
		sleep 0.5
	done
}

kubectl() { inside control "$kubectl" --kubeconfig "$state/pki/admin.kubeconfig" "$@"; }

# pki: one authority, the API server's certificate, and for everybody else a token
pki() {
	mkdir -p "$state/pki"
	cd "$state/pki"
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.crt -subj /CN=cnpg-pair-e2e 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -keyout apiserver.key -out apiserver.csr -subj /CN=kube-apiserver 2>/dev/null
	echo "subjectAltName=DNS:kubernetes.default.svc,IP:$services.0.1,IP:$net.1" >apiserver.ext
	openssl x509 -req -in apiserver.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile apiserver.ext -out apiserver.crt 2>/dev/null
	openssl genrsa -out accounts.key 2048 2>/dev/null
	for user in admin $nodes proxy; do
		case $user in
		node-*) name=system:node:$user group=system:nodes ;;
		*) name=$user group=system:masters ;;
		esac
		token=$(openssl rand -hex 16)
		echo "$token,$name,$name,$group" >>tokens.csv
		cat >$user.kubeconfig <<-YAML
			apiVersion: v1
			kind: Config
			clusters: [{name: e2e, cluster: {server: "https://$net.1:6443", certificate-authority: $state/pki/ca.crt}}]
			users: [{name: $user, user: {token: $token}}]
			contexts: [{name: e2e, context: {cluster: e2e, user: $user}}]
			current-context: e2e
		YAML
	done
	cd "$here"
}

control() {
	machine control
	admin=$state/pki/admin.kubeconfig
	inside control ip link add switch type bridge
	inside control ip addr add $net.1/24 dev switch
	inside control ip link set switch up
	start control etcd "$etcd" --data-dir "$state/control/etcd" --unsafe-no-fsync
	start control apiserver "$kubernetes" kube-apiserver --etcd-servers http://127.0.0.1:2379 \
		--advertise-address $net.1 --service-cluster-ip-range $services.0.0/16 --authorization-mode Node,RBAC \
		--enable-admission-plugins NodeRestriction --allow-privileged --token-auth-file "$state/pki/tokens.csv" \
		--tls-cert-file "$state/pki/apiserver.crt" --tls-private-key-file "$state/pki/apiserver.key" \
		--service-account-issuer https://kubernetes.default.svc.cluster.local --cert-dir "$state/control" \
		--service-account-key-file "$state/pki/accounts.key" --service-account-signing-key-file "$state/pki/accounts.key" \
		--kubelet-preferred-address-types InternalIP # "node-a" is in no DNS: exec would hang
	wait_for 120 kubectl get --raw /readyz
	start control controllers "$kubernetes" kube-controller-manager --kubeconfig "$admin" --leader-elect=false \
		--service-account-private-key-file "$state/pki/accounts.key" --root-ca-file "$state/pki/ca.crt"
	start control scheduler "$kubernetes" kube-scheduler --kubeconfig "$admin" --leader-elect=false
	mkdir -p "$state/control/charts"
	start control objects "$objects" -listen $net.1:9000 -data "$state/control/objects.db" -bucket backups \
		-charts "$state/control/charts"
	start control dns "$dns" -kubeconfig "$admin" -listen $net.1:53
}

# node NAME: node-a is the first one, and in region-a
node() {
	case $1 in
	node-a) set -- "$1" "$net.11" "$pods.1" region-a ;;
	*) set -- "$1" "$net.12" "$pods.2" region-b ;;
	esac
	dir=$state/$1
	rm -rf "$dir/run" # as /run is after a start
	machine "$1"
	mkdir -p "$dir/cni"
	ip link add uplink netns "$(cat "$dir/init")" type veth peer name "$1" netns "$(cat "$state/control/init")"
	inside control ip link set "$1" master switch up
	inside control ip route replace "$3.0/24" via "$2"
	inside "$1" ip addr add "$2/24" dev uplink
	inside "$1" ip link set uplink up
	inside "$1" ip route add 10.0.0.0/8 via "$net.1" # all other Pods

	# ptp, as a bridge would need the kernel's br_netfilter for Services
	cat >"$dir/cni/10-e2e.conflist" <<-JSON
		{"cniVersion": "0.4.0", "name": "e2e", "plugins": [
		 {"type": "ptp", "ipam": {"type": "host-local", "dataDir": "$dir/ipam", "subnet": "$3.0/24",
		  "routes": [{"dst": "0.0.0.0/0"}]}}]}
	JSON
	# restrict_oom_score_adj: a machine without CAP_SYS_RESOURCE cannot do otherwise
	cat >"$dir/containerd.toml" <<-TOML
		version = 2
		root = "$dir/containerd"
		state = "$dir/run"
		[grpc]
		  address = "$dir/containerd.sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "cnpg-pair.local/pause:e2e"
		  restrict_oom_score_adj = true
		  cni = {bin_dir = "/usr/lib/cni", conf_dir = "$dir/cni"}
		  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		    runtime_type = "io.containerd.runc.v2"
	TOML
	# no cgroups for Pods but the containers' own, which works with version 1 and 2
	cat >"$dir/kubelet.yaml" <<-YAML
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
		authorization: {mode: AlwaysAllow}
		cgroupDriver: cgroupfs
		cgroupRoot: /cnpg-pair-$1
		cgroupsPerQOS: false
		enforceNodeAllocatable: []
		failCgroupV1: false
		failSwapOn: false
		clusterDNS: [$net.1]
		clusterDomain: cluster.local
		containerRuntimeEndpoint: unix://$dir/containerd.sock
		podLogsDir: $dir/logs
		resolvConf: $dir/resolv.conf
		volumePluginDir: $dir/volumeplugins
		containerLogMaxSize: 1Gi # of a rotated one kubectl logs shows the end only
		imageGCHighThresholdPercent: 100 # its images cannot be pulled again, whatever else fills the disk
		evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
	YAML
	cat >"$dir/proxy.yaml" <<-YAML
		apiVersion: kubeproxy.config.k8s.io/v1alpha1
		kind: KubeProxyConfiguration
		clientConnection: {kubeconfig: $state/pki/proxy.kubeconfig}
		clusterCIDR: $pods.0.0/16
		hostnameOverride: $1
		mode: iptables
		conntrack: {maxPerCore: 0, min: 0}
	YAML
	echo "nameserver $net.1" >"$dir/resolv.conf"

	start "$1" containerd containerd --config "$dir/containerd.toml"
	wait_for 30 inside "$1" ctr --address "$dir/containerd.sock" version
	for image in postgresql pause "$(basename "$operator")"; do
		load "$1" "$image"
	done
	start "$1" kubelet "$kubernetes" kubelet --config "$dir/kubelet.yaml" --kubeconfig "$state/pki/$1.kubeconfig" \
		--root-dir "$dir/kubelet" --cert-dir "$dir/kubelet/pki" --hostname-override "$1" --node-ip "$2" \
		--node-labels "openova.io/region=$4"
	start "$1" proxy "$kubernetes" kube-proxy --config "$dir/proxy.yaml"
}

# load NODE IMAGE
load() {
	inside "$1" ctr --address "$state/$1/containerd.sock" --namespace k8s.io images import "$images/$2.tar" >/dev/null
}

# storage: volumes made by hand, each usable on one node
storage() {
	cat <<-YAML
		apiVersion: storage.k8s.io/v1
		kind: StorageClass
		metadata: {name: local, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
		provisioner: kubernetes.io/no-provisioner
		volumeBindingMode: WaitForFirstConsumer
	YAML
	for node in $nodes; do
		for i in $(seq $volumes); do
			mkdir -p "$state/$node/volumes/$i"
			cat <<-YAML
				---
				apiVersion: v1
				kind: PersistentVolume
				metadata: {name: $node-$i}
				spec:
				  capacity: {storage: 1Gi}
				  accessModes: [ReadWriteOnce]
				  storageClassName: local
				  local: {path: $state/$node/volumes/$i}
				  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$node]}]}]}}
			YAML
		done
	done
}

# install_operator BUILD PROGRAM TAG: as the release's own manifest says, with our image of
# the same version, which is here already, and the Pod in the region that no test takes away
install_operator() {
	module=$(cd "$here/../build/$1" && go list -m -f '{{.Dir}}' github.com/cloudnative-pg/cloudnative-pg)
	version=${2##*-v}
	sed -E -e "s#(image|value): [^ ]+/cloudnative-pg:$version\$#\1: cnpg-pair.local/operator:$3#" \
		-e 's/imagePullPolicy: Always/imagePullPolicy: IfNotPresent/' \
		-e 's/^( *)serviceAccountName: cnpg-manager$/&\n\1nodeSelector: {openova.io\/region: region-b}/' \
		"$module/releases/cnpg-$version.yaml" | kubectl apply --server-side -f - >/dev/null
}

# tools finds what machines run
tools() {
	# shellcheck disable=SC2086 # a list of words
	# a package that was removed is known to dpkg all the same
	if dpkg-query -W -f '${db:Status-Status}\n' $apt_packages 2>&1 | grep -qvx installed; then
		apt-get update -qq >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $apt_packages >&2
	fi
	etcd=$("$here/../tools.sh" etcd)
	kubernetes=$("$here/../tools.sh" kubernetes)
	kubectl=$("$here/../tools.sh" kubectl)
	operator=$("$here/../tools.sh" operator)
	dns=$("$here/../tools.sh" dns)
	objects=$("$here/../tools.sh" objects)
	images=$("$here/images.sh" "${1-}")
}

# join lays a cable between the second cluster's control and the first one's
join() {
	init=$(cat "$first/control/init")
	nsenter --net --target "$init" ip link del cable 2>/dev/null || true # of one that went down
	ip link add cable netns "$init" type veth peer name cable netns "$(cat "$state/control/init")"
	nsenter --net --target "$init" ip addr add 10.100.0.1/24 dev cable
	nsenter --net --target "$init" ip link set cable up
	nsenter --net --target "$init" ip route add "$pods.0.0/16" via 10.100.0.2
	inside control ip addr add 10.100.0.2/24 dev cable
	inside control ip link set cable up
	inside control ip route add 10.244.0.0/16 via 10.100.0.1
}

up() {
	tools
	down
	mkdir -p "$state"
	pki
	control
	for node in $nodes; do
		node "$node"
	done
	# the API server calls the webhooks by their Service: a node's kube-proxy translates
	inside control ip route add "$services.0.0/16" via "$net.12"
	[ -z "${first-}" ] || join
	install_operator operator "$operator" e2e
	storage | kubectl apply -f - >/dev/null
	for node in $nodes; do
		kubectl wait --for=create "node/$node" --timeout=60s >&2
	done
	kubectl wait --for=condition=Ready node --all --timeout=120s >&2
	kubectl -n cnpg-system rollout status deployment/cnpg-controller-manager --timeout=180s >&2
	echo "$state"
}

# down of the first takes the second one along, which could not live without it
down() {
	if [ -z "${first-}" ] && [ -e "$second" ]; then
		"$here/cluster.sh" second down
	fi
	for name in $nodes control; do
		[ ! -e "$state/$name/pid" ] || stop "$name"
	done
	for node in $nodes; do
		find /sys/fs/cgroup -depth -type d -path "*/cnpg-pair-$node*" -exec rmdir {} + 2>/dev/null || true
	done
	rm -rf "$state"
}

stop() {
	kill -KILL "$(cat "$state/$1/pid")" 2>/dev/null || true
	rm "$state/$1/pid"
	# the kernel takes its time with a dead machine's network, and boot lays a new cable
	[ "$1" = control ] || inside control ip link del "$1" 2>/dev/null || true
}

case ${1-} in
up) up ;;
image)
	tools more
	shift
	for image; do # not name, which inside sets
		case $image in
		operator-1.29 | barman-cloud) image=$(basename "$("$here/../tools.sh" "$image")") ;;
		esac
		for node in $nodes; do
			load "$node" "$image"
		done
	done
	;;
operator)
	tools
	if [ "${2-}" = 1.29 ]; then
		install_operator operator-1.29 "$("$here/../tools.sh" operator-1.29)" e2e-1.29
	else
		install_operator operator "$operator" e2e
	fi
	kubectl -n cnpg-system rollout status deployment/cnpg-controller-manager --timeout=180s >&2
	;;
where) echo "$state" ;;
packages) echo $apt_packages ;;
tools)
	tools "${2-}"
	echo "$images"
	;;
enter)
	shift
	export KUBECONFIG="$state/pki/admin.kubeconfig"
	exec nsenter --net --target "$(cat "$state/control/init")" "$@"
	;;
cut) inside control ip link set "$2" down ;;
stop) stop "$2" ;;
boot)
	tools
	node "$2"
	;;
down) down ;;
*) sed -n '2,/^set -eu/{s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
