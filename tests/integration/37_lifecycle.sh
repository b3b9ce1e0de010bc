#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# From plan to report with two users: what one has planned the other approves, a plan that has changed
# is planned again, a time is kept over SIGKILL of control, who failed is tried again with the same
# keys, and a newer rekey takes the place of an older one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

tap_needs_root "a second user takes root"

# The other user.
other_ctl() {
	timeout 60 setpriv --reuid 65534 --regid "$(getent group nogroup | cut -d: -f3)" --clear-groups \
		"$STACK_BIN/fleetkeyctl" --socket "$STACK_DIR/api.sock" "$@"
}

# plan ARGUMENTS...: sets STACK_CAMPAIGN to a campaign that waits, and keeps what was said.
plan() {
	stack_ctl campaign plan --json "$@" >"$STACK_DIR/plan.json"
	STACK_CAMPAIGN=$(jq .id "$STACK_DIR/plan.json")
}

kill_control() {
	stack_kill control
	stack_until 30 "fleetkeyd that starts again" stack_ctl health
	stack_until 30 "attached dataplane" stack_attached
}

tap_plan 45
stack_init lifecycle
chmod 0711 "$STACK_DIR"
STACK_UES=200
STACK_APPROVAL=fleet-wide
STACK_API_GROUP=nogroup
STACK_T1_MS=50
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=200
STACK_PACE=2000
STACK_ATTEMPTS=2
STACK_FLEETSIM_ARGS=(--offline 20 --offline-back 30)
stack_prepare
# A group of half of the fleet: more of it would be fleet-wide.
awk -F, -v OFS=, 'NR > 1 && NR % 2 == 0 { $8 = "bravo" } { print }' "$STACK_DIR/fleet.csv" \
	>"$STACK_DIR/halves.csv"
mv "$STACK_DIR/halves.csv" "$STACK_DIR/fleet.csv"
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
group=$(stack_ctl fleet show --json | jq -r '.groups[0].name')
size=$(stack_ctl fleet show --json | jq -r '.groups[0].n_ues')

# Approval.
tap_is "a campaign for everyone is not simply created" "$(stack_status stack_ctl campaign create)" 3
tap_ok "since another user has to approve it" grep -q 'approved_by.*another user' "$STACK_DIR/out"
stack_ctl fleet show --ues --json | jq -r .ue_id >"$STACK_DIR/all"
tap_is "nor if each of them is named" \
	"$(stack_status stack_ctl campaign create --file "$STACK_DIR/all") $(grep -c 'approved_by' "$STACK_DIR/out")" "3 1"
head -n 101 "$STACK_DIR/all" >"$STACK_DIR/most"
head -n 100 "$STACK_DIR/all" >"$STACK_DIR/half"
tap_is "or one more than half of them, but half may be" \
	"$(stack_ctl campaign create --file "$STACK_DIR/most" --dry-run --json | jq .needs_approval) $(stack_ctl \
		campaign create --file "$STACK_DIR/half" --dry-run --json | jq .needs_approval)" "true false"
plan
tap_is "it is planned" "$(jq -r '"\(.state) \(.planned_by_uid) \(.plan.n_served) \(.plan.needs_approval)"' \
	"$STACK_DIR/plan.json")" "planned 0 200 true"
tap_is "nobody holds anything yet" "$(jq -c .plan.diff "$STACK_DIR/plan.json")" \
	'{"new":200,"replaces":0,"held":0,"uncertain":0}'
tap_is "who has planned it does not approve it" \
	"$(stack_status stack_ctl campaign approve "$STACK_CAMPAIGN")" 3
tap_is "without approval it does not start" "$(stack_status stack_ctl campaign start "$STACK_CAMPAIGN")" 3
kill_control
tap_is "a plan stands over SIGKILL of control" "$(stack_campaign_get '"\(.state) \(.n_deliveries)"')" \
	"planned 0"
tap_is "another user approves it" "$(other_ctl campaign approve "$STACK_CAMPAIGN" --json |
	jq -r '"\(.state) \(.planned_by_uid) \(.approved_by_uid)"')" "approved 0 65534"
kill_control
tap_is "who and when outlives SIGKILL, too" \
	"$(stack_campaign_get '"\(.state) \(.approved_by_uid) \(.approved_at != null)"')" \
	"approved 65534 true"
began=$SECONDS
stack_ctl campaign start "$STACK_CAMPAIGN" >/dev/null
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "then it runs to its end" \
	"$(stack_campaign_get '"\(.state) \(.states.acked + .states.unreachable)"')" "completed 200"
first=$STACK_CAMPAIGN
failed=$(stack_campaign_get .states.unreachable)
key_id=$(stack_campaign_get .key_id)
tap_ok "but some are offline" test "$failed" -gt 10
stack_campaign_create --group "$group"
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "a group needs no second user" "$(stack_campaign_get .n_deliveries)" "$size"

# What has changed.
plan --sln 1 --keyset 1 --replace-active
tap_is "the difference is told" \
	"$(jq -r '.plan.diff | .new + .replaces + .held + .uncertain' "$STACK_DIR/plan.json")" 200
tap_ok "most have a key there that is replaced" \
	test "$(jq '.plan.diff.replaces' "$STACK_DIR/plan.json")" -gt 120
tap_is "UE by UE" "$(stack_ctl campaign plan "$STACK_CAMPAIGN" --ues --json |
	jq -rs 'map(select(.diff == "replaces")) | length')" \
	"$(jq '.plan.diff.replaces' "$STACK_DIR/plan.json")"
stack_ctl fleet set-status ue0000001 --status lost >/dev/null
tap_is "when a UE is lost meanwhile it is not approved" \
	"$(stack_status other_ctl campaign approve "$STACK_CAMPAIGN")" 1
tap_ok "and the field is named" grep -q 'members.*199.*200.*plan it again' "$STACK_DIR/out"
tap_is "planned again" "$(stack_ctl campaign plan "$STACK_CAMPAIGN" --again --json |
	jq -c '[.state, .plan.n_served, .plan.reasons.lost]')" '["planned",199,1]'
tap_is "it is" "$(other_ctl campaign approve "$STACK_CAMPAIGN" --json | jq -r .state)" approved
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
tap_is "for another fleet it does not start" \
	"$(stack_status stack_ctl campaign start "$STACK_CAMPAIGN")" 1
tap_ok "and that is said" grep -q 'fleet_generation.*plan it again' "$STACK_DIR/out"
tap_is "the other user drops it, and that is told" "$(other_ctl campaign abort "$STACK_CAMPAIGN" --json |
	jq -r '"\(.state) \(.planned_by_uid) \(.stopped_by_uid)"')" "aborted 0 65534"
stack_ctl fleet set-status ue0000001 --status active >/dev/null

# Who failed, again. The ledger of the first campaign is of the fleet before: that is said.
tap_is "a campaign of a fleet that was replaced is not tried again" \
	"$(stack_status stack_ctl campaign retry "$first")" 1
plan --group "$group" --sln 2
stack_ctl campaign start "$STACK_CAMPAIGN" >/dev/null
stack_until 60 "end of the campaign" stack_campaign_is_over
missing=$(stack_campaign_get '.n_deliveries - .states.acked')
key_id=$(stack_campaign_get .key_id)
while [ $((SECONDS - began)) -lt 42 ]; do # the radios come back 30 s after the first request
	sleep 0.2
done
retry=$(stack_ctl campaign retry "$STACK_CAMPAIGN" --json)
tap_is "who failed is tried again, with the same key" \
	"$(jq -c '[.state, .plan.n_deliveries, .key_id, .retry_of]' <<<"$retry")" \
	"[\"planned\",$missing,$key_id,$STACK_CAMPAIGN]"
STACK_CAMPAIGN=$(jq .id <<<"$retry")
stack_ctl campaign start "$STACK_CAMPAIGN" >/dev/null
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "and now they have it" "$(stack_campaign_get '"\(.states.acked) \(.n_deliveries)"')" \
	"$missing $missing"
tap_is "so all of the group hold that one key" \
	"$(stack_ctl holders --key "2:132:$key_id" --group "$group" --state held --json | wc -l)" "$size"

# Times.
plan --group "$group" --sln 3
tap_is "a time that there is not is refused" \
	"$(stack_status stack_ctl campaign schedule "$STACK_CAMPAIGN" --at 2027-03-28T02:30:00 --zone Europe/Berlin)" 1
tap_ok "with the reason" grep -q 'at.*set forward' "$STACK_DIR/out"
tap_is "one that has passed, too" \
	"$(stack_status stack_ctl campaign schedule "$STACK_CAMPAIGN" --at 2025-12-01T02:00:00)" 1
tap_is "and nothing has begun" "$(grep -c 'at.*has passed.*use start' "$STACK_DIR/out") $(stack_campaign_get .state)" \
	"1 planned"
tap_is "one that comes twice, too" \
	"$(stack_status stack_ctl campaign schedule "$STACK_CAMPAIGN" --at 2037-10-25T02:30:00 --zone Europe/Berlin)" 1
tap_is "unless it is said which" "$(stack_ctl campaign schedule "$STACK_CAMPAIGN" \
	--at 2037-10-25T02:30:00 --zone Europe/Berlin --fold later --json |
	jq -r '"\(.state) \(.scheduled_at) \(.zone)"')" \
	"scheduled 2037-10-25T01:30:00.000Z Europe/Berlin"
stack_ctl campaign schedule "$STACK_CAMPAIGN" --zone Asia/Tokyo \
	--at "$(TZ=Asia/Tokyo date -d '+6 seconds' +%Y-%m-%dT%H:%M:%S)" >/dev/null
kill_control
tap_is "it waits for its time, over SIGKILL" "$(stack_campaign_get .state)" scheduled
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "and then it runs by itself" "$(stack_campaign_get '"\(.state) \(.states.acked)"')" \
	"completed $size"
tap_ok "not before" test "$(stack_campaign_get '.started_at >= .scheduled_at')" = true
n=$(stack_ctl campaign list --json | jq '.items | length')
kill_control
sleep 1
tap_is "and not twice" "$(stack_campaign_get .state) $(stack_ctl campaign list --json |
	jq '.items | length')" "completed $n"

# A newer one.
sed -i 's/pace_per_s: .*/pace_per_s: 30/' "$STACK_DIR/fleetkeyd.yaml"
kill_control
stack_campaign_create --group "$group" --sln 1
older=$STACK_CAMPAIGN
stack_until 30 "first acknowledgements" stack_acked_is_at_least 3
tap_is "another campaign is refused while one runs" \
	"$(stack_status stack_ctl campaign create --group "$group" --sln 1)" 1
tap_is "also if it would supersede it, and gives a key fewer; which, is said" \
	"$(stack_status stack_ctl campaign create --group "$group" --sln 2 --supersede) $(grep -c \
		'not superseded.* SLN 1' "$STACK_DIR/out")" "1 1"
tap_is "what means nothing for a kind is refused, by its name" \
	"$(stack_status stack_ctl campaign create --kind rekey --keys-of "$older") $(grep -c 'keys_of.*retry' \
		"$STACK_DIR/out") $(stack_status stack_ctl campaign create --kind hello --sln 4)" "1 1 1"
stack_campaign_create --group "$group" --sln 1-2 --supersede
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "unless it supersedes the older one" "$(stack_campaign_get '"\(.state) \(.states.acked)"')" \
	"completed $size"
tap_is "what that one had not sent has ended so" \
	"$(stack_ctl campaign show "$older" --json | jq -c --argjson newer "$STACK_CAMPAIGN" \
		'[.state, .superseded_by == $newer, .states.superseded > 0,
		  (.states | add) == .n_deliveries, .states.pending + .states.open]')" \
	'["superseded",true,true,true,0]'
stack_take_currency
stack_settle
tap_ok "control and the fleet agree on who holds which key" stack_currency_agrees
tap_is "no number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
stack_end
tap_end
