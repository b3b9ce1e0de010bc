#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Of two nodes on one Redis the owner is stopped by SIGSTOP again and again, both of its processes, at
# whatever instant of a campaign; the other one takes over, and the owner thaws when its lease has long
# been over. A capture shows that it sends not one request from then on until it is the owner again.
#
# What no software can see is a stop between the last look at the lease and the packets' way into the
# port's ring: they are in one call then, and may leave at the thaw. At this pace a call has 3 packets at
# most. It takes a microsecond or so of each few milliseconds.
#
#   FLEETKEY_FREEZES  how often (6)
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

FREEZES=${FLEETKEY_FREEZES:-6}
declare -a frozen_at=() thawed_at=() frozen_node=()

# processes NODE: control and dataplane of it.
processes() {
	local suffix=
	[ "$1" = a ] || suffix=_b
	echo "control$suffix dataplane$suffix"
}

tap_plan 8
stack_init freezes
STACK_UES=$((FREEZES * 800))
STACK_PACE=400
STACK_WINDOW=200
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
STACK_ATTEMPTS=20
STACK_LEASE_MS=1000
nodes_start
stack_import >/dev/null
stack_campaign_create --no-closing
owner=a
other=b
for ((i = 0; i < FREEZES; i++)); do
	acks_grow_by 20
	sleep "0.$(printf '%03d' $((RANDOM % 200)))"
	read -ra names < <(processes "$owner")
	freeze "${names[@]}"
	frozen_node[i]=$owner
	frozen_at[i]=$FROZEN_MS
	takes_over "$other"
	acks_grow_by 20
	# Whatever came late: a whole lease without a packet.
	while [ $(($(now_ms) - FROZEN_MS)) -lt $((2 * STACK_LEASE_MS)) ]; do
		sleep 0.05
	done
	thaw "${names[@]}"
	thawed_at[i]=$THAWED_MS
	stack_until 20 "standby" stands_by "$owner" "$other"
	[ "$owner" = a ] && owner=b other=a || owner=a other=b
done
tap_ok "the campaign completes" stack_watch 90
stack_settle
nodes_end
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" "$STACK_UES"
tap_ok "the books agree" stack_books_agree
tap_is "no message number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0

frozen_at[FREEZES]=$(now_ms)
n_before=0
n_meanwhile=0
n_after=0
for ((i = 0; i < FREEZES; i++)); do
	node=${frozen_node[i]}
	# Until it is frozen the next time it is the owner from the freeze of the other one on.
	n=$(requests "$node" "${thawed_at[i]}" "${frozen_at[i + 1]}")
	echo "# freeze $((i + 1)) of $node: $n after the thaw"
	n_before=$((n_before + ($(requests "$node" $((frozen_at[i] - 300)) "${frozen_at[i]}") > 0)))
	n_meanwhile=$((n_meanwhile +
		$(requests "$node" $((frozen_at[i] + NODES_SLACK_MS)) "${thawed_at[i]}")))
	n_after=$((n_after + n))
done
tap_is "each time the owner sent requests until it was stopped" "$n_before" "$FREEZES"
tap_is "none meanwhile" "$n_meanwhile" 0
tap_is "and none when it thawed" "$n_after" 0
tap_ok "the capture has all requests of both" test \
	"$(wc -l <"$STACK_DIR/requests")" -ge "$STACK_UES"
stack_stop dataplane_b 10
stack_stop control_b 10
stack_end
tap_end
