#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Radios that go deregister, and those that come back register: each is answered, under its own key.
# Who has gone is not tried by a campaign, and gets what is current as soon as it is back; a radio
# that is lost is not answered. Control and dataplane are killed in between: no number is used twice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=200
LEAVE_S=3
BACK_S=25

presence() {
	stack_ctl fleet show --json | jq ".presence.$1"
}

unasked() {
	stack_ctl dataplane show --json | jq ".unasked.$1"
}

some_have_gone() {
	[ "$(presence deregistered)" -ge 60 ]
}

some_are_back() {
	[ "$(presence registered)" -ge 20 ]
}

# Those of the fleet that are in the given state by control's word.
with_presence() {
	stack_ctl fleet show --ues --json | jq -r --arg p "$1" 'select(.presence == $p) | .ue_id' |
		LC_ALL=C sort
}

ended_as_gone() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r 'select(.state == "unreachable" and .reason == "deregistered") | .ue_id' |
		LC_ALL=C sort
}

tap_plan 14
stack_init registration
STACK_UES=$UES
STACK_SEED=7
STACK_LOSS=1
STACK_WINDOW=10
STACK_T1_MS=100
STACK_ANSWER_MS=400
STACK_BACKOFF_MS=100
STACK_FLEETSIM_ARGS=(--offline 40 --leave "$LEAVE_S" --offline-back "$BACK_S" --register)
stack_prepare
stack_start
stack_import >/dev/null
# The first campaign is over before anybody goes.
stack_campaign_create
stack_until 20 "end of the first campaign" stack_campaign_is_over
stack_until 20 "radios that have gone" some_have_gone
sleep 1
gone=$(presence deregistered)
tap_is "radios that deregister are known to have gone" "$(unasked deregistrations)" "$gone"
tap_is "the rest has said nothing" "$(presence unknown)" "$((UES - gone))"
with_presence deregistered >"$STACK_DIR/gone"
lost=$(head -n 1 "$STACK_DIR/gone")
stack_ctl fleet set-status "$lost" --status lost >/dev/null
# The next one begins while they are away, and is slow, so that it is open when they are back.
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
tap_is "a restart does not forget who has gone" "$(presence deregistered)" "$gone"
stack_campaign_create --pace 8
ended_as_gone >"$STACK_DIR/ended"
tap_ok "what waits for them ends at once, and nobody is sent to" \
	diff <(grep -vx "$lost" "$STACK_DIR/gone") "$STACK_DIR/ended"
stack_until 60 "radios that are back" some_are_back
tap_ok "they are back while the campaign is open" test "$(stack_campaign_get .state)" = running
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_kill dataplane
stack_until 30 "attached dataplane" stack_attached
stack_until 180 "end of the campaign" stack_campaign_is_over
tap_is "who is back is served, and so is everyone else, but the one that is lost" \
	"$(stack_campaign_get '"\(.states.acked) \(.states.excluded)"')" "$((UES - 1)) 1"
tap_is "who has registered is known as registered" "$(presence registered)" "$((gone - 1))"
tap_is "the lost one is not" "$(with_presence deregistered)" "$lost"
tap_ok "and that it was heard is written down" \
	grep -q "lost radio heard ue=$lost .*authentic=yes" "$STACK_DIR/control.log"
stack_take_currency
stack_settle
tap_is "each radio has heard that it is registered, but the lost one" \
	"$(jq '.registered >= '"$((gone - 1))"' and .registered <= .said' \
		"$STACK_DIR/fleetsim.json")" true
tap_is "none has refused what it was sent for its number, or for its MAC" \
	"$(jq '[.bad_mac, .malformed] | add' "$STACK_DIR/fleetsim.json")" 0
tap_ok "the books agree, of the lost one too" stack_currency_agrees
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
tap_end
