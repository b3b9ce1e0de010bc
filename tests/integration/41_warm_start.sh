#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Radios that have lost their protection TEK say that they cannot use it; each gets another one by a
# Warm-Start, under its own KEK, and then what it waits for. Control, dataplane and both are killed in
# between: no number is used twice, and the books agree. A campaign of kind warm-start does the same
# for everyone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=160

unasked() {
	stack_ctl dataplane show --json | jq ".unasked.$1"
}

some_are_renewed() {
	[ "$(unasked renewed)" -ge "$1" ]
}

# What control says of the protection TEKs, without the keys.
ptek_ids() {
	stack_ctl fleet show --ues --json | jq -r '"\(.ue_id) \(.ptek_key_id)"' | LC_ALL=C sort
}

tap_plan 18
stack_init warm-start
STACK_UES=$UES
STACK_SEED=3
STACK_LOSS=2
STACK_PACE=60
STACK_WINDOW=16
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_INFERRED_LAYOUTS=true
STACK_FLEETSIM_ARGS=(--no-ptek 40)
stack_prepare
stack_start
stack_import >/dev/null
ptek_ids >"$STACK_DIR/before"
stack_campaign_create
stack_until 60 "some new protection TEKs" some_are_renewed 12
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 60 "more of them" some_are_renewed 6
stack_kill dataplane
stack_until 30 "attached dataplane" stack_attached
stack_until 60 "more of them" some_are_renewed 12
stack_kill dataplane
stack_kill control
stack_until 30 "attached dataplane" stack_attached
stack_until 120 "end of the campaign" stack_campaign_is_over
tap_is "every UE is served" "$(stack_campaign_get .states.acked)" "$UES"
ptek_ids >"$STACK_DIR/after"
renewed=$(diff "$STACK_DIR/before" "$STACK_DIR/after" | grep -c '^>' || true)
tap_ok "some of them under another protection TEK than before" test "$renewed" -gt 40
# From here on they are like all others.
unable=$(stack_counter rx_unable)
stack_campaign_create --sln 2
stack_until 60 "end of the next campaign" stack_campaign_is_over
tap_is "the next campaign serves all" "$(stack_campaign_get .states.acked)" "$UES"
tap_is "and nobody lacks a key" "$(stack_counter rx_unable)" "$unable"
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
ptek_ids >"$STACK_DIR/restarted"
tap_ok "a restart finds the new keys" diff "$STACK_DIR/after" "$STACK_DIR/restarted"
stack_campaign_create --sln 3
stack_until 60 "end of a third campaign" stack_campaign_is_over
tap_is "which open what it sends" "$(stack_campaign_get .states.acked)" "$UES"
# A campaign gives everyone another one, without a word of theirs.
stack_campaign_create --kind warm-start
stack_until 60 "end of the warm starts" stack_campaign_is_over
tap_is "a campaign of kind warm-start serves all" "$(stack_campaign_get .states.acked)" "$UES"
ptek_ids >"$STACK_DIR/all"
tap_is "and every protection TEK is another one then" \
	"$(LC_ALL=C comm -13 "$STACK_DIR/after" "$STACK_DIR/all" | wc -l)" "$UES"
stack_campaign_create --sln 4
stack_until 60 "end of a fourth campaign" stack_campaign_is_over
tap_is "under which the next campaign is understood" "$(stack_campaign_get .states.acked)" "$UES"
tap_is "and nobody lacks a key then either" "$(stack_counter rx_unable)" "$unable"
stack_take_currency
stack_settle
lost=$(jq .traits.no_ptek.ues "$STACK_DIR/fleetsim.json")
tap_is "each radio that had lost its key has another one, and nobody else has" "$renewed" "$lost"
tap_ok "which a Warm-Start has brought to it" \
	test "$(jq .warm_starts "$STACK_DIR/fleetsim.json")" -ge "$((lost + UES))"
tap_ok "all of them had said so" \
	test "$(jq .unable "$STACK_DIR/fleetsim.json")" -ge "$lost"
tap_is "nobody was sent a key that it could not open" \
	"$(jq '[.bad_wrap, .no_kek, .malformed] | add' "$STACK_DIR/fleetsim.json")" 0
tap_ok "the books agree, over all campaigns" stack_currency_agrees
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_ok "no key is in a log" bash -c "! grep -qiE '[0-9a-f]{64}' '$STACK_DIR'/control.log"
tap_ok "every process ends well" stack_end
tap_end
