#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Two nodes, a and b, on one Redis and with one SIP address, on a bridge with the fleet. In one paced
# campaign the owner changes three times: a's fleetkeyd is stopped by SIGSTOP past its lease, and thaws;
# then b is killed, both of its processes; then both of a's are stopped, and thaw. Each time the other
# node goes on by itself, a capture shows that the old one sends nothing after its lease, and in the end
# the books agree.
#
# Everything runs in a network namespace of its own, which ends with the script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh

tap_needs_root "it makes a network of its own"
[ "${1:-}" = inside ] || exec unshare --net "$0" inside
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

OURS=192.0.2.10
BURST=64 # what a worker that is stopped in the middle of a burst may still send when it thaws
SLACK_MS=50 # of a busy machine's clocks and queues
declare -A MACS=()

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
		MACS[$end]=$(ip -json link show dev "$end" | jq -r '.[0].address')
	done
	ip link set br0 up
}

start_capture() {
	stack_spawn capture "$STACK_CPU_THEIRS" dumpcap -q -i fleet-port -f 'udp or arp' \
		-w "$STACK_DIR/wire.pcapng"
	stack_until 20 "capture" test -s "$STACK_DIR/wire.pcapng"
}

# Node a has the names that stack.sh knows, node b the same with "_b".
stack_start_control_b() {
	stack_spawn control_b "$STACK_CPU_OURS" "$STACK_BIN/fleetkeyd" \
		--config "$STACK_DIR/fleetkeyd-b.yaml"
}

stack_start_dataplane_b() {
	stack_spawn dataplane_b "$STACK_CPU_OURS" "$STACK_BIN/fleetkey-dp" \
		--link "$STACK_DIR/link-b.sock" --idle sleep --ip "$OURS/24" -- \
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

holders() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r 'select(.held) | .ue_id' | LC_ALL=C sort
}

# Every UE of holders.before is still one.
none_is_forgotten() {
	holders >"$STACK_DIR/holders.after"
	[ -s "$STACK_DIR/holders.before" ] &&
		[ -z "$(LC_ALL=C comm -23 "$STACK_DIR/holders.before" "$STACK_DIR/holders.after")" ]
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

# The fleet is silent until the lease is over: so all that is open is repeated, for as long as it may
# be.
silence_past_lease() {
	kill -STOP "$(stack_pid fleetsim)"
	sleep 0.2
	freeze "$@"
	sleep "$((STACK_LEASE_MS / 1000)).$(printf '%03d' $((STACK_LEASE_MS % 1000)))"
	kill -CONT "$(stack_pid fleetsim)"
}

# requests NODE FROM_MS TO_MS: MESSAGE requests of that node in the capture, repeats too.
requests() {
	awk -v mac="${MACS[$1]}" -v from="$2" -v to="$3" \
		'$1 == mac && $2 * 1000 >= from && $2 * 1000 < to { n++ } END { print n + 0 }' \
		"$STACK_DIR/requests"
}

# edge NODE first|last BEFORE_MS: when its first or last request before that left.
edge() {
	awk -v mac="${MACS[$1]}" -v which="$2" -v before="$3" '
		$1 == mac && $2 * 1000 < before { if (!n++ || which == "last") at = $2 * 1000 }
		END { printf "%.0f\n", at }' "$STACK_DIR/requests"
}

claims() {
	timeout 60 tshark -n -r "$STACK_DIR/wire.pcapng" -Y "arp.isgratuitous && eth.src == ${MACS[$1]}" \
		2>/dev/null | wc -l
}

# takes_over NODE: and its dataplane is let in.
takes_over() {
	stack_until 20 "takeover by $1" goes_on "$1"
	ask "$1"
}

tap_plan 29
stack_init two-controls
STACK_UES=4500
STACK_PACE=300
STACK_WINDOW=200
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
STACK_ATTEMPTS=20
STACK_LEASE_MS=1500
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
tap_is "the second node stands by, and says who the owner is" \
	"$(node_health b | jq -r '.state + " " + .node + " " + .owner')" "standby node-b node-a"
tap_is "it refuses all else with the owner's name" \
	"$(curl -s --unix-socket "$STACK_DIR/api-b.sock" http://localhost/v1/campaigns |
		jq -r '"\(.status) \(.reason | contains("node-a is the owner"))"')" "503 true"
stack_import >/dev/null
stack_campaign_create --no-closing
acks_grow_by 200

# 1. The owner's control hangs, and thaws.
holders >"$STACK_DIR/holders.before"
silence_past_lease control
hang_ms=$FROZEN_MS
takes_over b
tap_ok "a's control hangs: b goes on with the campaign" acks_grow_by 200
tap_ok "who had acknowledged has done so still" none_is_forgotten
thaw control
first_thaw_ms=$THAWED_MS
tap_ok "a thaws, sees that it has lost, and stands by" stack_until 20 "standby" stands_by a b
tap_is "it says why" "$(grep -c 'another node is the owner now.*node-b is the owner now' \
	"$STACK_DIR/control.log")" 1
tap_ok "its dataplane stands by, too" \
	stack_until 10 "standby of the dataplane" grep -q standing_by "$STACK_DIR/dataplane.log"
tap_ok "and b goes on" acks_grow_by 100

# 2. The owner dies, both processes.
holders >"$STACK_DIR/holders.before"
stack_kill_hold control_b
stack_kill_hold dataplane_b
killed_ms=$(now_ms)
takes_over a
took_ms=$(($(now_ms) - killed_ms))
tap_ok "b is killed: a goes on with the campaign" acks_grow_by 200
tap_ok "within a lease and a start ($took_ms ms)" test "$took_ms" -le $((STACK_LEASE_MS + 3000))
tap_ok "who had acknowledged has done so still" none_is_forgotten
stack_start_control_b
stack_start_dataplane_b
tap_ok "b comes back, and stands by" stack_until 20 "standby" stands_by b a

# 3. Both processes of the owner hang, and thaw.
holders >"$STACK_DIR/holders.before"
silence_past_lease control dataplane
both_ms=$FROZEN_MS
takes_over b
tap_ok "all of a hangs: b goes on with the campaign" acks_grow_by 200
tap_ok "who had acknowledged has done so still" none_is_forgotten
thaw dataplane control
second_thaw_ms=$THAWED_MS
tap_ok "a thaws, and stands by" stack_until 20 "standby" stands_by a b

tap_ok "the campaign completes" stack_watch 90
stack_settle
stack_stop capture 10
end_ms=$(now_ms)
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" "$STACK_UES"
tap_ok "the books agree" stack_books_agree
tap_is "no message number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "the fleet saw nothing malformed" "$(jq .malformed "$STACK_DIR/fleetsim.json")" 0

timeout 120 tshark -n -r "$STACK_DIR/wire.pcapng" -Y "sip.Method == MESSAGE && ip.src == $OURS" \
	-T fields -e eth.src -e frame.time_epoch >"$STACK_DIR/requests" 2>/dev/null
# What was asked for before it hung is granted for so long, less a tenth.
lease_over_ms=$((hang_ms + STACK_LEASE_MS * 9 / 10 + SLACK_MS))
tap_ok "while its control hung, a repeated what was open" \
	test "$(requests a "$hang_ms" $lease_over_ms)" -gt 20
tap_is "and sent not one request after its lease, until it was the owner again" \
	"$(requests a $lease_over_ms "$killed_ms")" 0
tap_ok "b sent nothing before a's last" test "$(edge a last "$killed_ms")" -lt "$(edge b first "$end_ms")"
tap_ok "but much from then on" test "$(requests b "$hang_ms" "$first_thaw_ms")" -gt 100
tap_is "a node that is dead sends nothing" "$(requests b $((killed_ms + SLACK_MS)) "$both_ms")" 0
tap_ok "a sent before it hung whole" test "$(requests a "$killed_ms" "$both_ms")" -gt 100
tap_ok "and after that at most what had left its worker" \
	test "$(requests a $((both_ms + SLACK_MS)) "$end_ms")" -le $BURST
tap_ok "b sent again from then on" \
	test "$(requests b "$both_ms" "$second_thaw_ms")" -gt 100
tap_ok "each owner announced the address" test "$(claims a)" -ge 6 -a "$(claims b)" -ge 6
stack_stop dataplane_b 10
stack_stop control_b 10
stack_end
tap_end
