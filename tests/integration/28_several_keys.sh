#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Campaigns that deliver several keys: the list of SLNs, the split into KMMs, what a plan says of it,
# kills between the KMMs of a delivery, and a key that radios refuse.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# start_anew: an empty store and a new stack, by the settings as they are.
start_anew() {
	rm -rf "$STACK_DIR/redis" && mkdir "$STACK_DIR/redis"
	STACK_RESTARTS=()
	stack_prepare
	stack_start
	stack_import >/dev/null
	stack_until 30 "attached dataplane" stack_attached
}

# create_fails ARGUMENTS...: tries, keeps what was said, and prints the exit status.
create_fails() {
	local status=0
	stack_ctl campaign create "$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

fleet() {
	jq -r "$1" "$STACK_DIR/fleetsim.json"
}

plan() {
	jq -c "$1" "$STACK_DIR/plan.json"
}

# Different values of a member over all deliveries, in order.
of_deliveries() {
	jq -s -c "map($1) | unique" "$STACK_DIR/control.book"
}

# What control and fleet must agree on when every UE holds N keys.
all_hold() {
	tap_is "every UE holds all keys" "$(jq .acked "$STACK_DIR/campaign.json")" "$STACK_UES"
	tap_is "and the closing exchange was proven" \
		"$(jq .states.acked "$STACK_DIR/campaign.json")" "$STACK_UES"
	tap_ok "the books agree, UE by UE and key by key" stack_books_agree
	tap_is "a book has a line for each UE and key" "$(wc -l <"$STACK_DIR/control.csv")" \
		$((STACK_UES * $1))
	tap_is "the fleet verified all keys of every UE" "$(fleet .verified)" "$STACK_UES"
	tap_is "all members of the group hold the same keys" "$(fleet .groups_agree)" true
	tap_is "no message number was used twice" "$(fleet .message_number_reused)" 0
	tap_is "nothing was malformed" "$(fleet .malformed)" 0
}

tap_plan 50
stack_init several-keys
STACK_UES=500
STACK_LOSS=5
STACK_SLNS=16
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
STACK_ATTEMPTS=10
start_anew

tap_is "an SLN out of range is wrong usage" "$(create_fails --sln 1,4096)" 2
tap_ok "and the range is named" grep -q '1 to 4095' "$STACK_DIR/out"
for list in '' ',' '1,' 5-3 0 1- 1-2-3 1x; do
	tap_is "so is the list '$list'" "$(create_fails --sln "$list")" 2
done
tap_is "seventeen SLNs are too many" "$(create_fails --sln 1-17)" 2
tap_is "an SLN that stands there twice is refused" "$(create_fails --sln 4,1-4)" 1
tap_ok "with field and reason" grep -q 'slns.*SLN 4 stands there twice' "$STACK_DIR/out"

stack_ctl campaign create --sln 1,2,5-8 --dry-run --json >"$STACK_DIR/plan.json"
tap_is "a plan shows its keys" "$(plan '[.n_keys, .slns]')" '[6,[1,2,5,6,7,8]]'
k=$(plan .keys_per_kmm_max)
tap_ok "more than one goes into a KMM of the usual size" test "$k" -gt 1
tap_is "and a UE gets as many KMMs as they need, and the closing exchange" \
	"$(plan '[.keys_per_kmm_min, .kmms_per_ue_min, .kmms_per_ue_max]')" \
	"[$k,$(((6 + k - 1) / k + 1)),$(((6 + k - 1) / k + 1))]"
tap_is "and all UEs" "$(plan .n_kmms)" $((STACK_UES * ((6 + k - 1) / k + 1)))
tap_is "the largest payload has so many keys" "$(plan .payload_size)" $((94 + 45 * (k - 1)))
tap_ok "and its message is within the limit" jq -e \
	'.message_size_max <= .message_size_limit and .message_size_max > 1200' \
	"$STACK_DIR/plan.json"

stack_campaign_create --sln 1-16
tap_ok "sixteen keys are delivered under loss" stack_watch 120
stack_settle
tap_is "the campaign names its keys" "$(jq -c '[.n_keys, (.slns | length),
	(.key_ids | unique | length), .sln == .slns[0], .key_id == .key_ids[0]]' \
	"$STACK_DIR/campaign.json")" '[16,16,16,true,true]'
n=$(((16 + k - 1) / k + 1))
tap_is "each delivery took as few KMMs as they fit" \
	"$(of_deliveries '[.n_steps, .steps_done, .keys_held]')" "[[$n,$n,16]]"
all_hold 16
stack_end

STACK_TRANSPORT_LIMIT=169 # one octet less than three keys take
STACK_LOSS=1
STACK_PACE=700
STACK_WINDOW=50 # few UEs at a time, so that some are done when others have not begun
start_anew
stack_campaign_create --sln 1-16
stack_until 60 "thirty UEs" stack_acked_is_at_least 30
stack_kill control
# What a delivery has begun with goes on, whatever the operator sets meanwhile.
sed -i 's/transport_limit: 169/transport_limit: 80/' "$STACK_DIR/fleetkeyd.yaml"
stack_until 60 "a hundred UEs" stack_acked_is_at_least 100
stack_kill dataplane
acked=$(stack_campaign_get .acked)
tap_is "both were killed in mid-campaign" "$([ "$acked" -lt 450 ] && echo yes)" yes
tap_ok "the campaign completes" stack_watch 180
tap_is "each was started again once" \
	"${STACK_RESTARTS[control]:-0} ${STACK_RESTARTS[dataplane]:-0}" "1 1"
stack_settle
tap_is "each delivery took nine KMMs, also those begun after the kills" \
	"$(of_deliveries .n_steps)" '[9]'
all_hold 16
stack_end

STACK_TRANSPORT_LIMIT=125 # two keys
STACK_LOSS=0
STACK_PACE=50000
STACK_WINDOW=2048
STACK_SLNS=5
STACK_FLEETSIM_ARGS=(--status-percent "20:0x05:4")
start_anew
stack_campaign_create --sln 1-5
# Some UEs refuse a key, so the watch does not end well.
stack_watch 60 >/dev/null || true
stack_settle
n_refusing=$(fleet .refused.status)
tap_ok "some UEs refuse the fourth key" test "$n_refusing" -gt 50
tap_is "they end partial, the others acked" \
	"$(jq -c '[.states.acked, .states.partial, .acked]' "$STACK_DIR/campaign.json")" \
	"[$((STACK_UES - n_refusing)),$n_refusing,$((STACK_UES - n_refusing))]"
tap_is "with what is known of each key, and the reason" "$(jq -s -c 'map(select(.state == "partial")
	| [.reason, .held, .n_steps, .steps_done, .keys_held, [.keys[].state]]) | unique' \
	"$STACK_DIR/control.book")" \
	'[["kmm_status_05",false,4,1,3,["held","held","held","refused","not_held"]]]'
tap_is "the report counts the reason" \
	"$(jq -c .reasons "$STACK_DIR/campaign-report.json")" "{\"kmm_status_05\":$n_refusing}"
tap_ok "the books agree on what is held all the same" stack_books_agree
stack_end

STACK_TRANSPORT_LIMIT=124 # one key
STACK_FLEETSIM_ARGS=()
start_anew
tap_is "more KMMs than a delivery can have are refused" "$(create_fails --sln 1-16)" 1
tap_ok "with field, number and bound" grep -q 'slns.*16 keys need 17 KMMs.*at most 16' \
	"$STACK_DIR/out"
tap_is "without the closing exchange they are just few enough" \
	"$(stack_ctl campaign create --sln 1-16 --no-closing --dry-run --json |
		jq -c '[.kmms_per_ue_max, .keys_per_kmm_max, .n_kmms]')" "[16,1,$((STACK_UES * 16))]"
stack_end
tap_end
