#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The fleet is imported again between campaigns, changed and cut: no message number is ever used
# twice under one key. And an import that meets a campaign that is being aborted neither brings it
# back nor keeps fleetkeyd from starting.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=20

campaign_ends() {
	stack_campaign_create "$@"
	stack_watch 60 >/dev/null || true
}

# The fleet file in $STACK_DIR/fleet.csv after an awk program over its columns.
change_fleet() {
	awk -F, -v OFS=, "$1" "$STACK_DIR/whole.csv" >"$STACK_DIR/fleet.csv"
}

import_status() {
	timeout 20 curl -s -o "$STACK_DIR/import.json" -w '%{http_code}' --unix-socket \
		"$STACK_DIR/api.sock" -X POST --data-binary "@$STACK_DIR/fleet.csv" \
		-H 'Content-Type: text/csv' \
		'http://localhost/v1/fleet/imports?allow_plain_keys=true'
}

tap_plan 11
stack_init imports
STACK_UES=$UES
STACK_PACE=1000
STACK_T1_MS=100
STACK_ANSWER_MS=1000
STACK_BACKOFF_MS=100
stack_prepare
cp "$STACK_DIR/fleet.csv" "$STACK_DIR/whole.csv"
stack_start
stack_import >/dev/null
campaign_ends
tap_is "a first campaign reaches every UE" "$(stack_campaign_get .acked)" $UES

# Column 10 is kek_key_id: the radios do not know the KEK by that name.
# shellcheck disable=SC2016 # it is awk's
change_fleet 'NR > 1 { $10 = $10 + 1000 } { print }'
stack_import >/dev/null
campaign_ends
tap_is "with KEKs that no radio knows nobody acknowledges" "$(stack_campaign_get .acked)" 0
change_fleet 'NR <= 2 { print }'
stack_import >/dev/null
change_fleet '{ print }'
stack_import >/dev/null
campaign_ends
tap_is "the old file, after one with a single UE, serves everybody again" \
	"$(stack_campaign_get .acked)" $UES

# An abort and an import that reach fleetkeyd together.
STACK_CAMPAIGN=$(stack_ctl campaign create --json --pace 5 | jq -r .id)
pid=$(stack_pid control)
kill -STOP "$pid"
timeout 20 curl -s -o "$STACK_DIR/abort.json" --unix-socket "$STACK_DIR/api.sock" -X POST \
	"http://localhost/v1/campaigns/$STACK_CAMPAIGN/abort" &
abort=$!
import_status >"$STACK_DIR/import.status" &
import=$!
sleep 0.5 # both are in the socket's queue; nothing could tell us so
kill -CONT "$pid"
wait "$abort" || true
wait "$import" || true
tap_is "the abort is answered" "$(jq -r .state "$STACK_DIR/abort.json")" aborted
tap_is "the import is taken after it, or refused because of it" \
	"$(grep -cE '^(201|409)$' "$STACK_DIR/import.status")" 1
tap_is "the campaign stays aborted" "$(stack_campaign_get .state)" aborted
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
tap_is "also after a restart" "$(stack_campaign_get .state)" aborted

stack_import >/dev/null
campaign_ends
tap_is "and the fleet can be served again" "$(stack_campaign_get .acked)" $UES
stack_settle
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "all radios have the same newest key" "$(jq .groups_agree "$STACK_DIR/fleetsim.json")" true
tap_ok "every process ends well" stack_end
tap_end
