#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# No rekey writes over the keys that a radio speaks under, whatever a plan or an earlier campaign has
# said of the keysets: one that names no keyset goes into the one that most do not speak under, who
# does is left out and counted, and only an officer who says so in words replaces a key in use. And no
# key that is given again takes a later one's place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# ctl WORDS...: tries, keeps what was said, and prints the exit status.
ctl() {
	local status=0
	stack_ctl "$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

said() {
	grep -q -- "$1" "$STACK_DIR/out"
}

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 60 "end of the campaign" stack_campaign_is_over
}

# A campaign that somebody ends as soon as N UEs have its key.
campaign_is_aborted() {
	local n=$1
	shift
	stack_campaign_create "$@"
	stack_until 30 "acknowledgement" stack_acked_is_at_least "$n"
	stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
	stack_until 30 "end of the campaign" stack_campaign_is_over
}

# What a campaign would be: keyset, served, left out because of what has the place, keys replaced.
plan() {
	stack_ctl campaign create --dry-run --json "$@" | jq -r '"\(.keyset_id) \(.n_served) " +
		"\(.reasons.keyset_in_use // 0) \(.diff.replaces)"'
}

# How many hold the first key of campaign $2, of SLN $1.
holders() {
	stack_ctl holders --json --count --key \
		"$1:132:$(stack_ctl campaign show "$2" --json | jq .key_id)" | jq .held
}

speaking_under() {
	stack_ctl holders --group alpha --active-keyset "$1" --json | wc -l
}

tap_plan 28
stack_init keyset-in-use
STACK_UES=62
STACK_T1_MS=200
STACK_PACE=500
STACK_ANSWER_MS=1000
STACK_BACKOFF_MS=100
stack_prepare
# 40 UEs in alpha, 10 in bravo, 10 in charlie, 2 in delta.
awk -F, -v OFS=, 'NR > 1 { n = NR - 1
	$8 = n <= 40 ? "alpha" : n <= 50 ? "bravo" : n <= 60 ? "charlie" : "delta" } { print }' \
	"$STACK_DIR/fleet.csv" >"$STACK_DIR/fleet.new"
mv "$STACK_DIR/fleet.new" "$STACK_DIR/fleet.csv"
stack_start
stack_import >/dev/null
stack_ctl group set alpha --slns 7 >/dev/null
stack_ctl group set bravo --slns 8 >/dev/null

campaign_is_aborted 1 --group alpha --pace 1
tap_ok "a first rekey is ended before most have its key" test "$(stack_campaign_get .acked)" -lt 5
campaign_ends --group alpha
second=$STACK_CAMPAIGN
tap_is "so the next goes into keyset 2, to all" "$(stack_campaign_get '"\(.keyset_id) \(.acked)"')" "2 40"
early=$(speaking_under 1)
tap_ok "where some speak under keyset 1" test "$early" -ge 1 -a "$early" -lt 6
tap_is "and all others under keyset 2" "$(speaking_under 2)" $((40 - early))
tap_is "though the plan says 1" "$(stack_ctl group show alpha --json | jq .active_keyset_id)" 1
tap_is "another one would go into keyset 1, and replace nothing" \
	"$(plan --group alpha)" "1 $((40 - early)) $early 0"
tap_is "as would one that changes over" \
	"$(plan --group alpha --kind rekey-and-changeover)" "1 $((40 - early)) $early 0"
tap_is "into keyset 2 it goes to those alone who do not speak under it" \
	"$(plan --group alpha --keyset 2)" "2 $early $((40 - early)) $early"
stack_campaign_create --group alpha --pace 20
stack_until 30 "acknowledgements" stack_acked_is_at_least 10
stack_ctl campaign halt "$STACK_CAMPAIGN" >/dev/null
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_ok "it is ended in the middle" test "$(stack_campaign_get .acked)" -lt $((40 - early))
tap_is "and all have the key still that they spoke under" "$(holders 7 "$second")" 40

# Who is named, and the officer's word.
ue=$(stack_ctl holders --group alpha --active-keyset 2 --json | jq -rs '.[0].ue_id')
tap_is "UEs that are named are no exception" "$(ctl campaign create "$ue" --sln 7 --keyset 2)" 3
tap_ok "by field, figure and keyset" said 'keyset_id: 1 UEs speak under the keys of keyset 2'
tap_is "another SLN is, since nothing is replaced" "$(plan "$ue" --sln 9 --keyset 2)" "2 1 0 0"
tap_is "an officer may say so" "$(plan "$ue" --sln 7 --keyset 2 --replace-active)" "2 1 0 1"
tap_is "and where" "$(ctl campaign create --group alpha --replace-active)" 1
tap_ok "by field" said 'keyset_id: must be given with replaces_active'
campaign_ends "$ue" --sln 7 --keyset 2 --replace-active
tap_is "then it is replaced" "$(stack_campaign_get '"\(.acked) \(.replaces_active)"') $(holders 7 "$second")" \
	"1 true 39"

# What was given to two UEs, in no group's name, says nothing of a group.
campaign_ends --sln 3 --keyset 1 ue0000061 ue0000062
tap_is "the first keys of another group go into the first keyset" "$(plan --group bravo)" "1 10 0 0"

# A key that is given again.
campaign_is_aborted 1 --group charlie --sln 90 --keyset 1 --no-closing --pace 1
old=$STACK_CAMPAIGN
early=$(stack_campaign_get .acked)
last=$(stack_ctl campaign show "$old" --deliveries --json |
	jq -rs 'map(select(.state != "acked"))[-1].ue_id')
campaign_ends --group charlie --sln 90 --keyset 1 --no-closing --except "$last"
tap_is "a later key reaches all but one" "$(stack_campaign_get .acked)" 9
later=$STACK_CAMPAIGN
retry=$(stack_ctl campaign retry "$old" --json)
tap_is "the earlier one again goes to that one alone" \
	"$(jq -r '"\(.plan.n_served) \(.plan.reasons.superseded)"' <<<"$retry")" "1 $((9 - early))"
STACK_CAMPAIGN=$(jq .id <<<"$retry")
stack_ctl campaign start "$STACK_CAMPAIGN" >/dev/null
stack_until 30 "end of the retry" stack_campaign_is_over
tap_is "which gets it" "$(stack_campaign_get '"\(.states.acked) \(.states.excluded)"') $(holders 90 "$old")" \
	"1 $((9 - early)) 1"
tap_is "and takes nobody's later one" "$(holders 90 "$later")" 9
waiting=$(stack_ctl campaign retry "$old" --json | jq .id)
campaign_ends --group charlie --sln 90 --keyset 1 --no-closing
tap_is "once all have a later one" "$(stack_campaign_get .acked)" 10
tap_is "it is tried again for nobody" "$(ctl campaign retry "$old")" 3
tap_ok "with the reason" said 'keys_of: .* later keys'
stack_ctl campaign start "$waiting" >/dev/null
withdrawn() {
	[ "$(stack_ctl campaign show "$waiting" --json | jq -r '"\(.state) \(.halt_reason)"')" = \
		"planned plan_changed" ]
}
tap_ok "nor does one begin that waited" stack_until 20 "word of the retry" withdrawn
tap_is "so the latest stays" "$(holders 90 "$STACK_CAMPAIGN")" 10
stack_take_currency
stack_settle
tap_ok "control and the fleet agree, key by key" stack_currency_agrees
stack_end
tap_end
