# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# nodes.sh - two nodes, a and b, on one Redis and with one SIP address, on a bridge with the fleet, in a
# network namespace that the caller has made. Sourced, after stack.sh.
#
#   nodes_start     after the STACK_* settings: network, capture of the fleet's end, node a and the rest
#                   of the stack, then node b, which stands by
#   nodes_end       after stack_settle: ends the capture, and takes the requests out of it
#
# Node a has the names that stack.sh knows, node b the same with "_b".
# shellcheck disable=SC2034,SC2153 # settings of stack.sh, and what the caller reads
NODES_ADDRESS=192.0.2.10
NODES_SLACK_MS=50 # of a busy machine's clocks and queues
declare -A NODES_MACS=()

now_ms() {
	echo $((${EPOCHREALTIME/[^0-9]/} / 1000))
}

# The ends of the nodes and of the fleet on one bridge. The kernel has no address on any of them.
make_net() {
	local end
	ip link set lo up
	ip link add name br0 type bridge
	sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
	for end in a b fleet; do
		ip link add name "$end" type veth peer name "$end-port"
		sysctl -qw "net.ipv6.conf.$end.disable_ipv6=1" "net.ipv6.conf.$end-port.disable_ipv6=1"
		ip link set dev "$end-port" master br0
		ip link set dev "$end" up
		ip link set dev "$end-port" up
		NODES_MACS[$end]=$(ip -json link show dev "$end" | jq -r '.[0].address')
	done
	ip link set br0 up
}

start_capture() {
	stack_spawn capture "$STACK_CPU_THEIRS" dumpcap -q -i fleet-port -f 'udp or arp' \
		-w "$STACK_DIR/wire.pcapng"
	stack_until 20 "capture" test -s "$STACK_DIR/wire.pcapng"
}

stack_start_control_b() {
	stack_spawn control_b "$STACK_CPU_OURS" "$STACK_BIN/fleetkeyd" \
		--config "$STACK_DIR/fleetkeyd-b.yaml"
}

stack_start_dataplane_b() {
	stack_spawn dataplane_b "$STACK_CPU_OURS" "$STACK_BIN/fleetkey-dp" \
		--link "$STACK_DIR/link-b.sock" --idle sleep --ip "$NODES_ADDRESS/24" -- \
		--lcores "0@$STACK_CPU_OURS,1@$STACK_CPU_OURS" --no-pci "${STACK_EAL_MEMORY[@]}" \
		-m "$STACK_MEMORY_MB" --file-prefix="fleetkey-b-$$" \
		"--vdev=net_af_packet0,iface=b"
}

prepare() {
	stack_prepare
	printf 'node:\n  name: node-a\n' >>"$STACK_DIR/fleetkeyd.yaml"
	sed -e 's/node-a/node-b/' -e 's/link\.sock/link-b.sock/' -e 's/api\.sock/api-b.sock/' \
		"$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/fleetkeyd-b.yaml"
}

# ask NODE: whom fleetkeyctl asks from now on.
ask() {
	STACK_API_SOCKET=$STACK_DIR/api.sock
	[ "$1" = a ] || STACK_API_SOCKET=$STACK_DIR/api-b.sock
}

# node_health NODE: what its fleetkeyd says.
node_health() {
	local socket=api.sock
	[ "$1" = a ] || socket=api-b.sock
	curl -s --max-time 5 --unix-socket "$STACK_DIR/$socket" http://localhost/v1/health
}

stands_by() {
	[ "$(node_health "$1" | jq -r '.state + " " + .owner')" = "standby node-$2" ]
}

goes_on() {
	[ "$(node_health "$1" | jq -r '"\(.state) \(.dataplane) \(.active_campaign)"')" = \
		"ok true $STACK_CAMPAIGN" ]
}

acked() {
	stack_campaign_get .acked
}

acks_grow_by() {
	local wanted=$(($(acked) + $1))
	stack_until 30 "acknowledgements" stack_acked_is_at_least "$wanted"
}

# freeze NAME...: SIGSTOP, and notes when.
freeze() {
	local name
	for name in "$@"; do
		kill -STOP "$(stack_pid "$name")"
	done
	FROZEN_MS=$(now_ms)
}

thaw() {
	local name
	THAWED_MS=$(now_ms)
	for name in "$@"; do
		kill -CONT "$(stack_pid "$name")"
	done
}

# takes_over NODE: and its dataplane is let in.
takes_over() {
	stack_until 20 "takeover by $1" goes_on "$1"
	ask "$1"
}

# requests NODE FROM_MS TO_MS: MESSAGE requests of that node in the capture, repeats too.
requests() {
	awk -v mac="${NODES_MACS[$1]}" -v from="$2" -v to="$3" \
		'$1 == mac && $2 * 1000 >= from && $2 * 1000 < to { n++ } END { print n + 0 }' \
		"$STACK_DIR/requests"
}

nodes_start() {
	STACK_WIRE=--vdev=net_af_packet0,iface=a
	STACK_SIM_WIRE=--vdev=net_af_packet0,iface=fleet
	make_net
	prepare
	start_capture
	ask a
	stack_start
	stack_start_control_b
	stack_start_dataplane_b
	stack_until 20 "standby" stands_by b a
}

nodes_end() {
	stack_stop capture 10
	timeout 120 tshark -n -r "$STACK_DIR/wire.pcapng" \
		-Y "sip.Method == MESSAGE && ip.src == $NODES_ADDRESS" \
		-T fields -e eth.src -e frame.time_epoch >"$STACK_DIR/requests" 2>/dev/null
}
