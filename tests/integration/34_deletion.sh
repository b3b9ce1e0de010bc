#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Old keys are deleted, key by key and keyset by keyset, but only at radios of which it is known that
# another keyset is the active one; an inventory finds that out. Over SIGKILL of control and of the
# dataplane, control never calls a key held that is not, nor denies one that is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=100

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 90 "end of the campaign" stack_campaign_is_over
}

# counted STATE KEY: how many UEs are in that state.
counted() {
	stack_ctl holders --key "$2" --count --json | jq ".$1"
}

key() {
	stack_campaign_get "\"\(.slns[$1]):\(.algorithm_id):\(.key_ids[$1])\""
}

tap_plan 13
stack_init deletion
STACK_UES=$UES
STACK_SEED=9
STACK_LOSS=2
STACK_SLNS=2
STACK_PACE=150
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=8
STACK_FLEETSIM_ARGS=(--offline 8 --replay 10)
stack_prepare
stack_start
stack_import >/dev/null
campaign_ends --sln 1-2 --keyset 1 --no-closing
old=$STACK_CAMPAIGN reached=$(stack_campaign_get .acked) old_key=$(key 0)
status=0
stack_ctl campaign create --kind delete-key --keys-of "$old" >/dev/null 2>&1 || status=$?
tap_is "deletion is refused by policy unless inferred layouts are allowed" "$status" 3
STACK_INFERRED_LAYOUTS=true
stack_config >"$STACK_DIR/fleetkeyd.yaml"
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
planned=$(stack_ctl campaign create --kind delete-key --keys-of "$old" --dry-run --json)
tap_is "nothing is deleted while nobody knows which keyset is active" \
	"$(jq -r '"\(.n_served) \(.reasons.keyset_in_use)"' <<<"$planned")" "0 $UES"
campaign_ends --kind inventory
tap_is "an inventory finds the active keyset of whoever can be reached" \
	"$(stack_campaign_get .acked) $(stack_ctl holders --active-keyset 1 --json | wc -l)" \
	"$reached $reached"
planned=$(stack_ctl campaign create --kind delete-keyset --keyset 1 --dry-run --json)
tap_is "the active keyset is not deleted" \
	"$(jq -r '"\(.n_served) \(.reasons.keyset_in_use)"' <<<"$planned")" "0 $UES"
campaign_ends --sln 1-2 --keyset 2 --no-closing
campaign_ends --kind changeover
changed=$(stack_campaign_get .acked)
tap_ok "many are changed over to keyset 2" test "$changed" -gt 80

stack_campaign_create --kind delete-key --keys-of "$old" --pace 60
stack_until 60 "twenty deletions" stack_acked_is_at_least 20
stack_kill dataplane
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "the old keys are deleted where the changeover is acknowledged, and nowhere else" \
	"$(stack_campaign_get '"\(.acked) \(.states.excluded)"')" "$changed $((UES - changed))"
tap_is "nobody is known to hold them any more" "$(counted held "$old_key")" 0
tap_is "those that deleted them do not hold them" "$(counted not_held "$old_key")" "$changed"
campaign_ends --sln 1-2 --keyset 1 --no-closing
again=$(key 0)
tap_ok "new ones go into the old keyset" test "$(counted held "$again")" -gt 80
campaign_ends --kind delete-keyset --keyset 1
tap_is "a keyset is deleted as a whole" "$(counted held "$again")" 0
tap_is "a deletion names whose keys it deletes" \
	"$(stack_ctl campaign create --kind delete-key 2>&1 | grep -c keys_of)" 1
stack_take_currency
stack_stop fleetsim 60
tap_ok "control and the fleet agree, key by key" stack_currency_agrees
tap_ok "every process ends well" stack_end
tap_end
