#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A campaign has a time: what has not ended when it is over expires, with the reason that it waited
# for, over SIGKILL of control and in a pause, too. Then nothing more is sent, the campaign is
# completed, and what failed can be tried again. Nobody may ask for more time than the configuration
# grants.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=120
EXPIRE_S=6

rest_waits() {
	[ "$(stack_campaign_get '.states | .pending + .queued + .open')" = 0 ] &&
		[ "$(stack_campaign_get .states.waiting)" -gt 0 ]
}

sent() {
	stack_ctl dataplane show --json | jq '.counters | .tx_requests + .tx_retransmits'
}

ended_on_time() {
	stack_campaign_get '[.started_at, .finished_at] | map(.[0:19] + "Z" | fromdate) | .[1] - .[0]
		| . >= '"$EXPIRE_S"' - 1 and . <= '"$EXPIRE_S"' + 8'
}

tap_plan 15
stack_init expiry
STACK_UES=$UES
STACK_T1_MS=50
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=60000
STACK_ATTEMPTS=100
STACK_PACE=1000
STACK_FLEETSIM_ARGS=(--offline 30)
stack_prepare
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached

tap_is "more time than is granted is refused" \
	"$(stack_status stack_ctl campaign create --expire-after 604801)" 1
tap_ok "and the member and the limit are named" \
	grep -q 'expire_after_s.*604801 is above the configured 604800' "$STACK_DIR/out"

stack_campaign_create --expire-after "$EXPIRE_S"
tap_is "a campaign says when it expires" "$(stack_campaign_get .expire_after_s)" "$EXPIRE_S"
stack_until 20 "radios that are away wait" rest_waits
waiting=$(stack_campaign_get .states.waiting)
stack_kill_hold control
stack_start_control
stack_until 30 "attached dataplane" stack_attached
tap_ok "it goes on after SIGKILL of control" test "$(stack_campaign_get .states.expired)" = 0
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "what waited has expired" "$(stack_campaign_get .states.expired)" "$waiting"
tap_is "and all others are acknowledged" "$(stack_campaign_get .states.acked)" $((UES - waiting))
tap_is "the campaign is completed" "$(stack_campaign_get .state)" completed
tap_is "when its time was over" "$(ended_on_time)" true
tap_is "the reason is what it waited for" \
	"$(stack_ctl campaign report "$STACK_CAMPAIGN" --json |
		jq '.reasons | to_entries | map(select(.key | test("^(sip|no_answer)"))) | map(.value) | add')" \
	"$waiting"
before=$(sent)
tap_is "who may have got the key is not taken for one without it" \
	"$(stack_ctl holders --key "$(stack_campaign_get '"\(.slns[0]):\(.algorithm_id):\(.key_ids[0])"')" \
		--count --json | jq -c '[.held, .possibly_held]')" "[$((UES - waiting)),$waiting]"

expired=$STACK_CAMPAIGN
STACK_CAMPAIGN=$(stack_ctl campaign retry "$expired" --json | jq .id)
tap_is "what has expired can be tried again" "$(stack_campaign_get .n_planned)" "$waiting"
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
tap_is "nothing was sent after the end" "$(sent)" "$before"

stack_campaign_create --keyset 1 --replace-active --expire-after "$EXPIRE_S"
stack_until 20 "radios that are away wait" rest_waits
stack_ctl campaign pause "$STACK_CAMPAIGN" >/dev/null
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "a pause does not stop the time" \
	"$(stack_campaign_get '"\(.state) \(.states.expired)"')" "completed $waiting"
stack_settle
tap_ok "books agree" stack_books_agree
tap_is "nothing was reused" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
