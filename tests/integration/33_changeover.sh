#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# New keys go into the inactive keyset, then the fleet is changed over to it, over SIGKILL of control
# and of the dataplane: only radios that hold exactly the new keys are, each of them is, and what
# control says of every radio's active keyset is so, or is admitted not to be known.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=150

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 90 "end of the campaign" stack_campaign_is_over
}

# Control's word on each UE's active keyset, where it has one, against the fleet's.
active_keysets_agree() {
	jq -r 'select(.active_keyset.state == "known") | "\(.ue_id) \(.active_keyset.keyset_id)"' \
		"$STACK_DIR/control.currency" | LC_ALL=C sort >"$STACK_DIR/control.active"
	jq -r 'select(.active) | "\(.ue_id) \(.keyset_id)"' "$STACK_DIR/fleetsim.book" |
		LC_ALL=C sort -u >"$STACK_DIR/fleetsim.active"
	[ -s "$STACK_DIR/control.active" ] || return 1
	LC_ALL=C comm -23 "$STACK_DIR/control.active" "$STACK_DIR/fleetsim.active" >&2
	[ -z "$(LC_ALL=C comm -23 "$STACK_DIR/control.active" "$STACK_DIR/fleetsim.active")" ]
}

# The UEs whose radio has keyset $1 active, and those that hold both keys of it.
fleet_active() {
	jq -r --argjson keyset "$1" 'select(.active and .keyset_id == $keyset) | .ue_id' \
		"$STACK_DIR/fleetsim.book" | LC_ALL=C sort -u
}

tap_plan 14
stack_init changeover
STACK_UES=$UES
STACK_SEED=7
STACK_LOSS=3
STACK_SLNS=2
STACK_PACE=150
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=8
STACK_FLEETSIM_ARGS=(--offline 8 --status-percent 8:0x05:2 --forged-member 10 --replay 10)
stack_prepare
stack_start
stack_import >/dev/null
tap_is "there is nothing to change over to before there are keys" \
	"$(stack_ctl campaign create --kind changeover 2>&1 | grep -c keys_of)" 1
# SLN 1 alone goes into keyset 1, so that the radios that refuse SLN 2 have an active keyset.
campaign_ends --sln 1 --keyset 1
campaign_ends --sln 1-2 --keyset 2
rekey=$STACK_CAMPAIGN
holders=$(stack_campaign_get .acked)
tap_ok "some radios refuse a key" test "$(stack_campaign_get .states.partial)" -gt 0
planned=$(stack_ctl campaign create --kind changeover --dry-run --json)
tap_is "the plan counts those that hold exactly the new keys" \
	"$(jq -r '"\(.kind) \(.keyset_id) \(.superseded_keyset_id) \(.keys_of) \(.n_served)"' \
		<<<"$planned")" "changeover 2 1 $rekey $holders"
tap_is "and excludes the others by that reason" \
	"$(jq '.reasons.keys_not_held' <<<"$planned")" $((UES - holders))

stack_campaign_create --kind changeover --pace 80
stack_until 60 "twenty that are changed over" stack_acked_is_at_least 20
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
stack_until 60 "forty that are changed over" stack_acked_is_at_least 40
stack_kill dataplane
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "every radio that holds the new keys is changed over, and no other" \
	"$(stack_campaign_get '"\(.acked) \(.states.excluded)"')" "$holders $((UES - holders))"
tap_is "the closing exchange finds the new keys active" \
	"$(stack_campaign_get .proven)" "$holders"
tap_is "control knows their active keyset" \
	"$(stack_ctl holders --active-keyset 2 --json | wc -l)" "$holders"
tap_is "nobody's is unknown for an unanswered changeover" \
	"$(stack_ctl holders --json | jq -rs '[.[] | select(.active_keyset.state == "unknown")] | length')" 0
# The way back, UE by UE: new keys into keyset 1 and the changeover behind them.
campaign_ends --kind rekey-and-changeover --sln 1-2 --keyset 1 --no-closing
back=$(stack_campaign_get .acked)
tap_ok "new keys and changeover in one campaign reach many" test "$back" -gt 80
tap_is "whoever has not taken all keys is not changed over" \
	"$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -s '[.[] | select(.performed and (.held | not))] | length')" 0
stack_take_currency
stack_stop fleetsim 60
tap_ok "control and the fleet agree on the active keysets" active_keysets_agree
tap_ok "and on who holds which key" stack_currency_agrees
tap_is "the fleet has changed over those that control says, or may have" \
	"$(fleet_active 1 | wc -l | awk -v n="$back" '{ print ($1 >= n) ? "yes" : "no" }')" yes
tap_ok "every process ends well" stack_end
tap_end
