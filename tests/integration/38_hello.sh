#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Radios that are away when a campaign reaches for them are given up; when they are back they say so,
# and as long as the campaign is open each is served at once, over SIGKILL of control. A radio that is
# lost and says Hello is not served, but that it was heard is written down.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/hello.sh
. tests/support/hello.sh

UES=240
BACK_S=9

given_up() {
	stack_campaign_get .states.unreachable
}

some_are_given_up() {
	[ "$(given_up)" -ge 20 ]
}

tap_plan 8
stack_init hello
STACK_UES=$UES
STACK_SEED=4
STACK_LOSS=1
# Slow, so that the campaign is open when they come back.
STACK_PACE=25
STACK_WINDOW=10
STACK_T1_MS=100
STACK_ANSWER_MS=400
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=2
STACK_FLEETSIM_ARGS=(--offline 40 --offline-back "$BACK_S" --hello)
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
stack_until 30 "radios that are given up" some_are_given_up
lost=$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r 'select(.state == "unreachable") | .ue_id' | head -n 1)
stack_ctl fleet set-status "$lost" --status lost >/dev/null
tap_ok "radios that are away are given up" some_are_given_up
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_ok "those that are back have said so" test "$(stack_counter rx_hellos)" -gt 40
tap_ok "which control has taken as the occasion to go on with them" \
	test "$(unasked woken)" -gt 20
tap_is "all are served, but the one that is lost" \
	"$(stack_campaign_get '"\(.states.acked) \(.states.unreachable)"')" "$((UES - 1)) 1"
tap_is "that it was heard is written down" \
	"$(grep -c "lost radio heard ue=$lost .*authentic=yes" "$STACK_DIR/control.log")" 1
stack_settle
tap_ok "the books agree" stack_books_agree
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
tap_end
