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
# shellcheck source=tests/support/nodes.sh
. tests/support/nodes.sh

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

# The fleet is silent until the lease is over: so all that is open is repeated, for as long as it may
# be.
silence_past_lease() {
	kill -STOP "$(stack_pid fleetsim)"
	sleep 0.2
	freeze "$@"
	sleep "$((STACK_LEASE_MS / 1000)).$(printf '%03d' $((STACK_LEASE_MS % 1000)))"
	kill -CONT "$(stack_pid fleetsim)"
}

# edge NODE first|last BEFORE_MS: when its first or last request before that left.
edge() {
	awk -v mac="${NODES_MACS[$1]}" -v which="$2" -v before="$3" '
		$1 == mac && $2 * 1000 < before { if (!n++ || which == "last") at = $2 * 1000 }
		END { printf "%.0f\n", at }' "$STACK_DIR/requests"
}

claims() {
	timeout 60 tshark -n -r "$STACK_DIR/wire.pcapng" -Y "arp.isgratuitous && eth.src == ${NODES_MACS[$1]}" \
		2>/dev/null | wc -l
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
nodes_start
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
nodes_end
end_ms=$(now_ms)
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" "$STACK_UES"
tap_ok "the books agree" stack_books_agree
tap_is "no message number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "the fleet saw nothing malformed" "$(jq .malformed "$STACK_DIR/fleetsim.json")" 0

# What was asked for before it hung is granted for so long, less a tenth.
lease_over_ms=$((hang_ms + STACK_LEASE_MS * 9 / 10 + NODES_SLACK_MS))
tap_ok "while its control hung, a repeated what was open" \
	test "$(requests a "$hang_ms" $lease_over_ms)" -gt 20
tap_is "and sent not one request after its lease, until it was the owner again" \
	"$(requests a $lease_over_ms "$killed_ms")" 0
tap_ok "b sent nothing before a's last" test "$(edge a last "$killed_ms")" -lt "$(edge b first "$end_ms")"
tap_ok "but much from then on" test "$(requests b "$hang_ms" "$first_thaw_ms")" -gt 100
tap_is "a node that is dead sends nothing" "$(requests b $((killed_ms + NODES_SLACK_MS)) "$both_ms")" 0
tap_ok "a sent before it hung whole" test "$(requests a "$killed_ms" "$both_ms")" -gt 100
tap_is "and after that nothing, for it was the owner no more" \
	"$(requests a $((both_ms + NODES_SLACK_MS)) "$end_ms")" 0
tap_ok "b sent again from then on" \
	test "$(requests b "$both_ms" "$second_thaw_ms")" -gt 100
tap_ok "each owner announced the address" test "$(claims a)" -ge 6 -a "$(claims b)" -ge 6
stack_stop dataplane_b 10
stack_stop control_b 10
stack_end
tap_end
