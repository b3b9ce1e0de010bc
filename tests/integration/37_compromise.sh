#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A radio is lost, and whoever has it knows its group's traffic key: with it they answer in the names
# of others, and give others a Changeover, a deletion and a Zeroize in the KMF's name. The key is
# marked as compromised, all but the lost radio get new ones and change over to them, the old ones are
# deleted, and the lost radio is zeroized. Nothing that was forged counts, and nobody obeys it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=150
LOST=ue0000077

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 60 "end of the campaign" stack_campaign_is_over
}

fleet() {
	jq -r "$1" "$STACK_DIR/fleetsim.json"
}

# State and reason of the lost radio's delivery.
lost() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r --arg ue "$LOST" 'select(.ue_id == $ue) | "\(.state) \(.reason)"'
}

tap_plan 23
stack_init compromise
STACK_UES=$UES
STACK_SEED=5
STACK_PACE=200
STACK_INFERRED_LAYOUTS=true
# Long timers: a repeat would be counted, too.
STACK_T1_MS=4000
STACK_FLEETSIM_ARGS=(--insider "$LOST")
stack_prepare
stack_start
stack_import >/dev/null
campaign_ends --sln 1 --keyset 1
first=$STACK_CAMPAIGN
tap_is "all hold the group's key" "$(stack_campaign_get .acked)" "$UES"
tap_is "the radio is lost" "$(stack_ctl fleet set-status "$LOST" --status lost --json |
	jq .n_ues)" 1
tap_is "its group's key is compromised" \
	"$(stack_ctl keys mark-compromised "tek:$first:0" --json | jq -r .state)" compromised
tap_is "the log has who said so" "$(grep -cE "(status set.*first_ue=$LOST|key=tek:$first:0 state=compromised) .*by_uid=$(id -u)( |\$)" \
	"$STACK_DIR/control.log")" 2
planned=$(stack_ctl campaign create --except "$LOST" --keyset 2 --dry-run --json)
tap_is "all but the lost radio may be meant" \
	"$(jq -r '"\(.ues) \(.n_deliveries) \(.n_served)"' <<<"$planned")" \
	"all_but_named $((UES - 1)) $((UES - 1))"

campaign_ends --sln 1 --keyset 2
new=$STACK_CAMPAIGN
tap_is "all others get a new one" "$(stack_campaign_get '"\(.acked) \(.proven)"')" \
	"$((UES - 1)) $((UES - 1))"
tap_is "the lost one does not" "$(lost)" "excluded lost"
tap_is "each acknowledgement stands under the UE's own key" \
	"$(stack_ctl holders --json | jq -s --argjson c "$new" --argjson old "$(
		stack_ctl campaign show "$first" --json | jq .key_id)" '
		[.[].keys[].evidence | select(.campaign == $c and .mac_key_id == $old)] | length')" 0
campaign_ends --kind changeover
tap_is "they change over to it" "$(stack_campaign_get '"\(.acked) \(.keyset_id)"')" \
	"$((UES - 1)) 2"
campaign_ends --kind delete-key --keys-of "$first"
tap_is "and delete the old one" "$(stack_campaign_get .acked)" "$((UES - 1))"
campaign_ends --kind zeroize --status lost --yes
tap_is "the lost radio is zeroized" \
	"$(stack_campaign_get '"\(.n_deliveries) \(.acked)"') $(lost)" "1 1 acked "
tap_is "nobody holds the compromised key any more" \
	"$(stack_ctl holders --key "1:132:$(stack_ctl campaign show "$first" --json | jq .key_id)" \
		--count --json | jq -c '[.held, .possibly_held, .unknown]')" "[0,0,0]"
tap_is "all but the lost radio hold the new one" \
	"$(stack_ctl holders --key "1:132:$(stack_ctl campaign show "$new" --json | jq .key_id)" \
		--count --json | jq -c '[.held, .not_held]')" "[$((UES - 1)),1]"
stack_take_currency
stack_settle
for kind in own_name ue_name ue_key_name; do
	tap_ok "answers were forged: $kind" test "$(fleet ".insider.answers.$kind")" -ge "$((UES - 1))"
done
for reason in rx_kmm_not_that_ue rx_kmm_wrong_key rx_kmm_bad_mac; do
	tap_is "none counts, and each is counted as $reason" \
		"$(jq --arg name "$reason" '.counters[$name]' "$STACK_DIR/dataplane.json")" \
		"$(fleet ".insider.counters.$reason")"
done
tap_is "each forged command was refused" \
	"$(fleet 'if .insider.commands > 500 then .insider.commands else "few" end')" \
	"$(fleet .group_key_refused)"
tap_is "nobody has obeyed, but one Zeroize-Command of the KMF's own" \
	"$(fleet '"\(.insider.obeyed) \(.zeroized)"')" "0 1"
tap_ok "control and the fleet agree, key by key" stack_currency_agrees
tap_ok "every process ends well" stack_end
tap_end
