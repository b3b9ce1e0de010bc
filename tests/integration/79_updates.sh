#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# UEs are added, changed and removed without giving the whole fleet, between campaigns that go on
# with their message numbers; what is wrong changes nothing. The fleet is exported without keys, and
# what was exported is good for an update.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# update ARGUMENTS...: tries, keeps what was said, and prints the exit status.
update() {
	local status=0
	stack_ctl fleet update --json "$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

# What the last update came to.
counted() {
	jq -c '[.n_ues, .n_added, .n_updated, .n_removed, .n_kept_numbers]' "$STACK_DIR/out"
}

rows() {
	{
		head -n 1 "$STACK_DIR/fleet.csv"
		sed -n "$1" "$STACK_DIR/fleet.csv"
	}
}

# Sets REACHED to how a campaign over everyone ends. Not in a substitution: it sets STACK_CAMPAIGN.
campaign_reaches() {
	stack_until 30 "attached dataplane" stack_attached
	stack_campaign_create --keyset 1 --replace-active
	stack_watch 60 >/dev/null || true
	REACHED=$(stack_campaign_get '"\(.state) \(.n_deliveries) \(.states.acked)"')
}

tap_plan 23
stack_init updates
STACK_UES=300
stack_prepare
stack_start

rows 2,101p >"$STACK_DIR/part.csv"
tap_is "an update of an empty fleet adds" \
	"$(update "$STACK_DIR/part.csv" --allow-plain-keys) $(counted)" "0 [100,100,0,0,0]"
campaign_reaches
tap_is "and a campaign reaches who was added" "$REACHED" "completed 100 100"

rows 100,201p >"$STACK_DIR/part.csv"
tap_is "a hundred more come, two come again" \
	"$(update "$STACK_DIR/part.csv" --allow-plain-keys) $(counted)" "0 [200,100,2,0,100]"
campaign_reaches
tap_is "and the next campaign reaches all" "$REACHED" "completed 200 200"

rows 202,301p | sed '5s/,P25,/,TETRA,/; 9s/,\(cmac\|cbc\),/,md5,/' >"$STACK_DIR/bad.csv"
before=$(stack_ctl fleet show --json)
tap_is "a bad row changes nothing" \
	"$(update "$STACK_DIR/bad.csv" --allow-plain-keys) $(stack_ctl fleet show --json)" "1 $before"
tap_ok "and is named" grep -q 'bad.csv:5: lmr_type' "$STACK_DIR/out"
tap_ok "as is every other" grep -q 'bad.csv:9: mac' "$STACK_DIR/out"
tap_not "without its key" grep -qiE '[0-9a-f]{40}' "$STACK_DIR/out"
tap_is "plain keys need to be allowed" "$(update "$STACK_DIR/part.csv")" 1

# The first UE moves to another area, its keys not given.
rows 2p | awk -F, -v OFS=, 'NR == 2 { $7 = "harbour"; $12 = ""; $15 = "" } { print }' \
	>"$STACK_DIR/moved.csv"
tap_is "a row without keys is taken where the UE has them" \
	"$(update "$STACK_DIR/moved.csv") $(counted)" "0 [200,0,1,0,200]"
tap_is "and what it says is so" "$(stack_ctl fleet show --ues --json |
	jq -r 'select(.ue_id == "ue0000001") | .area')" harbour

printf 'ue_id\nue0000002\nue0000003\n' >"$STACK_DIR/gone.csv"
tap_is "two go" "$(update --remove "$STACK_DIR/gone.csv") $(counted)" "0 [198,0,0,2,198]"
tap_is "and are not there to go again" "$(update --remove "$STACK_DIR/gone.csv")" 1
rows 3p | update - --allow-plain-keys >"$STACK_DIR/status"
tap_is "one comes back, from standard input" \
	"$(cat "$STACK_DIR/status") $(jq .n_added "$STACK_DIR/out")" "0 1"
stack_ctl fleet export >"$STACK_DIR/export.csv"
tap_is "an export has a row for each UE" "$(wc -l <"$STACK_DIR/export.csv")" 200
tap_is "and the columns of a fleet file" "$(head -n 1 "$STACK_DIR/export.csv" | cut -d, -f1-17)" \
	"$(head -n 1 "$STACK_DIR/fleet.csv")"
tap_not "and no key" grep -qiE '[0-9a-f]{40}' "$STACK_DIR/export.csv"
keyless() {
	awk -F, -v OFS=, 'NR > 1 { $12 = ""; $15 = "" } { print }' |
		cut -d, -f1-6,8-17 | LC_ALL=C sort
}
tap_is "but all else that was imported" "$(keyless <"$STACK_DIR/export.csv" | sha256sum)" \
	"$(grep -v '^ue0000003,' "$STACK_DIR/fleet.csv" | head -n 200 | keyless | sha256sum)"
sed -i '3,$s/,1000,,,,none$/,900,300,2,2,ofb/' "$STACK_DIR/export.csv"
tap_is "an export that was edited is an update, without keys" \
	"$(update "$STACK_DIR/export.csv") $(counted)" "0 [199,0,199,0,199]"
tap_is "which says what it says" "$(stack_ctl fleet export | sha256sum)" \
	"$(sha256sum <"$STACK_DIR/export.csv")"

campaign_reaches
tap_is "and a campaign reaches who is there" "$REACHED" "completed 199 199"
stack_settle
tap_is "no message number was used twice in all of it" \
	"$(jq -c '[.message_number_reused, .malformed]' "$STACK_DIR/fleetsim.json")" '[0,0]'
tap_is "and each radio has the latest key but those that were away" "$(jq -r .key_id \
	"$STACK_DIR/fleetsim.book" | sort -n | uniq -c | awk '{ print $1 }' | paste -sd ' ')" "1 199"
stack_end
tap_end
