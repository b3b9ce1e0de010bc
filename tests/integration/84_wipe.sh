#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The command to wipe, and a normal end: the memory of both processes is searched at the moment of
# their end for the root key and for the KEKs and protection TEKs of all UEs. Zero hits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

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

tap_needs_root "it reads other processes' memory"
tap_plan 10
stack_init wipe
STACK_UES=500
stack_prepare
{
	od -An -v -tx1 "$STACK_DIR/root.key" | tr -d ' \n'
	echo
	tail -n +2 "$STACK_DIR/fleet.csv" | cut -d, -f12
	tail -n +2 "$STACK_DIR/fleet.csv" | cut -d, -f15 | grep .
} >"$STACK_DIR/keys"
stack_start
stack_import >/dev/null
stack_campaign_create
stack_watch 120 >/dev/null
# What the import of plain keys left in the HTTP server's buffers goes with that process.
stack_stop control 30
stack_start_control
stack_until 30 "attached dataplane" stack_attached

tap_ok "while they run, the keys are found" \
	test "$("$scan" now "$STACK_DIR/keys" "$(stack_pid dataplane)" 2>/dev/null)" -gt 500
tap_ok "in both" test "$("$scan" now "$STACK_DIR/keys" "$(stack_pid control)" 2>/dev/null)" -gt 500

begin=$(now_ms)
stack_ctl keys wipe --yes >/dev/null
gone dataplane
dataplane_status=$status
gone control
spent=$(($(now_ms) - begin))
tap_ok "told to wipe, both are gone within a second" test "$spent" -lt 1000
echo "# $spent ms"
tap_is "neither calls that a failure" "$dataplane_status $status" "0 0"

start_both
watch control
watch dataplane
stack_ctl keys wipe --yes >/dev/null
gone dataplane
gone control
tap_is "then the dataplane's memory is without keys" "$(hits dataplane)" 0
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
