#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Who holds which key, in bad weather, among liars, over SIGKILL of control, of the dataplane and of
# both, over a second campaign that replaces some of the keys, and over an import: control never
# calls a key held that the radio does not hold, nor denies one that it does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=240

# counted STATE KEY [OPTION...]: how many UEs are in that state.
counted() {
	local state=$1 key=$2
	shift 2
	stack_ctl holders --key "$key" --count --json "$@" | jq ".$state"
}

# key I: the I-th key of the campaign, as the holders command names it.
key() {
	stack_campaign_get "\"\(.slns[$1]):\(.algorithm_id):\(.key_ids[$1])\""
}

tap_plan 15
stack_init currency
STACK_UES=$UES
STACK_SEED=5
STACK_LOSS=3
STACK_SLNS=3
STACK_PACE=120
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=3
# One key in a KMM, so that many deliveries stop halfway.
STACK_TRANSPORT_LIMIT=100
STACK_FLEETSIM_ARGS=(--offline 12 --status-percent 6:0x05:2 --refuse-404 3 --bad-mac 10
	--replay 10 --forged-member 10)
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create --sln 1-3
first=$(key 0) second=$(key 1) third=$(key 2)
tap_is "before anything is answered nobody holds the key for certain" \
	"$(counted held "$third")" 0
stack_until 60 "forty holders" stack_acked_is_at_least 40
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
held=$(counted held "$first")
stack_kill dataplane
stack_until 30 "attached dataplane" stack_attached
tap_ok "a dead dataplane makes no holder fewer" test "$(counted held "$first")" -ge "$held"
stack_until 60 "hundred holders" stack_acked_is_at_least 100
stack_kill dataplane
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 120 "end of the campaign" stack_campaign_is_over
tap_is "every UE is in one state of the key" \
	"$(stack_ctl holders --key "$first" --count --json | jq 'add')" $UES
tap_ok "some hold it" test "$(counted held "$first")" -gt 100
tap_ok "those that are away possibly do" test "$(counted possibly_held "$first")" -gt 0
tap_ok "those that refused the second key do not" test "$(counted not_held "$second")" -gt 0
tap_is "who holds is listed one by one" \
	"$(stack_ctl holders --key "$first" --state held --json | wc -l)" "$(counted held "$first")"
held=$(counted held "$first") untouched=$(counted held "$second")

stack_campaign_create --sln 1 --keyset 1 --replace-active --no-closing
stack_until 60 "forty holders" stack_acked_is_at_least 40
stack_kill control
stack_kill dataplane
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 120 "end of the campaign" stack_campaign_is_over
renewed=$(key 0)
tap_ok "a key that was replaced has fewer holders" test "$(counted held "$first")" -lt "$held"
tap_is "the others have as many" "$(counted held "$second")" "$untouched"
tap_ok "the new one has many" test "$(counted held "$renewed")" -gt 100
before=$(counted held "$renewed")
stack_import >/dev/null
tap_is "an import changes nothing" "$(counted held "$renewed")" "$before"
group=$(stack_ctl fleet show --json | jq -r '.groups[0].name')
tap_is "a group is asked about alone" \
	"$(stack_ctl holders --key "$renewed" --count --group "$group" --json | jq add)" \
	"$(stack_ctl fleet show --json | jq '.groups[0].n_ues')"
ue=$(stack_ctl holders --key "$renewed" --state held --json | jq -rs '.[0].ue_id')
tap_is "one UE's keys are shown with their evidence" \
	"$(stack_ctl fleet keys "$ue" --json | jq -r --arg key "$renewed" '.keys[] |
		select("\(.sln):\(.algorithm_id):\(.key_id)" == $key) |
		"\(.state) \(.evidence.campaign) \(.evidence.mac | length)"')" \
	"held $STACK_CAMPAIGN 16"
stack_take_currency
stack_stop fleetsim 60
tap_ok "control and the fleet agree, key by key" stack_currency_agrees
tap_ok "every process ends well" stack_end
tap_end
