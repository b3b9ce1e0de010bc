#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A UE has one KMF: one that another owns is not enrolled, one that is released to another gets
# nothing more, over SIGKILL and imports, and comes back by an adoption alone, from a number on that
# lies beyond all that were given out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=120
ue=ue0000005

released() {
	stack_ctl fleet statuses --status released --json
}

status_of() {
	stack_ctl fleet show --ues --json | jq -r --arg ue "$ue" 'select(.ue_id == $ue) | .status'
}

ended() {
	stack_campaign_get '"\(.state) \(.states.acked) \(.states.excluded)"'
}

# The row of the UE as a file, with these fields behind it in the columns of the same names.
row_with() {
	local columns=$1 fields=$2
	{
		head -n 1 "$STACK_DIR/fleet.csv" | sed "s/\$/,$columns/"
		grep "^$ue," "$STACK_DIR/fleet.csv" | sed "s/\$/,$fields/"
	} >"$STACK_DIR/row.csv"
}

tap_plan 23
stack_init owner
STACK_UES=$UES
STACK_T1_MS=50
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=200
STACK_PACE=1000
stack_prepare
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
row_with owner_kmf 1234567
tap_is "a UE of another KMF is not enrolled" \
	"$(stack_status stack_ctl fleet update "$STACK_DIR/row.csv" --allow-plain-keys)" 1
tap_ok "and it is said who has to act" grep -q 'owner_kmf.*release' "$STACK_DIR/out"
row_with owner_kmf,next_number 9999999,
tap_is "one of this KMF is" "$(stack_status stack_ctl fleet update "$STACK_DIR/row.csv" --allow-plain-keys)" 0
stack_campaign_create --sln 1
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "all are served" "$(ended)" "completed $UES 0"

# While fleetsim stands still, nothing is answered.
all_left() {
	[ "$(stack_counter tx_requests)" -ge $((before + UES)) ]
}
before=$(stack_counter tx_requests)
kill -STOP "$(stack_pid fleetsim)"
stack_campaign_create --sln 3
stack_until 10 "KMM to each" all_left
refused=$(stack_status stack_ctl fleet set-status "$ue" --status released --reason 'to the county')
kill -CONT "$(stack_pid fleetsim)"
tap_ok "it is not released while a KMM is on its way to it" test "$refused" -ne 0
tap_ok "and it is said why" grep -q "on its way to $ue" "$STACK_DIR/out"
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "nobody is lost by that" "$(ended)" "completed $UES 0"

tap_is "a UE is released" \
	"$(stack_status stack_ctl fleet set-status "$ue" --status released --reason 'to the county')" 0
next=$(released | jq .next_number)
tap_ok "and the number is there from which another KMF goes on" test "$next" -gt 0
tap_is "it does not come back by a status" "$(stack_status stack_ctl fleet set-status "$ue" --status active)" 3
stack_campaign_create --sln 2
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "it gets nothing more" "$(ended)" "completed $((UES - 1)) 1"
tap_is "for that reason" "$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r --arg ue "$ue" 'select(.ue_id == $ue) | "\(.state) \(.reason)"')" "excluded released"
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
tap_is "it stays released over SIGKILL" "$(status_of)" released
stack_until 30 "attached dataplane" stack_attached
stack_import >/dev/null
tap_is "and over an import" "$(status_of)" released
tap_is "its numbers stand still" "$(released | jq .next_number)" "$next"

tap_is "it is not adopted behind a number that was given out" \
	"$(stack_status stack_ctl fleet adopt "$ue" --next-number "$((next - 1))")" 1
tap_is "nor is one that is here" "$(stack_status stack_ctl fleet adopt ue0000001 --next-number 9000)" 3
stack_ctl fleet adopt "$ue" --next-number "$((next + 20))" >/dev/null
tap_is "beyond it is" "$(status_of)" active
tap_ok "the log has who did" grep -q "ue adopted.*ue=$ue .*by_uid=$(id -u)\$" "$STACK_DIR/control.log"
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
row_with next_number "$((next + 900))"
tap_is "a UE that is here does not begin anew by an import" \
	"$(stack_status stack_ctl fleet update "$STACK_DIR/row.csv" --allow-plain-keys)" 1
stack_campaign_create --sln 3
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "and gets keys again, over SIGKILL too" "$(ended)" "completed $UES 0"
stack_settle
tap_is "no number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
tap_end
