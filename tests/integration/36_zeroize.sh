#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Lost radios are zeroized, and nobody else. A radio counts as zeroized by its authenticated answer
# alone: one that was only reached is unconfirmed and one that was not is unreachable, over SIGKILL
# of control and of the dataplane. What control says of each is held against the fleet's own word.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=120
LOST=60

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 90 "end of the campaign" stack_campaign_is_over
}

# The UEs whose delivery ended in that state.
ended() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r --arg state "$1" 'select(.state == $state) | .ue_id' | LC_ALL=C sort
}

# The UEs whose radio says that it is zeroized.
zeroized_radios() {
	jq -r 'select(.reason == "zeroized") | .ue_id' "$STACK_DIR/fleetsim.refusals" |
		LC_ALL=C sort
}

with_status() {
	stack_ctl fleet statuses --status "$1" --json | jq -r .ue_id | LC_ALL=C sort
}

tap_plan 20
stack_init zeroize
STACK_UES=$UES
STACK_SEED=11
STACK_LOSS=2
STACK_PACE=100
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=4
STACK_FLEETSIM_ARGS=(--offline 12 --zeroize-mute 20 --forged-member 20 --replay 10)
stack_prepare
stack_start
stack_import >/dev/null
campaign_ends --sln 1 --keyset 1 --no-closing
stack_ctl fleet show --ues --json | jq -r .ue_id | head -n "$LOST" >"$STACK_DIR/lost"
stack_ctl fleet set-status --file "$STACK_DIR/lost" --status lost >/dev/null
status=0
stack_ctl campaign create --kind zeroize --status lost >/dev/null 2>&1 || status=$?
tap_is "it wants --yes" "$status" 2
tap_is "and never goes to whoever is not named" \
	"$(stack_ctl campaign create --kind zeroize --yes 2>&1 | grep -c 'ue_ids.*must name')" 1
tap_is "where nobody has the status that is asked for, that is said" \
	"$(stack_ctl campaign create --kind zeroize --status suspended --yes 2>&1 | grep -c 'status: nobody')" 1
planned=$(stack_ctl campaign create --kind zeroize --status lost --dry-run --json)
tap_is "lost radios are members, and served" \
	"$(jq -r '"\(.kind) \(.ues) \(.n_deliveries) \(.n_served)"' <<<"$planned")" \
	"zeroize named $LOST $LOST"
tap_is "other kinds leave them out" \
	"$(stack_ctl campaign create --dry-run --json | jq '.reasons.lost')" "$LOST"
tap_is "a UE that there is not is refused by name" \
	"$(stack_ctl campaign create --kind zeroize ue9999 --yes 2>&1 | grep -c ue9999)" 1

stack_campaign_create --kind zeroize --status lost --yes --pace 40
stack_until 60 "ten that are zeroized" stack_acked_is_at_least 10
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
stack_until 60 "twenty that are zeroized" stack_acked_is_at_least 20
stack_kill dataplane
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "it is for those that were named, also over restarts" \
	"$(stack_campaign_get '"\(.ues) \(.n_deliveries)"')" "named $LOST"
for state in acked unconfirmed unreachable; do
	ended "$state" >"$STACK_DIR/$state"
	tap_ok "some end $state" test -s "$STACK_DIR/$state"
done
tap_is "and none otherwise" "$(cat "$STACK_DIR"/{acked,unconfirmed,unreachable} | wc -l)" "$LOST"
tap_is "who has answered has status zeroized, and nobody else" \
	"$(with_status zeroized | md5sum)" "$(md5sum <"$STACK_DIR/acked")"
tap_is "of whoever has not, it is unknown what it holds" \
	"$(stack_ctl holders --json | jq -r 'select(.active_keyset.state == "unknown") | .ue_id' |
		LC_ALL=C sort | md5sum)" \
	"$(LC_ALL=C sort "$STACK_DIR/unconfirmed" "$STACK_DIR/unreachable" | md5sum)"
tap_is "who has answered holds nothing, by that evidence" \
	"$(stack_ctl holders --json | jq -r --argjson c "$STACK_CAMPAIGN" '
		select(.active_keyset.state == "none" and .keys == [] and
			.active_keyset.evidence.campaign == $c and .active_keyset.evidence.mac) | .ue_id' |
		LC_ALL=C sort | md5sum)" "$(md5sum <"$STACK_DIR/acked")"
# Whoever is zeroized gets no key; the others of the fleet go on.
campaign_ends --sln 1 --keyset 2 --no-closing
tap_is "zeroized radios are left out of what follows" \
	"$(stack_ctl campaign report "$STACK_CAMPAIGN" --json | jq -r '.reasons.zeroized')" \
	"$(wc -l <"$STACK_DIR/acked")"
stack_take_currency
stack_stop fleetsim 60
zeroized_radios >"$STACK_DIR/radios"
tap_is "every one that answered has forgotten its keys" \
	"$(LC_ALL=C comm -23 "$STACK_DIR/acked" "$STACK_DIR/radios")" ""
tap_is "nobody has who was not lost" \
	"$(LC_ALL=C sort "$STACK_DIR/lost" | LC_ALL=C comm -13 - "$STACK_DIR/radios")" ""
tap_ok "control and the fleet agree, key by key" stack_currency_agrees
tap_is "who is active again needs key fill, and that is said" \
	"$(stack_ctl fleet set-status --status active "$(head -n 1 "$STACK_DIR/acked")" 2>&1 |
		grep -c '^fleetkeyctl: 1 of them.*key fill')" 1
tap_ok "every process ends well" stack_end
tap_end
