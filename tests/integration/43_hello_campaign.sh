#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A campaign of kind hello asks all radios whether they are there, over SIGKILL of control and of the
# dataplane: who answers under its own key is there, who does not is unreachable. It changes nothing
# of what is known of keys, and uses no number twice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=160

some_are_there() {
	[ "$(stack_campaign_get .states.acked)" -ge "$1" ]
}

tap_plan 9
stack_init hello-campaign
STACK_UES=$UES
STACK_SEED=5
STACK_LOSS=2
STACK_PACE=60
STACK_WINDOW=16
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=4
STACK_FLEETSIM_ARGS=(--offline 20)
stack_prepare
stack_start
stack_import >/dev/null
tap_is "a plan says that one KMM goes to each" \
	"$(stack_ctl campaign create --kind hello --dry-run --json | jq .n_kmms)" "$UES"
stack_campaign_create --kind hello
stack_until 60 "some answers" some_are_there 20
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 60 "more answers" some_are_there 50
stack_kill dataplane
stack_until 30 "attached dataplane" stack_attached
stack_until 120 "end of the campaign" stack_campaign_is_over
there=$(stack_campaign_get .states.acked)
tap_is "each radio is there or is not" \
	"$(stack_campaign_get '.states.acked + .states.unreachable')" "$UES"
tap_ok "some are not" test "$there" -lt "$UES"
tap_is "a Hello makes no key" "$(stack_campaign_get '.key_ids | length')" 0
stack_campaign_create --sln 1
stack_until 90 "end of the next campaign" stack_campaign_is_over
tap_is "those that were there take the next keys" "$(stack_campaign_get .states.acked)" "$there"
stack_take_currency
stack_settle
lost=$(jq .traits.offline.ues "$STACK_DIR/fleetsim.json")
tap_is "those that are away are those that did not answer" "$((UES - there))" "$lost"
tap_ok "the books agree" stack_currency_agrees
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
tap_end
