#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The KEK of a crypto group (CKEK): made by the KMF, brought to each UE of the group under its own KEK,
# acknowledged and booked as a TEK is, over SIGKILL of control and of the dataplane. Who is lost, has left
# the group or has a compromised KEK gets it no more; a compromised CKEK is given to nobody, and is
# deleted where it is. TEKs come under it where that is asked for, as long as nobody else has it. Both
# sides' books agree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# tries WORDS...: keeps what was said, and prints the exit status.
tries() {
	local status=0
	stack_ctl "$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

said() {
	grep -q -- "$1" "$STACK_DIR/out"
}

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 90 "end of the campaign" stack_campaign_is_over
}

# State and reason of one delivery of the campaign.
delivery() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r --arg ue "$1" 'select(.ue_id == $ue) | "\(.state) \(.reason)"'
}

# ckek_of GROUP FILTER: what is said of its CKEK.
ckek_of() {
	stack_ctl group show "$1" --json | jq -r "$2"
}


tap_plan 67
stack_init ckek
STACK_UES=60
STACK_SEED=11
STACK_LOSS=3
STACK_SLNS=1
STACK_PACE=2000
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=8
STACK_INFERRED_LAYOUTS=true
STACK_CKEK_CRYPTOPERIOD_S=86400
stack_prepare
# UEs 1 to 40 are in fire, 31 to 60 in police: ten in both. Their own KEKs are at 61440.
awk -F, -v OFS=, 'NR > 1 { n = NR - 1
	$8 = n <= 30 ? "fire" : n <= 40 ? "fire;police" : "police" } { print }' \
	"$STACK_DIR/fleet.csv" >"$STACK_DIR/fleet.new"
mv "$STACK_DIR/fleet.new" "$STACK_DIR/fleet.csv"
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached

tap_is "a group needs a plan for a CKEK" "$(tries campaign create --kind ckek --group fire)" 1
tap_ok "which has to say where it goes" said 'group.*fire has no plan with an SLN for a CKEK'
tap_is "where UEs have their own KEK it cannot go" "$(tries group set fire --slns 1,2 --ckek-sln 61440)" 1
tap_ok "by field and UE" said 'ckek_sln: 61440 is that of the own KEK of ue00000[0-4]'
tap_is "nor is it a TEK's SLN" "$(timeout 10 curl -sS --unix-socket "$STACK_DIR/api.sock" -X PUT \
	-d '{"slns":[1],"ckek_sln":4095}' http://localhost/v1/groups/fire | jq -r .detail)" \
	"ckek_sln: 4095 is not from 61440 to 65535"
tap_is "there it can" "$(tries group set fire --slns 1,2 --ckek-sln 61441)" 0
tap_is "two groups of one UE need two places" "$(tries group set police --slns 6 --ckek-sln 61441)" 1
tap_ok "by field and group" said 'ckek_sln: 61441 is that of the CKEK of fire'
tries group set police --slns 6 --ckek-sln 61443 >/dev/null
sed '3s/,61440,/,61441,/' "$STACK_DIR/fleet.csv" >"$STACK_DIR/bad.csv"
tap_is "a file that has a UE's own KEK there is refused" \
	"$(tries fleet import "$STACK_DIR/bad.csv" --allow-plain-keys)" 1
tap_ok "by line" said ':3: kek_sln: is that of the CKEK'
tap_is "a CKEK is nobody's but a group's" "$(tries campaign create --kind ckek)" 1
tap_ok "by field" said 'group: must be given'
tap_is "its SLN is the plan's" "$(tries campaign create --kind ckek --group fire --sln 5)" 1
tap_ok "by field" said 'slns: must not be there'
tap_is "its keyset that of KEKs" "$(tries campaign create --kind ckek --group fire --keyset 1)" 1
tap_ok "by field" said 'keyset_id: must not be there'

# It comes to radios that have nothing else, and is no keyset of theirs.
campaign_ends --kind ckek --group police
tap_is "a CKEK goes into keyset 255, to all of the group" \
	"$(stack_campaign_get '"\(.state) \(.keyset_id) \(.slns[0]) \(.acked) \(.proven)"')" \
	"completed 255 61443 30 0"
police=$STACK_CAMPAIGN
tap_is "and is a key of the store as others are" \
	"$(stack_ctl keys show "ckek:$police:0" --json |
		jq -r '"\(.kind) \(.state) \(.origin) \(.algorithm_id) \(.sln) \(.keyset_id) \(.cryptoperiod_s)"')" \
	"ckek active generated 132 61443 255 86400"
tap_is "with an end" "$(stack_ctl keys show "ckek:$police:0" --json |
	jq '[.made_at, .expires_at] | map(.[0:19] + "Z" | fromdate) | .[1] - .[0]')" 86400
tap_is "the group shows it" "$(ckek_of police '"\(.ckek.name) \(.ckek.state) \(.ckek_sln)"')" \
	"ckek:$police:0 active 61443"
tap_is "there is nothing to change over to in it" \
	"$(tries campaign create --kind changeover --group police)" 1
tap_ok "as no TEK was given" said 'no campaign has given this group keys'
tap_is "not even if it is named" \
	"$(tries campaign create --kind changeover --group police --keys-of "$police")" 1
tap_ok "by field" said 'keys_of: campaign .* gave a CKEK'

tap_is "nor to be asked for by an inventory of TEKs" \
	"$(tries campaign create --kind inventory --group police --keys-of "$police") $(said 'gave a CKEK' && echo so)" \
	"1 so"

# In mid-campaign control dies, then the dataplane. One UE is lost from the beginning, one is suspended.
campaign_ends --group fire --sln 1
stack_ctl fleet set-status ue0000001 --status lost >/dev/null
stack_ctl fleet set-status ue0000005 --status suspended >/dev/null
stack_campaign_create --kind ckek --group fire --pace 25
fire=$STACK_CAMPAIGN
key_id=$(stack_campaign_get .key_id)
stack_until 60 "first holders" stack_acked_is_at_least 8
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
stack_until 60 "more holders" stack_acked_is_at_least 16
stack_kill dataplane
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "all that are active hold the one CKEK, over kills" \
	"$(stack_campaign_get '"\(.state) \(.acked) \(.states.excluded) \(.key_id)"')" "completed 38 2 $key_id"
tap_is "who is lost does not get it" "$(delivery ue0000001)" "excluded lost"
tap_is "nor who is suspended" "$(delivery ue0000005)" "excluded suspended"
tap_is "it is booked as held" "$(stack_ctl holders --key "61441:132:$key_id" --state held --json |
	jq -r .ue_id | wc -l)" 38
stack_ctl fleet set-status ue0000005 --status active >/dev/null
STACK_CAMPAIGN=$(stack_ctl campaign retry "$fire" --json | jq -r .id)
stack_ctl campaign start "$STACK_CAMPAIGN" >/dev/null
stack_until 60 "end of the retry" stack_campaign_is_over
tap_is "who is back gets the same one" "$(stack_campaign_get '"\(.kind) \(.key_id) \(.acked)"') $(delivery ue0000005)" \
	"ckek $key_id 1 acked "
tap_is "who is lost not again" "$(delivery ue0000001)" "excluded lost"

# The TEKs of the group go on as ever, beside it.
campaign_ends --group fire --sln 1-2
tap_is "the next TEKs go into the inactive keyset" \
	"$(stack_campaign_get '"\(.keyset_id) \(.acked)"')" "2 39"
campaign_ends --kind changeover --group fire
tap_is "and are changed over to" "$(stack_campaign_get '"\(.keyset_id) \(.acked)"')" "2 39"

# TEKs under the CKEK, as long as nobody has it for whom it is not.
tap_is "everyone has no CKEK" "$(tries campaign create --under-ckek)" 1
tap_ok "which is said by field" said 'under_ckek: needs a group'
tap_is "a changeover wraps nothing" "$(tries campaign create --kind changeover --group fire --under-ckek)" 1
stack_campaign_create --group fire --under-ckek --pace 60
stack_until 60 "first holders" stack_acked_is_at_least 10
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "TEKs under the CKEK come to all that hold it, over a kill" \
	"$(stack_campaign_get '"\(.state) \(.ckek_of) \(.slns | join(",")) \(.acked)"')" "completed $fire 1,2 39"
tap_is "nobody else gets them" "$(stack_ctl campaign create --group police --under-ckek --dry-run --json |
	jq -c '[.n_served, .reasons]')" "[30,{}]"
stack_campaign_create --group fire --under-ckek --pace 20
stack_until 60 "first holders" stack_acked_is_at_least 5
stack_ctl fleet set-status ue0000010 --status lost >/dev/null
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "when a holder is lost, nothing more is sent under it" "$(stack_campaign_get .state)" aborted
tap_is "nor is it used again" "$(tries campaign create --group fire --under-ckek)" 3
tap_ok "since it is deactivated" said "under_ckek: key ckek:$fire:0 is deactivated"
STACK_CAMPAIGN=$(stack_ctl campaign retry "$STACK_CAMPAIGN" --json | jq -r .id)
stack_ctl campaign start "$STACK_CAMPAIGN" >/dev/null
stack_until 60 "end of the retry" stack_campaign_is_over
tap_is "the others get the same TEKs under their own KEKs" \
	"$(stack_campaign_get '"\(.ckek_of) \(.states.excluded)"')" "null 2"
stack_ctl fleet set-status ue0000010 --status active >/dev/null
tap_is "also when the radio is found" "$(tries campaign create --group fire --under-ckek)" 3

# One leaves the group, another one's KEK is compromised: neither gets the next CKEK.
awk -F, -v OFS=, 'NR == 1 || $1 == "ue0000002" { if (NR > 1) $8 = "rail"; print }' \
	"$STACK_DIR/fleet.csv" >"$STACK_DIR/leaves.csv"
stack_ctl fleet update "$STACK_DIR/leaves.csv" --allow-plain-keys >/dev/null
stack_until 30 "attached dataplane" stack_attached
stack_ctl fleet key ue0000003 kek --compromised >/dev/null
tap_is "the old CKEK is retried for nobody of another fleet" "$(tries campaign retry "$fire")" 1
campaign_ends --kind ckek --group fire
next=$STACK_CAMPAIGN
next_id=$(stack_campaign_get .key_id)
tap_is "a new CKEK is another key in the same place" \
	"$(stack_campaign_get '"\(.slns[0]) \(.acked) \(.n_deliveries)"') $([ "$next_id" != "$key_id" ] && echo new)" \
	"61441 37 39 new"
tap_is "who has left the group is not in it" "$(delivery ue0000002)" ""
tap_is "who has a compromised KEK is left out" "$(delivery ue0000003)" "excluded kek_compromised"
tap_is "where the new one is held, the old one is not" \
	"$(stack_ctl holders --key "61441:132:$key_id" --state held --json | jq -r .ue_id |
		LC_ALL=C sort | paste -sd ' ')" "ue0000002 ue0000003"

campaign_ends --group fire --under-ckek
tap_is "and TEKs go under the new one" "$(stack_campaign_get '"\(.ckek_of) \(.acked)"')" "$next 37"

# Whoever has a UE's KEK can have read the CKEK when it came: that the UE has it no more does not help.
stack_ctl fleet set-status ue0000005 --status suspended >/dev/null
tap_is "while one that has it is suspended, nothing goes under it" \
	"$(tries campaign create --group fire --under-ckek)" 3
tap_ok "by whose word it says" said 'under_ckek: ue0000005 has, or may have, the CKEK of fire'
stack_ctl fleet set-status ue0000005 --status active >/dev/null
tap_is "which ends with that" "$(tries campaign create --group fire --under-ckek --dry-run)" 0
stack_ctl fleet key ue0000004 kek --compromised >/dev/null
tap_is "a compromised KEK exposes the CKEK" "$(ckek_of fire .ckek.state)" deactivated
campaign_ends --kind delete-key --keys-of "$next" ue0000004
tap_is "for good, also when it is deleted there" "$(tries campaign create --group fire --under-ckek)" 3
tap_ok "which is said" said "under_ckek: key ckek:$next:0 is deactivated"

# A compromised CKEK stops the campaign that gives it out, over a kill, and is given by no other.
stack_campaign_create --kind ckek --group fire --pace 20
bad=$STACK_CAMPAIGN
bad_id=$(stack_campaign_get .key_id)
stack_until 60 "first holders" stack_acked_is_at_least 5
tap_is "a compromised CKEK ends its campaign" "$(stack_ctl keys mark-compromised "ckek:$bad:0" --json |
	jq -r '"\(.state) \(.aborted_campaign)"')" "compromised $bad"
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "also after a kill" "$(stack_campaign_get .state) $(ckek_of fire .ckek.state)" "aborted compromised"
tap_is "it is not given again" "$(tries campaign retry "$bad")" 3
tap_ok "for that reason" said 'are not active any more'
tap_is "nor is anything put under it" "$(tries campaign create --group fire --under-ckek)" 3
tap_ok "for that reason, too" said "under_ckek: key ckek:$bad:0 is compromised"
tap_is "it is deleted where it is" "$(campaign_ends --kind delete-key --group fire --keys-of "$bad" &&
	stack_campaign_get .state)" completed
tap_is "so that nobody holds it" "$(stack_ctl holders --key "61441:132:$bad_id" --state held --json | wc -l)" 0
campaign_ends --kind ckek --group fire
tap_is "and the group gets another one" "$(stack_campaign_get .acked)" 36

stack_take_currency
stack_settle
tap_ok "control's word on every key is the fleet's, or admits not to know" stack_currency_agrees
tap_is "no number was used twice, and no radio found a KMM malformed" \
	"$(jq -c '[.message_number_reused, .malformed, .no_kek, .bad_wrap]' "$STACK_DIR/fleetsim.json")" '[0,0,0,0]'
tap_ok "radios had their TEKs under the CKEK where control says so" \
	test "$(jq .under_ckek "$STACK_DIR/fleetsim.json")" -ge $((2 * 39 + 2 * 5 + 2 * 37))
stack_end
tap_end
