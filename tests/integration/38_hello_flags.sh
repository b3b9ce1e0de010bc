#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Radios that were away come back while a campaign is open, and say Hello, each with one of the three
# flags. With 0 and 1 each is sent what is current, by a Warm-Start first where the radio has lost its
# protection TEK. With 2 it has no KEK: nothing is sent that it could not open, it is told that there
# is no service for it, and who needs key fill is written down. A lost radio that asks is told the
# same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/hello.sh
. tests/support/hello.sh

UES=240
BACK_S=9

some_are_given_up() {
	[ "$(stack_campaign_get .states.unreachable)" -ge 40 ]
}

tap_plan 11
stack_init hello-flags
STACK_UES=$UES
STACK_SEED=4
STACK_LOSS=1
# Slow, so that the campaign is open when they come back.
STACK_PACE=30
STACK_WINDOW=10
STACK_T1_MS=100
STACK_ANSWER_MS=400
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=2
STACK_INFERRED_LAYOUTS=true
STACK_FLEETSIM_ARGS=(--offline 50 --offline-back "$BACK_S" --hello --hello-flag each --no-ptek 15)
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
stack_until 30 "radios that are given up" some_are_given_up
lost=$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r 'select(.state == "unreachable") | .ue_id' | LC_ALL=C sort |
	LC_ALL=C comm -12 - <(with_flag 1) | head -n 3)
for ue in $lost; do
	stack_ctl fleet set-status "$ue" --status lost >/dev/null
done
stack_until 90 "end of the campaign" stack_campaign_is_over
sleep 1
no_service=$(unasked no_service)
key_fills=$(unasked key_fills)
woken=$(unasked woken)
requests=$(unasked rekey_requests)
stack_take_currency
stack_settle
jq -r 'select(.state != "acked") | .ue_id' "$STACK_DIR/control.book" | LC_ALL=C sort \
	>"$STACK_DIR/not-served"
grep -o 'needs key fill ue=[^ ]*' "$STACK_DIR/control.log" | cut -d= -f2 | LC_ALL=C sort \
	>"$STACK_DIR/key-fill"
tap_ok "who asks for a rekey is counted" test "$requests" -gt 40
tap_ok "who may be served is the occasion to go on with it" test "$woken" -gt 20
tap_is "all are served, but those without a KEK and the lost ones" \
	"$(LC_ALL=C sort -u "$STACK_DIR/key-fill" <(echo "$lost"))" "$(cat "$STACK_DIR/not-served")"
tap_is "each radio that has no KEK is written down once, and nobody else is" \
	"$(LC_ALL=C comm -12 "$STACK_DIR/key-fill" <(with_flag 2) | wc -l)" "$key_fills"
tap_ok "there are some of them" test "$key_fills" -gt 20
heard=$(grep -c "lost radio heard .*authentic=yes" "$STACK_DIR/control.log")
tap_is "those of them that can, and the lost ones, are told that there is no service" \
	"$(of_sim no_service)" $(($(of_sim hellos_2) + heard))
tap_is "and nobody else is" "$no_service" "$(of_sim no_service)"
tap_ok "radios that had lost their protection TEK were given one by a Warm-Start" \
	test "$(of_sim warm_starts)" -gt 10
tap_ok "the books agree" stack_currency_agrees
tap_is "no message number was used twice, and none refused" \
	"$(of_sim message_number_reused) $(of_sim number_refused)" "0 0"
tap_ok "every process ends well" stack_end
tap_end
