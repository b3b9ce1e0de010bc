#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An import that fails after its fleet came into force: fleetkeyd begins anew with that fleet, by
# itself, rather than go on with the one before and count its message numbers where nobody finds
# them again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=2000

# What is locked is limited for those only who may not lock what they like.
stack_start_control() {
	stack_spawn control "$STACK_CPU_OURS" setpriv --inh-caps -ipc_lock --bounding-set -ipc_lock \
		"$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml"
}

locked_octets() {
	awk '$1 == "VmLck:" { print $2 * 1024 }' "/proc/$(stack_pid control)/status"
}

lock_at_most() {
	prlimit --pid "$(stack_pid control)" --memlock="$1:"
}

generation() {
	stack_ctl fleet show --json 2>/dev/null | jq -r .fleet_generation
}

is_in_force() {
	[ "$(generation)" = "$1" ]
}

campaign_ends() {
	stack_campaign_create "$@"
	stack_watch 60 >/dev/null || true
}

tap_plan 12
stack_init behind_flip
STACK_UES=$UES
STACK_PACE=20000
stack_prepare
stack_start
most=$(ulimit -Hl)
[ "$most" = unlimited ] || most=$((most * 1024))
empty=$(locked_octets)
stack_import >/dev/null
campaign_ends
tap_is "a first campaign reaches every UE" "$(stack_campaign_get .acked)" $UES
full=$(locked_octets)
tap_ok "a fleet's keys are locked" [ "$((full - empty))" -gt "$((UES * 64))" ]
before=$(generation)
pid=$(stack_pid control)

# Room for one fleet and a half.
lock_at_most $((full + (full - empty) / 2))
status=0
stack_import >"$STACK_DIR/second.log" 2>&1 || status=$?
tap_ok "an import that finds no room for a second key table fails" [ "$status" -ne 0 ]
tap_ok "it says that the fleet is in force all the same" \
	grep -q 'this fleet is in force, and what is in force is being loaded anew' \
	"$STACK_DIR/second.log"
tap_ok "and why" grep -q 'cannot be locked.*RLIMIT_MEMLOCK' "$STACK_DIR/second.log"
tap_ok "the new fleet is loaded, by itself" stack_until 30 "the new fleet" \
	is_in_force $((before + 1))
tap_is "in the same process" "$(stack_pid control)" "$pid"
tap_is "nothing of the import is left to wait for" \
	"$(curl -s --max-time 10 --unix-socket "$STACK_DIR/api.sock" \
		http://localhost/v1/fleet/imports | jq -r .active)" false
lock_at_most "$most"
campaign_ends --keyset 1 --replace-active
tap_is "a campaign reaches every UE of it" "$(stack_campaign_get .acked)" $UES

# What was counted is found again.
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
campaign_ends --keyset 1 --replace-active
tap_is "and another one after a crash" "$(stack_campaign_get .acked)" $UES
stack_settle
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
tap_end
