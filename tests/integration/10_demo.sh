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

nothing_is_left() {
	[ -z "$(ls -A "$TMPDIR")" ] && ! pgrep -f "$TMPDIR"
}

interrupted_demo_ends() {
	local pid status=0
	setpriv --pdeathsig TERM timeout 120 scripts/demo --ues 200 --pace 5 >"$dir/out" 2>&1 &
	pid=$!
	for _ in $(seq 600); do
		! grep -q 'acked [1-9]' "$dir/out" || break
		sleep 0.1
	done
	grep -q 'acked [1-9]' "$dir/out" || return 1
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 143 ] || [ "$status" -eq 124 ]
}

tap_plan 12
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
tap_ok "nothing is left running or lying about" nothing_is_left
tap_ok "a demo that is interrupted ends" interrupted_demo_ends
tap_ok "and leaves nothing running or lying about" nothing_is_left
tap_not "an unknown option is refused" scripts/demo --uess 3
tap_not "a loss of 100 % is refused" scripts/demo --loss 100
tap_end
