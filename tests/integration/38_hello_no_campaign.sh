#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Radios that were away come back when the campaign has ended, and say Hello, each with one of the
# three flags. Nothing follows on 0; who asks for a rekey is told that there is no service, one that
# is lost as well, but no one who asks without a MAC. That costs numbers, which no later campaign uses
# again, over SIGKILL of control and dataplane.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/hello.sh
. tests/support/hello.sh

UES=150
BACK_S=12

all_are_back() {
	[ "$(stack_counter rx_hellos)" -ge "$away" ]
}

are_answered() {
	[ "$(unasked answered)" -ge "$(unasked no_service)" ]
}

tap_plan 10
stack_init hello-idle
STACK_UES=$UES
STACK_SEED=5
STACK_LOSS=1
STACK_WINDOW=64
STACK_T1_MS=100
STACK_ANSWER_MS=400
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=1
STACK_FLEETSIM_ARGS=(--offline 50 --offline-back "$BACK_S" --hello --hello-flag each --no-ptek 10)
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
stack_until "$BACK_S" "end of the first campaign" stack_campaign_is_over
away=$(stack_campaign_get .states.unreachable)
lost=$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r 'select(.state == "unreachable") | .ue_id' | LC_ALL=C sort |
	LC_ALL=C comm -12 - <(with_flag 1) | head -n 1)
stack_ctl fleet set-status "$lost" --status lost >/dev/null
tap_ok "the campaign is over before they are back" test "$(stack_counter rx_hellos)" -eq 0
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
requests=$(stack_counter tx_requests)
stack_until 30 "radios that are back" all_are_back
sleep 1
stack_until 10 "answers" are_answered
no_service=$(unasked no_service)
unanswered=$(unasked unanswered)
tap_is "who asks is told that there is no service, and nobody is sent anything else" \
	$(($(stack_counter tx_requests) - requests)) "$no_service"
tap_ok "who asks without a MAC is not" test "$unanswered" -gt 0
tap_is "all requests are accounted for" $((no_service + unanswered)) "$(unasked rekey_requests)"
stack_kill dataplane
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
stack_campaign_create --sln 2
stack_until 60 "end of the next campaign" stack_campaign_is_over
served=$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r 'select(.state == "acked") | .ue_id' | wc -l)
stack_take_currency
stack_settle
tap_is "they have heard it, each once" "$(of_sim no_service)" $(($(of_sim hellos_1) + $(of_sim hellos_2)))
tap_is "as control has it" "$(of_sim no_service)" "$no_service"
tap_ok "the next campaign serves who was refused then" test "$served" -gt $((UES / 2))
tap_ok "the books agree" stack_currency_agrees
tap_is "no message number was used twice, and none refused" \
	"$(of_sim message_number_reused) $(of_sim number_refused)" "0 0"
tap_ok "every process ends well" stack_end
tap_end
