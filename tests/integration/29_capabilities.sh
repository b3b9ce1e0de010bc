#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# UEs that take different numbers of keys, octets and keysets: each gets KMMs that it takes, the
# plan says so, and the wire shows it. The fleet refuses what is beyond a UE, as a last run proves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# prepare_short: short names and no preamble, so that four keys fit a message.
prepare_short() {
	stack_prepare
	sed -i 's/sip:kmf@mc.example/sip:k@m.x/; s/^kmf:/kmf:\n  bare_kmm: true/' \
		"$STACK_DIR/fleetkeyd.yaml"
}

plan() {
	stack_ctl campaign create "$@" --dry-run --json >"$STACK_DIR/plan.json"
}

planned() {
	jq -c "$1" "$STACK_DIR/plan.json"
}

# Largest Rekey-Command to the UEs whose RSI is 1000 + N modulo 4: octets and keys.
largest_to() {
	"$STACK_BIN/fleetkey-inspect" pcap "$STACK_CAPTURE" | jq -n -c --argjson n "$1" '
		reduce (inputs | .kmm | select(.message_name == "Rekey-Command" and
			(.destination_rsi - 1000) % 4 == $n)) as $k ([0, 0];
			[([.[0], $k.total_octets] | max),
			 ([.[1], ($k.body.keysets[0].keys | length)] | max)])'
}

# Steps of the deliveries of the UEs whose place is N modulo 4.
steps_of() {
	jq -s -c --argjson n "$1" 'map(select((.ue_id[2:] | tonumber) % 4 == ($n + 1) % 4) |
		[.state, .n_steps, .keys_held]) | unique' "$STACK_DIR/control.book"
}

tap_plan 22
stack_init capabilities
STACK_UES=40
STACK_SLNS=8
STACK_T1_MS=500
STACK_FLEETSIM_ARGS=(--kmf-uri sip:k@m.x --bare)
STACK_CAPTURE=$STACK_DIR/wire.pcap
STACK_CAPTURE_FRAMES=10000
# In turn: one key; 170 octets, which three keys take; keyset 1 alone; anything.
STACK_FLEET_ARGS=(--domain m.x --max-keys '1;;;' --max-kmm ';170;;' --keysets ';;1;')
prepare_short
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached

tap_is "the API shows what UEs take, and null where the file says nothing" \
	"$(stack_ctl fleet show --ues --json | jq -s -c 'map([.max_keys, .max_kmm, .keysets, .outer]) |
		unique')" \
	'[[null,null,null,"none"],[null,null,1,"none"],[null,170,null,"none"],[1,null,null,"none"]]'

plan --sln 1-8
tap_is "a plan serves all of them" "$(planned '[.n_served, .n_excluded]')" '[40,0]'
tap_is "with one to four keys a KMM" "$(planned '[.keys_per_kmm_min, .keys_per_kmm_max]')" '[1,4]'
tap_is "and three to nine KMMs a UE" "$(planned '[.kmms_per_ue_min, .kmms_per_ue_max]')" '[3,9]'
tap_is "and counts those whose own limit it is" "$(planned .n_limited_by_ue)" 20
tap_is "and all KMMs" "$(planned .n_kmms)" $((10 * (9 + 4 + 3 + 3)))

plan --sln 1 --keyset 2
tap_is "who lacks the keyset is left out, with that reason" \
	"$(planned '[.n_served, .reasons, .excluded[0].reason]')" \
	'[30,{"no_keyset":10},"no_keyset"]'

stack_campaign_create --sln 1-8
tap_ok "eight keys are delivered" stack_watch 60
stack_settle
tap_is "every UE holds all of them" "$(jq .acked "$STACK_DIR/campaign.json")" "$STACK_UES"
tap_ok "the books agree" stack_books_agree
tap_is "no radio was given more than it takes" \
	"$(jq -c '[.beyond_capability, .malformed]' "$STACK_DIR/fleetsim.json")" '[0,0]'
tap_is "one key: nine KMMs" "$(steps_of 0)" '[["acked",9,8]]'
tap_is "three keys: four KMMs" "$(steps_of 1)" '[["acked",4,8]]'
tap_is "four keys: three KMMs" "$(steps_of 2)" '[["acked",3,8]]'
stack_end
tap_is "on the wire the first take 80 octets" "$(largest_to 0)" '[80,1]'
tap_is "the second 170" "$(largest_to 1)" '[170,3]'
tap_is "the third 215" "$(largest_to 2)" '[215,4]'
tap_is "and so do the last" "$(largest_to 3)" '[215,4]'

# The radios are as before, but the file that is imported says nothing of them.
rm -rf "$STACK_DIR/redis" && mkdir "$STACK_DIR/redis"
STACK_CAPTURE=
STACK_CAPTURE_FRAMES=
prepare_short
stack_start
cut -d, -f1-17 "$STACK_DIR/fleet.csv" >"$STACK_DIR/silent.csv"
tap_ok "a file without the columns is imported" \
	stack_ctl fleet import "$STACK_DIR/silent.csv" --allow-plain-keys
stack_until 30 "attached dataplane" stack_attached
stack_campaign_create --sln 1-8
stack_watch 60 >/dev/null || true
stack_settle
tap_is "then who takes less refuses" \
	"$(jq -c .reasons "$STACK_DIR/campaign-report.json")" '{"kmm_status_05":20}'
tap_is "each once" "$(jq .beyond_capability "$STACK_DIR/fleetsim.json")" 20
tap_is "and the others hold all keys" "$(jq .acked "$STACK_DIR/campaign.json")" 20
stack_end
tap_end
