#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One user who may break the glass zeroizes one lost radio alone, with a reason, and nothing else: all
# other requests are refused with field and reason. Who, when, which radio and why outlive SIGKILL of
# control, and the review stays pending until another user has made it; the signed report has both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

tap_needs_root "other users take root"

GLASS=65531 # may break the glass
OTHER=65532 # may use the API

# as UID COMMAND...
as() {
	local uid=$1
	shift
	timeout 60 setpriv --reuid "$uid" --regid "$(getent group nogroup | cut -d: -f3)" \
		--clear-groups "$STACK_BIN/fleetkeyctl" --socket "$STACK_DIR/api.sock" "$@"
}

zeroize() {
	as "$GLASS" campaign create --kind zeroize --yes --break-glass "stolen at the fair" "$@"
}

# is_refused STATUS PATTERN COMMAND...: by its exit status and what it said.
is_refused() {
	local wanted=$1 pattern=$2
	shift 2
	[ "$(stack_status "$@")" -eq "$wanted" ] && grep -q "$pattern" "$STACK_DIR/out"
}

kill_control() {
	stack_kill control
	stack_until 30 "fleetkeyd that starts again" stack_ctl health
	stack_until 30 "attached dataplane" stack_attached
}

# What the campaign says of it.
glass() {
	stack_campaign_get '[.break_glass.by_uid, .break_glass.ue_id, .break_glass.reason,
		.break_glass.at == .created_at, .review, .reviewed.by_uid, .reviewed.note] | join("|")'
}

pending() {
	stack_ctl campaign list --review pending --json | jq -c '[.items[].id]'
}

signed() {
	stack_ctl campaign report "$STACK_CAMPAIGN" --signed >"$STACK_DIR/$1" &&
		"$STACK_BIN/fleetkeyctl" report verify "$STACK_DIR/$1" --key "$STACK_DIR/report.pem"
}

tap_plan 35
stack_init break-glass
chmod 0711 "$STACK_DIR"
STACK_UES=130
STACK_APPROVAL=destructive
STACK_BREAK_GLASS=$GLASS
STACK_API_GROUP=nogroup
STACK_T1_MS=50
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=200
STACK_PACE=1000
stack_prepare
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
stack_ctl keys report-key >"$STACK_DIR/report.pem"
group=$(stack_ctl fleet show --json | jq -r '.groups[0].name')
stack_ctl fleet set-status ue0000001 ue0000002 --status lost >/dev/null
stack_ctl fleet set-status ue0000003 --status suspended >/dev/null

# What it is not for.
tap_ok "alone nobody zeroizes without it" is_refused 3 'approved_by.*another user' \
	as "$GLASS" campaign create --kind zeroize --yes ue0000001
tap_ok "nobody else may break the glass" is_refused 3 "break_glass.*uid $OTHER is not one of" \
	as "$OTHER" campaign create --kind zeroize --yes --break-glass "stolen" ue0000001
tap_ok "it wants a reason" is_refused 1 'break_glass.*reason' \
	as "$GLASS" campaign create --kind zeroize --yes --break-glass "" ue0000001
tap_ok "two UEs are too many" is_refused 1 'ue_ids.*one UE' zeroize ue0000001 ue0000002
tap_ok "so is a status" is_refused 1 'status.*one UE' zeroize --status lost
tap_ok "so is a group" is_refused 1 'group.*one UE' zeroize ue0000001 --group "$group"
tap_ok "so are all but one" is_refused 1 'except_ue_ids.*one UE' zeroize --except ue0000001
tap_ok "so is nobody" is_refused 1 'ue_ids' zeroize
tap_ok "a UE that is active is not lost" is_refused 1 'ue_ids.*ue0000004 is active' zeroize ue0000004
tap_ok "nor is one that is suspended" is_refused 1 'ue_ids.*ue0000003 is suspended' \
	zeroize ue0000003
tap_ok "a UE that there is not is named" is_refused 1 'ue_ids.*ue9999999' zeroize ue9999999
tap_ok "it is for no other kind" is_refused 1 'kind.*zeroize' \
	as "$GLASS" campaign create --kind inventory --break-glass "stolen" ue0000001
tap_ok "it is not planned for later" is_refused 1 'break_glass.*at once' \
	as "$GLASS" campaign plan --kind zeroize --break-glass "stolen" ue0000001
tap_is "nothing came of all that" "$(stack_ctl campaign list --json | jq '.items | length')" 0
tap_is "a dry run says what would be" \
	"$(zeroize ue0000001 --dry-run --json | jq -r '"\(.n_served) \(.needs_approval)"')" "1 false"

# What it is for.
STACK_CAMPAIGN=$(zeroize ue0000001 --json | jq .id)
kill_control
tap_is "who, which UE, why and when outlive SIGKILL of control" "$(glass)" \
	"$GLASS|ue0000001|stolen at the fair|true|pending||"
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "one radio is zeroized, and that is proven" \
	"$(stack_campaign_get '"\(.state) \(.n_deliveries) \(.states.acked)"')" "completed 1 1"
tap_is "it is that one" "$(stack_ctl fleet statuses --status zeroized --json | jq -r .ue_id)" \
	ue0000001
first=$STACK_CAMPAIGN
tap_is "its review is pending" "$(stack_campaign_get .review)" pending
tap_is "and told where one looks first" "$(stack_ctl health --json | jq .reviews_pending)" 1
tap_is "one that is zeroized is not lost any more" "$(stack_status zeroize ue0000001)" 1
tap_ok "that goes into the log, too" grep -q \
	"break-glass used.*campaign=$first by_uid=$GLASS ue_id=\"ue0000001\" reason=\"stolen at the fair\"" \
	"$STACK_DIR/control.log"
STACK_CAMPAIGN=$(zeroize ue0000002 --json | jq .id)
second=$STACK_CAMPAIGN
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "what is pending can be listed" "$(pending)" "[$first,$second]"

# The review.
STACK_CAMPAIGN=$first
tap_ok "the report is signed before it, too" signed before
tap_ok "whoever has used it does not review it" is_refused 3 'review.*another user' \
	as "$GLASS" campaign review "$first"
tap_is "another user does" \
	"$(as "$OTHER" campaign review "$first" --note "radio 1 was found burnt" --json | jq -r .review)" "done"
kill_control
tap_is "that outlives SIGKILL of control" "$(glass)" \
	"$GLASS|ue0000001|stolen at the fair|true|done|$OTHER|radio 1 was found burnt"
tap_is "then it is not pending any more" \
	"$(pending) $(stack_ctl campaign list --review "done" --json | jq -c '[.items[].id]')" \
	"[$second] [$first]"
tap_ok "once is enough" is_refused 1 "uid $OTHER has reviewed it" as 0 campaign review "$first"
stack_campaign_create --kind hello
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_ok "what needed no glass needs no review" is_refused 1 'nothing to review' \
	as "$OTHER" campaign review "$STACK_CAMPAIGN"
STACK_CAMPAIGN=$first
tap_ok "the report is signed after it" signed after
tap_is "it says who broke the glass and why" \
	"$(jq -r 'select(.report) | .report.campaign.break_glass | "\(.by_uid) \(.reason)"' \
		"$STACK_DIR/after")" "$GLASS stolen at the fair"
tap_is "and what became of the review" "$(for report in before after; do
	jq -c 'select(.review) | .review | [.state, .reviewed.by_uid, .reviewed.note]' \
		"$STACK_DIR/$report"
done | tr '\n' ' ')" "[\"pending\",null,null] [\"done\",$OTHER,\"radio 1 was found burnt\"] "
tap_is "what had ended before stays as it was" \
	"$(jq -r 'select(.end) | .end.frozen_sha512' "$STACK_DIR/after")" \
	"$(jq -r 'select(.end) | .end.frozen_sha512' "$STACK_DIR/before")"
stack_settle
tap_is "no other radio has been zeroized" "$(jq -r 'select(.reason == "zeroized") | .ue_id' \
	"$STACK_DIR/fleetsim.refusals" | LC_ALL=C sort -u | grep -cvE '^ue000000[12]$' || true)" 0
stack_end
tap_end
