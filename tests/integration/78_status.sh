#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Suspended, lost and zeroized UEs: campaigns leave them out and say why, also one that runs when
# the status changes; a status outlives restarts and imports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# set_status ARGUMENTS...: tries, keeps what was said, and prints the exit status.
set_status() {
	local status=0
	stack_ctl fleet set-status "$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

# UE:status:reason of those that are not active, in one line.
statuses() {
	stack_ctl fleet statuses --json "$@" | jq -r '"\(.ue_id):\(.status):\(.reason)"' |
		LC_ALL=C sort | paste -sd ' '
}

# State and reason of one delivery.
delivery() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r --arg ue "$1" 'select(.ue_id == $ue) | "\(.state) \(.reason)"'
}

tap_plan 30
stack_init status
STACK_UES=1000
STACK_T1_MS=500
stack_prepare
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached

tap_is "at first all are active" "$(stack_ctl fleet show --json | jq -c .statuses)" \
	'{"active":1000,"suspended":0,"lost":0,"zeroized":0,"released":0}'
tap_is "a status needs to be named" "$(set_status ue0000001)" 2
tap_is "and UEs" "$(set_status --status lost)" 2
tap_is "and must be one that there is" "$(set_status ue0000001 --status gone)" 1
tap_ok "which are listed" grep -q 'status.*active, suspended, lost, zeroized or released' "$STACK_DIR/out"
tap_is "a UE that there is not is refused" "$(set_status ue0000001 ue2 --status lost)" 1
tap_ok "by name" grep -q 'ue2 is no UE of the fleet' "$STACK_DIR/out"
tap_is "and nothing has changed" "$(statuses)" ""

tap_is "two UEs are lost" \
	"$(set_status ue0000001 ue0000002 --status lost --reason 'left in a taxi')" 0
tap_is "one is suspended" "$(set_status ue0000003 --status suspended)" 0
all="ue0000001:lost:left in a taxi ue0000002:lost:left in a taxi ue0000003:suspended:"
tap_is "they are listed with their reasons" "$(statuses)" "$all"
tap_is "one status at a time, if that is asked" "$(statuses --status suspended)" \
	"ue0000003:suspended:"
tap_is "a UE shows its own" "$(stack_ctl fleet show --ues --json |
	jq -r 'select(.ue_id == "ue0000002") | .status')" lost

stack_ctl campaign create --dry-run --json >"$STACK_DIR/plan.json"
tap_is "a plan leaves them out" "$(jq -c '[.n_deliveries, .n_served, .reasons]' \
	"$STACK_DIR/plan.json")" '[1000,997,{"suspended":1,"lost":2}]'
tap_is "and names them" "$(jq -c '[.excluded[] | [.ue_id, .reason]] | sort' \
	"$STACK_DIR/plan.json")" \
	'[["ue0000001","lost"],["ue0000002","lost"],["ue0000003","suspended"]]'
stack_campaign_create
stack_watch 60 >/dev/null || true
tap_is "a campaign does" "$(stack_campaign_get '"\(.state) \(.states.acked) \(.states.excluded)"')" \
	"completed 997 3"
old_key_id=$(stack_campaign_get .key_id)
tap_is "with the reason" "$(delivery ue0000001)" "excluded lost"

# Statuses outlive control and the fleet file.
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
tap_is "they outlive a kill" "$(statuses)" "$all"
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
tap_is "and an import" "$(statuses)" "$all"

sed -n '5,1001p' "$STACK_DIR/fleet.csv" | cut -d, -f1 >"$STACK_DIR/ids"
echo nobody >>"$STACK_DIR/ids"
tap_is "of a file with an unknown UE nothing is taken" \
	"$(set_status --file "$STACK_DIR/ids" --status zeroized) $(statuses)" "1 $all"
sed -i '$d' "$STACK_DIR/ids"
tap_is "a good file is" "$(set_status --file "$STACK_DIR/ids" --status zeroized)" 0
tap_is "so that nobody is left" "$(stack_ctl fleet show --json | jq -c .statuses)" \
	'{"active":0,"suspended":1,"lost":2,"zeroized":997,"released":0}'
stack_ctl fleet show --ues --json | jq -r .ue_id | set_status --file - --status active >/dev/null
tap_is "and all are active again" "$(statuses)" ""

# A campaign that runs.
sed -i 's/pace_per_s: .*/pace_per_s: 200/; s/window: .*/window: 20/' "$STACK_DIR/fleetkeyd.yaml"
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
stack_campaign_create
stack_until 30 "first acknowledgement" stack_acked_is_at_least 20
pending=$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r 'select(.state == "pending") | .ue_id' | tail -n 1)
held=$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r 'select(.held) | .ue_id' | head -n 1)
tap_is "in mid-campaign two are lost" "$(set_status "$pending" "$held" --status lost)" 0
tap_is "who had nothing yet gets nothing" "$(delivery "$pending")" "excluded lost"
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
stack_watch 60 >/dev/null || true
stack_settle
tap_is "and the campaign ends without it, after a kill, too" "$(jq -c \
	'[.state, .n_deliveries, .acked]' "$STACK_DIR/campaign.json")" '["completed",1000,999]'
tap_is "who holds the key has ended with it" \
	"$(jq -r --arg ue "$held" 'select(.ue_id == $ue) | .held' "$STACK_DIR/control.book")" true
tap_is "the radio of the other has the key from before" "$(jq -r --arg ue "$pending" \
	'select(.ue_id == $ue) | .key_id' "$STACK_DIR/fleetsim.book")" "$old_key_id"
tap_is "no number was used twice" "$(jq -c '[.message_number_reused, .malformed]' \
	"$STACK_DIR/fleetsim.json")" '[0,0]'
tap_is "and they stay lost" "$(statuses --status lost | wc -w)" 2
stack_end
tap_end
