#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# With recovery.automatic a start on an older copy of Redis's files goes on by itself: no message
# number is used again, and who holds which key, which is unknown then, the radios are asked for by
# inventories, over SIGKILL of control. Where the copy lacks what somebody has said, or an import, it is
# refused as ever.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/copies.sh
. tests/support/copies.sh

UES=130

# put_back COPY HAD: both die, and Redis comes back with the files of COPY. What it had is in HAD then.
put_back() {
	stack_kill_hold control
	stack_kill_hold redis
	mv "$STACK_DIR/redis" "$STACK_DIR/$2"
	cp -a "$STACK_DIR/$1" "$STACK_DIR/redis"
	start_redis
}

# keep COPY: Redis's files, while nothing writes.
keep() {
	stack_stop control 10
	stack_stop redis 10
	rm -rf "${STACK_DIR:?}/$1"
	cp -a "$STACK_DIR/redis" "$STACK_DIR/$1"
	start_redis
	start_control
}

# go_on_with COPY: after a start that was refused.
go_on_with() {
	stack_stop redis 10
	rm -rf "$STACK_DIR/redis"
	cp -a "$STACK_DIR/$1" "$STACK_DIR/redis"
	start_redis
	start_control
}

# A start that is refused: its status, and whether it says so.
refused() {
	local status=0
	timeout 20 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" 2>&1 ||
		status=$?
	echo "$status $(grep -c "recovery.automatic does not: .*$1" "$STACK_DIR/out")"
}

is_settled() {
	[ "$(store .recovery.inventory)" = "done" ]
}

# The inventories that recoveries have begun: of whose keys, for how many.
asked() {
	stack_ctl campaign list --json | jq -c '[.items[] | select(.settles_recovery != null) |
		[.settles_recovery, .kind, .keys_of, .ues]]'
}

# in_fleet KEY: the radios that hold it.
in_fleet() {
	jq -r --arg key "$1" 'select("\(.sln):\(.algorithm_id):\(.key_id)" == $key) | .ue_id' \
		"$STACK_DIR/fleetsim.book" | LC_ALL=C sort
}

# in_books KEY STATE: those of which control says that.
in_books() {
	stack_ctl holders --key "$1" --state "$2" --json | jq -r .ue_id | LC_ALL=C sort
}

tap_plan 32
stack_init recovery-alone
STACK_UES=$UES
STACK_WITNESS=$STACK_DIR/witness
STACK_RECOVERY=true
STACK_APPROVAL=none
STACK_SLNS=3
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_PACE=600
stack_prepare
stack_start
stack_import >/dev/null
campaign_ends --sln 1 --no-closing
first=$(key) first_campaign=$STACK_CAMPAIGN
campaign_ends --sln 2 --no-closing
second=$(key) second_campaign=$STACK_CAMPAIGN
keep older
tap_is "the same store is gone on with" "$(store '"\(.recoveries) \(.recovery)"')" "0 null"

# What the copy does not know: one campaign that has ended, and one under way, which takes the place of
# the first key at some radios and not at others.
campaign_ends --sln 3 --no-closing
stack_campaign_create --sln 1 --pace 20 --no-closing
lost=$STACK_CAMPAIGN
stack_until 30 "twenty acknowledgements" stack_acked_is_at_least 20
put_back older lost
# Slow, so that it can be killed meanwhile.
sed -i 's/pace_per_s: .*/pace_per_s: 50/' "$STACK_DIR/fleetkeyd.yaml"
start_control
tap_is "a start goes on with it by itself" \
	"$(store '"\(.recoveries) \(.recovery.automatic) \(.recovery.inventory)"')" "1 true due"
tap_is "health says why" \
	"$(stack_ctl health --json | jq -r '"\(.state) \(.recovery.recovery) \(.recovery.reason)"' |
		sed 's/[0-9]* batches/N batches/')" \
	"ok 1 an older copy of the store was put in place, with up to N batches missing"
tap_ok "and the log" grep -q 'store is an older copy.*recovery=automatic reason="the store is an older copy: it ends with batch' \
	"$STACK_DIR/control.log"
tap_ok "of nobody it is known any more who holds what" grep -q "store recovered.* currency=unknown n_unknown_ues=$UES " \
	"$STACK_DIR/control.log"
asking() {
	[ "$(asked)" = "[[1,\"inventory\",$second_campaign,\"named\"]]" ]
}
tap_ok "the radios are asked for the latest keys first" stack_until 20 "inventory" asking
STACK_CAMPAIGN=$(stack_ctl campaign list --json | jq '.items[-1].id')
tap_ok "no campaign has the id of one that is lost" test "$STACK_CAMPAIGN" -gt "$lost"
stack_until 30 "thirty answers" stack_acked_is_at_least 30
tap_is "within the pace" "$(stack_campaign_get '.pace_per_s')" 50
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 90 "end of the inventories" is_settled
tap_is "each is asked for once, over SIGKILL, too" "$(asked)" \
	"[[1,\"inventory\",$second_campaign,\"named\"],[1,\"inventory\",$first_campaign,\"named\"]]"
tap_is "then all of the second key is known" \
	"$(counted held "$second") $(counted unknown "$second")" "$UES 0"
tap_is "and of the first nothing is unknown" "$(counted unknown "$first")" 0
tap_ok "which some hold, ..." test "$(counted held "$first")" -gt 20
tap_ok "... and some do not any more" test "$(counted not_held "$first")" -ge 20
in_books "$first" held >"$STACK_DIR/books"
tap_is "it is told how many are left" "$(store '"\(.recovery.unknown_ues) \(.recovery.unknown_ues_left)"')" \
	"$UES 0"
tap_ok "the log says that it is over" grep -q 'recovery settled.*n_unknown_ues=0' "$STACK_DIR/control.log"
tap_is "each inventory says what it is for, in its report, too" \
	"$(stack_ctl campaign report "$STACK_CAMPAIGN" --signed |
		jq -r 'select(.report) | .report.campaign | "\(.settles_recovery) \(.keys_of)"')" \
	"1 $second_campaign"
n=$(stack_ctl campaign list --json | jq '.items | length')
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
sleep 2
tap_is "a start after that recovers and asks nothing" \
	"$(store '"\(.recoveries) \(.recovery.inventory)"') $(stack_ctl campaign list --json | jq '.items | length')" \
	"1 done $n"

# The copy that was recovered from is the older one now. It lacks nothing that was said either, but it
# is another history.
put_back lost recovered
tap_is "another history is refused, since who knows what was said in it" "$(refused 'said since')" "1 1"
go_on_with recovered
sed -i 's/pace_per_s: .*/pace_per_s: 600/' "$STACK_DIR/fleetkeyd.yaml"
tap_is "with the one that was gone on with it goes on" "$(store .recoveries)" 1

# What a person has to decide.
keep copy
stack_ctl fleet set-status ue0000005 --status lost >/dev/null
put_back copy marked
before=$(cksum <"$STACK_DIR/witness")
tap_is "a copy that does not know that a radio is lost is refused" "$(refused 'said since.*lost')" "1 1"
tap_is "and the witness stays as it is" "$(cksum <"$STACK_DIR/witness")" "$before"
start_control --recover
tap_is "a person may go on with it" "$(store '"\(.recoveries) \(.recovery.automatic)"')" "2 false"
stack_until 60 "end of the inventories" is_settled
tap_is "and the radios are asked, too" "$(counted unknown "$second")" 0
stack_ctl fleet set-status ue0000005 --status lost >/dev/null
keep copy
stack_ctl fleet key ue0000007 kek --compromised >/dev/null
put_back copy compromised
tap_is "so is one that does not know of a compromised key" "$(refused 'compromised')" "1 1"
start_control --recover
stack_until 60 "end of the inventories" is_settled
tap_is "a radio that is lost is not asked" "$(stack_ctl campaign list --json |
	jq -r --argjson first "$first_campaign" '.items[-1] | "\(.settles_recovery) \(.states.excluded)"')" "3 1"
stack_ctl keys mark-compromised "tek:$second_campaign:0" >/dev/null
keep copy
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
put_back copy imported
tap_is "so is one of before an import" "$(refused 'imported since')" "1 1"
go_on_with imported
tap_is "with the right one it goes on" "$(store .recoveries)" 3
campaign_ends --sln 3 --no-closing
tap_is "and a new key reaches all others" "$(stack_campaign_get '"\(.states.acked) \(.states.excluded)"')" \
	"$((UES - 1)) 1"
tap_is "nothing under way was taken for the other history's" "$(stack_campaign_get .state)" completed
stack_settle
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
in_fleet "$first" >"$STACK_DIR/radios"
tap_ok "those that were called holders of the first key were the ones that hold it" \
	cmp "$STACK_DIR/books" "$STACK_DIR/radios"
tap_ok "every process ends well" stack_end
tap_end
