#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The demo succeeds, says so in JSON, and leaves nothing behind, also when it is interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tmp"
json=$dir/result.json
export TMPDIR=$dir/tmp

# Processes end and the watcher cleans up within moments of a SIGKILL of the script.
soon_nothing_is_left() {
	for _ in $(seq 100); do
		! nothing_is_left || return 0
		sleep 0.1
	done
	return 1
}

# start_demo OPTION...: a paced one in the background, until the first UEs acknowledged.
start_demo() {
	setpriv --pdeathsig TERM timeout 120 scripts/demo "$@" >"$dir/out" 2>&1 &
	demo=$!
	for _ in $(seq 600); do
		! grep -q 'acked [1-9]' "$dir/out" || return 0
		sleep 0.1
	done
	return 1
}

# terminate_ours NAME: as a user does by hand, but not to a demo that is not ours.
terminate_ours() {
	local pid n=0
	for pid in $(pgrep -x "$1"); do
		grep -qF "$TMPDIR" "/proc/$pid/cmdline" || continue
		kill -TERM "$pid" && n=$((n + 1))
	done
	[ "$n" -eq 1 ]
}

demo_outlives_ends_by_hand() {
	start_demo --ues 2000 --pace 800 --t1-ms 200 --json "$json" || return 1
	terminate_ours fleetkeyd || return 1
	sleep 1.5
	terminate_ours fleetkey-dp || return 1
	wait "$demo"
}

# Its folder has keys in it.
killed_demo_is_cleaned_up() {
	local status=0
	start_demo --ues 200 --pace 5 || return 1
	[ -n "$(ls "$TMPDIR"/*/root.key)" ] || return 1
	pkill -KILL -P "$demo" || return 1
	wait "$demo" || status=$?
	[ "$status" -ge 128 ] && soon_nothing_is_left
}

nothing_is_left() {
	[ -z "$(ls -A "$TMPDIR")" ] && ! pgrep -f "$TMPDIR"
}

interrupted_demo_ends() {
	local status=0
	start_demo --ues 200 --pace 5 || return 1
	kill -TERM "$demo"
	wait "$demo" || status=$?
	[ "$status" -eq 143 ] || [ "$status" -eq 124 ]
}

# What cannot be written is refused before anything is started.
unwritable_json_is_refused() {
	local status=0
	scripts/demo --ues 10 --json "$1" >"$dir/out" 2>&1 || status=$?
	[ "$status" -eq 2 ] && grep -q -e '--json' "$dir/out"
}

# with_lock_limit KIB COMMAND...: without the capability that sets the limit aside.
with_lock_limit() {
	local kib=$1
	local -a drop=()
	shift
	[ "$(id -u)" -ne 0 ] || drop=(setpriv --inh-caps=-ipc_lock --bounding-set=-ipc_lock)
	# shellcheck disable=SC2016 # for the shell that is started
	bash -c 'ulimit -l "$1" && shift && exec "$@"' - "$kib" "${drop[@]}" "$@"
}

locked_memory_is_named() {
	local status=0
	with_lock_limit 64 timeout 20 scripts/demo --ues 10 >"$dir/out" 2>&1 || status=$?
	[ "$status" -eq 2 ] && grep -q 'RLIMIT_MEMLOCK' "$dir/out"
}

tap_plan 23
tap_ok "a demo with 200 UEs succeeds" scripts/demo --ues 200 --json "$json"
tap_is "the JSON's members are the agreed ones" \
	"$(jq -c '[.schema, .ues, .acked, .books_agree] + [has("final_states", "reasons",
		"seconds_to", "messages_per_second", "datagrams", "fleet", "host")]' "$json")" \
	'[1,200,200,true,true,true,true,true,true,true,true]'
tap_is "every UE's final state is acked" "$(jq -c .final_states "$json")" '{"acked":200}'
tap_is "the times are numbers in order" \
	"$(jq '.seconds_to | .["50"] > 0 and .["50"] <= .["99"] and .["99"] <= .["99.9"]
		and .["99.9"] <= .["100"]' "$json")" true
tap_is "the fleet verified every UE, no number was reused, nothing was malformed" \
	"$(jq -c '.fleet | [.verified, .message_number_reused, .malformed]' "$json")" '[200,0,0]'
tap_is "each UE cost at least six datagrams a step" \
	"$(jq '.datagrams | .tx + .rx >= 2400' "$json")" true
tap_is "the host is named" \
	"$(jq '.host | (.cpu | length > 0) and .cores > 0 and .memory > 0 and (.kernel | length > 0)' \
		"$json")" true
tap_is "what each process took of its processor is more than nothing, and no more than there was" \
	"$(jq '.took | .campaign_s as $s | .processor_s | [length, all(. > 0 and . < $s)]' -c "$json")" \
	'[4,true]'
tap_ok "nothing is left running or lying about" nothing_is_left
tap_ok "a demo that is interrupted ends" interrupted_demo_ends
tap_ok "and leaves nothing running or lying about" nothing_is_left
tap_ok "ended by hand, control and dataplane are started again" demo_outlives_ends_by_hand
tap_is "and counted" "$(jq -c .restarts "$json")" '{"control":1,"dataplane":1}'
tap_is "and every UE holds the key" "$(jq -c '[.acked, .books_agree]' "$json")" '[2000,true]'
tap_ok "a demo that is killed leaves no folder and no process" killed_demo_is_cleaned_up
tap_ok "a result that cannot be written is refused first" unwritable_json_is_refused /proc/x.json
tap_ok "so is one in a folder that is not there" unwritable_json_is_refused "$dir/no/x.json"
scripts/demo --ues 10 --pace 1 --fleetsim-arg --no-such-option >"$dir/out" 2>&1 || true
tap_is "a process that cannot start is the last thing named, with its own words" \
	"$(tail -n 1 "$dir/out" | grep -c 'fleetsim.*no-such-option')" 1
tap_is "and bash reports no killed jobs" "$(grep -c 'line [0-9]*:.*Killed' "$dir/out" || true)" 0
tap_ok "a limit of locked memory that is too low is named at once" locked_memory_is_named
tap_ok "a limit that suffices is no hindrance" with_lock_limit 2560 scripts/demo --ues 2000
tap_not "an unknown option is refused" scripts/demo --uess 3
tap_not "a loss of 100 % is refused" scripts/demo --loss 100
tap_end
