#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A fleet in which every eighth radio knows CBC-MAC and the others CMAC gets its keys, though each
# refuses the other kind. Then some radios know another kind than the file says that the KMF has: just
# these refuse all that they are sent, by that reason.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

fleet() {
	jq "$1" "$STACK_DIR/fleetsim.json"
}

# How many radios of the fleet know that kind.
n_of() {
	tail -n +2 "$STACK_DIR/fleet.csv" | cut -d, -f16 | grep -c "^$1\$"
}

tap_plan 11
stack_init mac-kinds
STACK_UES=400
STACK_T1_MS=100
STACK_ANSWER_MS=600
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=2
stack_prepare
stack_start
stack_import >/dev/null
tap_is "the fleet has both kinds" "$(n_of cmac) $(n_of cbc)" "350 50"
stack_campaign_create
tap_ok "the campaign completes" stack_watch 60
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 400
tap_ok "the books agree" stack_books_agree
tap_is "no radio was sent a MAC of the other kind" "$(fleet .mac_kind)" 0
stack_end

# Of UEs 4, 8, 12 and so on the odd ones knew CMAC, the others CBC-MAC: forty of each know the other.
rm -rf "$STACK_DIR/redis"
mkdir "$STACK_DIR/redis"
stack_prepare
cp "$STACK_DIR/fleet.csv" "$STACK_DIR/kmf.csv"
awk -F, -v OFS=, 'NR > 1 && NR <= 321 && (NR - 1) % 4 == 0 {
		$16 = $16 == "cmac" ? "cbc" : "cmac"
		print $1 >others
	}
	{ print }' others="$STACK_DIR/others" "$STACK_DIR/kmf.csv" >"$STACK_DIR/fleet.csv"
stack_start
mv "$STACK_DIR/kmf.csv" "$STACK_DIR/fleet.csv"
stack_import >/dev/null
stack_campaign_create
tap_ok "a campaign to radios that know another kind than the KMF thinks ends" stack_watch 90
stack_settle
tap_is "all others acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 320
tap_ok "and just those did not" cmp \
	<(jq -r 'select(.held | not) | .ue_id' "$STACK_DIR/control.book" | LC_ALL=C sort) \
	<(LC_ALL=C sort "$STACK_DIR/others")
tap_is "each refused at least what it was sent twice, and nobody obeyed" \
	"$(fleet '.mac_kind >= 160')" true
tap_is "the kind alone was the reason" "$(fleet .bad_mac)" 0
tap_ok "the books agree then, too" stack_books_agree
stack_end
tap_end
