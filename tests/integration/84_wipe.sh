#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The command to wipe, and a normal end, with nothing to do and in the middle of a campaign: the memory
# of both processes is searched at the moment of their end for the root key, for the KEKs and protection
# TEKs of all UEs, and for the traffic keys of the campaigns. Zero hits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/keys.sh
. tests/support/keys.sh

scan=$(dirname "$(readlink -f "$STACK_BIN/fleetkeyd")")/../tests/integration/key_scan
declare -A scanners=()

# watch NAME: a scanner that tells at the end of that process.
watch() {
	: >"$STACK_DIR/$1.hits"
	timeout 120 "$scan" exit "$STACK_DIR/keys" "$(stack_pid "$1")" >"$STACK_DIR/$1.hits" \
		2>"$STACK_DIR/$1.where" </dev/null &
	scanners[$1]=$!
	for _ in $(seq 100); do
		! grep -q ready "$STACK_DIR/$1.hits" || return 0
		sleep 0.05
	done
	stack_fail "nobody watches $1"
}

# hits NAME: what the scanner found; where, as diagnostics.
hits() {
	wait "${scanners[$1]}" || true
	sed 's/^/# /' "$STACK_DIR/$1.where" >&2
	tail -n 1 "$STACK_DIR/$1.hits"
}

# gone NAME: waits for the process that the stack started, which may end by itself.
gone() {
	local pid=${STACK_PIDS[$1]}
	unset "STACK_PIDS[$1]"
	status=0
	wait "$pid" || status=$?
}

now_ms() {
	date +%s%3N
}

start_both() {
	stack_start_control
	stack_until 30 "answer from fleetkeyd" stack_ctl health
	stack_start_dataplane
	stack_until 30 "attached dataplane" stack_attached
}

# found NAME KEYS: how many of these keys are in that process now.
found() {
	"$scan" now "$2" "$(stack_pid "$1")" 2>/dev/null
}

key_was_captured() {
	keys_delivered "$STACK_CAPTURE" >"$STACK_DIR/tek"
	[ -s "$STACK_DIR/tek" ]
}

# A campaign that is under way; its traffic key in the file tek, and among all keys.
begin_campaign() {
	stack_campaign_create
	stack_until 30 "acknowledgements" stack_acked_is_at_least 50
	stack_until 10 "traffic key in the capture" key_was_captured
	cat "$STACK_DIR/tek" >>"$STACK_DIR/keys"
}

# wipe_both: tells them to, and how long that took, in milliseconds.
wipe_both() {
	local begin
	begin=$(now_ms)
	stack_ctl keys wipe --yes >/dev/null
	gone dataplane
	dataplane_status=$status
	gone control
	spent=$(($(now_ms) - begin))
	echo "# $spent ms"
}

is_under_way() {
	[ "$(stack_campaign_get '"\(.state) \(.acked < 500)"')" = "running true" ]
}

tap_needs_root "it reads other processes' memory"
tap_plan 22
stack_init wipe
STACK_UES=500
STACK_PACE=60
STACK_CAPTURE=$STACK_DIR/capture.pcap
STACK_CAPTURE_KEYS=true
stack_prepare
{
	keys_hex "$STACK_DIR/root.key"
	keys_of_fleet
} >"$STACK_DIR/keys"
stack_start
stack_import >/dev/null
begin_campaign
# What the import of plain keys left in the HTTP server's buffers goes with that process.
stack_stop control 30
stack_start_control
stack_until 30 "attached dataplane" stack_attached

tap_ok "while they run, the keys are found" test "$(found dataplane "$STACK_DIR/keys")" -gt 500
tap_ok "in both" test "$(found control "$STACK_DIR/keys")" -gt 500
tap_is "the traffic key is known" "$(grep -cxE '[0-9a-f]{64}' "$STACK_DIR/tek")" 1
tap_ok "and is found in the dataplane" test "$(found dataplane "$STACK_DIR/tek")" -gt 0
tap_ok "and in control" test "$(found control "$STACK_DIR/tek")" -gt 0

tap_ok "the campaign is under way" is_under_way
wipe_both
tap_ok "told to wipe then, both are gone within a second" test "$spent" -lt 1000
tap_is "neither calls that a failure" "$dataplane_status $status" "0 0"

start_both
tap_ok "the campaign goes on after it" is_under_way
watch control
watch dataplane
wipe_both # and both are searched in that time
tap_is "told to wipe in its middle, the dataplane's memory is without keys" "$(hits dataplane)" 0
tap_is "and so is control's" "$(hits control)" 0

start_both
tap_ok "the campaign is still under way" is_under_way
watch control
watch dataplane
stack_stop control 30
stack_stop dataplane 30
tap_is "at a normal end in its middle the dataplane's memory is without keys" "$(hits dataplane)" 0
tap_is "and so is control's" "$(hits control)" 0

start_both
tap_ok "the campaign completes" stack_watch 60
tap_is "with every UE" "$(stack_campaign_get .acked)" 500
watch control
watch dataplane
wipe_both
tap_is "after a campaign the dataplane's memory is without keys, too" "$(hits dataplane)" 0
tap_is "and so is control's" "$(hits control)" 0

start_both
watch dataplane
kill -ABRT "$(stack_pid dataplane)"
gone dataplane
tap_ok "after an end by force they would be found" test "$(hits dataplane 2>/dev/null)" -gt 500
stack_start_dataplane
stack_until 30 "attached dataplane" stack_attached
watch control
watch dataplane
stack_stop control 30
tap_is "at a normal end control's memory is without keys" "$(hits control)" 0
stack_stop dataplane 30
tap_is "and so is the dataplane's" "$(hits dataplane)" 0
stack_start_control
tap_ok "what is in the store stays" stack_until 30 "answer from fleetkeyd" stack_ctl health
stack_end
tap_end
