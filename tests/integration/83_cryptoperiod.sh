#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# TEKs have a cryptoperiod: a campaign is scheduled by its end and starts at its lead before it, over
# SIGKILL of control; a key that has expired says so, and no plan goes on with it, neither a new one
# nor one that waited.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=60
PERIOD_S=20
LEAD_S=12

plan() {
	STACK_CAMPAIGN=$(stack_ctl campaign plan --json "$@" | jq .id)
}

key_of() {
	stack_ctl keys show "$1" --json | jq -r "$2"
}

key_is() {
	[ "$(key_of "$1" .state)" = "$2" ]
}

campaign_is() {
	[ "$(stack_campaign_get .state)" = "$1" ]
}

tap_plan 19
stack_init cryptoperiod
STACK_UES=$UES
STACK_CRYPTOPERIOD_S=$PERIOD_S
STACK_T1_MS=50
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=200
STACK_PACE=1000
stack_prepare
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
plan --kind rekey --sln 1
tap_is "without a key that ends, nothing is scheduled by its end" \
	"$(stack_status stack_ctl campaign schedule "$STACK_CAMPAIGN" --before-end "$LEAD_S")" 1
tap_ok "and that is said" grep -q 'before_end_s.*cryptoperiod' "$STACK_DIR/out"
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
stack_campaign_create --sln 1
stack_until 30 "end of the campaign" stack_campaign_is_over
old=$STACK_CAMPAIGN
tap_is "a new key has its cryptoperiod" "$(key_of "tek:$old:0" '"\(.state) \(.cryptoperiod_s)"')" \
	"active $PERIOD_S"
tap_is "and ends when that is over" \
	"$(key_of "tek:$old:0" '[.made_at, .expires_at] | map(.[0:19] + "Z" | fromdate) | .[1] - .[0]')" \
	"$PERIOD_S"

plan --kind changeover --keys-of "$old"
tap_is "only a campaign that gives keys replaces some" \
	"$(stack_status stack_ctl campaign schedule "$STACK_CAMPAIGN" --before-end "$LEAD_S")" 1
changeover=$STACK_CAMPAIGN
plan --kind rekey --sln 1
tap_is "a time and an end are not said together" \
	"$(stack_status stack_ctl campaign schedule "$STACK_CAMPAIGN" --at 2027-10-31T01:30:00 --before-end 1)" 2
tap_is "nor one that has passed" \
	"$(stack_status stack_ctl campaign schedule "$STACK_CAMPAIGN" --before-end 10000000)" 1
tap_ok "and it is said what to do" grep -q 'before_end_s.*has passed.*start' "$STACK_DIR/out"
stack_ctl campaign schedule "$STACK_CAMPAIGN" --before-end "$LEAD_S" >/dev/null
tap_is "a campaign is scheduled at its lead before the end" \
	"$(stack_campaign_get '"\(.state) \(.scheduled_at[0:19] + "Z" | fromdate)"')" \
	"scheduled $(key_of "tek:$old:0" ".expires_at[0:19] + \"Z\" | fromdate - $LEAD_S")"
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "end of the next campaign" stack_campaign_is_over
tap_is "over SIGKILL it begins by itself, and all have the next key" \
	"$(stack_campaign_get '"\(.state) \(.states.acked)"')" "completed $UES"
tap_is "at its time, and before the old key ends" \
	"$(stack_campaign_get "(.started_at >= .scheduled_at) and
		(.started_at < \"$(key_of "tek:$old:0" .expires_at)\")")" true
new=$STACK_CAMPAIGN

tap_ok "then the old key expires" stack_until 40 "key that expires" key_is "tek:$old:0" expired
tap_ok "and the new one has not" key_is "tek:$new:0" active
tap_is "no plan goes on with an expired key" "$(stack_status stack_ctl campaign plan --kind changeover --keys-of "$old")" 3
tap_ok "and it is said which key, and why" grep -q "tek:$old:0.*has expired.*cryptoperiod" "$STACK_DIR/out"
STACK_CAMPAIGN=$changeover
stack_ctl campaign start "$changeover" >/dev/null
tap_ok "nor does one that waited" stack_until 20 "plan that is held back" campaign_is planned
tap_ok "which the log says" \
	grep -q "campaign not started.*campaign=$changeover.*tek:$old:0.*has expired" "$STACK_DIR/control.log"
tap_is "an expired key can be put out of use" \
	"$(stack_ctl keys deactivate "tek:$old:0" --json | jq -r .state)" deactivated
stack_settle
tap_ok "every process ends well" stack_end
tap_end
