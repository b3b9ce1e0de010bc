#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# When the time of a campaign is over and nothing is left of it but deliveries that hold something, or
# that destroy and were delivered, none of them expires: the ones end partial and the others
# unconfirmed, over SIGKILL of control, and the campaign is completed all the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=40
LEAVE_S=3 # after its first request
BACK_S=25
EXPIRE_S=14

# unfinished N: so many wait, and nothing else is left to be done.
unfinished() {
	[ "$(stack_campaign_get '.states | .pending + .queued + .open')" = 0 ] &&
		[ "$(stack_campaign_get .states.waiting)" -ge "$1" ]
}

sent() {
	stack_ctl dataplane show --json | jq '.counters | .tx_requests + .tx_retransmits'
}

# How many states other than 'waiting' have anybody in them, as "name=n ...".
states() {
	stack_campaign_get '[.states | to_entries[] | select(.value > 0) | "\(.key)=\(.value)"] | join(" ")'
}

ended_on_time() {
	stack_campaign_get '[.started_at, .finished_at] | map(.[0:19] + "Z" | fromdate) | .[1] - .[0]
		| . >= '"$1"' - 1 and . <= '"$1"' + 8'
}

tap_plan 14
stack_init expiry-partial
STACK_UES=$UES
STACK_SLNS=3
STACK_TRANSPORT_LIMIT=80 # one key a KMM
STACK_T1_MS=50
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=60000
STACK_ATTEMPTS=100
STACK_PACE=18 # some 2 s pass between two KMMs to a radio: it hears two of three
STACK_FLEETSIM_ARGS=(--offline 100 --leave "$LEAVE_S" --offline-back "$BACK_S" --zeroize-mute 100)
stack_prepare
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached

# Partial.
began=$SECONDS
stack_campaign_create --sln 1-3 --no-closing --expire-after "$EXPIRE_S"
stack_until 12 "radios that have left" unfinished 20
n=$(stack_campaign_get .states.waiting)
stack_kill_hold control
stack_start_control
stack_until 30 "attached dataplane" stack_attached
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "none that holds a key expires: all that waited are partial" \
	"$(stack_campaign_get '"\(.states.partial) \(.states.expired)"')" "$n 0"
tap_is "others have finished before, and nothing else is left" \
	"$(stack_campaign_get '.states | .acked + .partial')" "$UES"
tap_is "the campaign is completed" "$(stack_campaign_get .state)" completed
tap_is "when its time was over" "$(ended_on_time "$EXPIRE_S")" true
tap_is "nobody who is partial counts as acknowledged" "$(stack_campaign_get .acked)" $((UES - n))
tap_is "all hold the first key" "$(stack_campaign_get '"\(.slns[0]):\(.algorithm_id):\(.key_ids[0])"' |
	xargs -I{} timeout 20 "$STACK_BIN/fleetkeyctl" --socket "$STACK_DIR/api.sock" holders --key {} \
		--count --json | jq .held)" "$UES"
tap_is "the reason is what they waited for" \
	"$(stack_ctl campaign report "$STACK_CAMPAIGN" --json |
		jq '.reasons | to_entries | map(select(.key | test("^(sip|no_answer)"))) | map(.value) | add')" "$n"
before=$(sent)
sleep 2
tap_is "nothing is sent any more" "$(sent)" "$before"
retry=$(stack_ctl campaign retry "$STACK_CAMPAIGN" --json | jq .id)
tap_is "they can be tried again" "$(stack_ctl campaign show "$retry" --json | jq .n_planned)" "$n"
stack_ctl campaign abort "$retry" >/dev/null

# Unconfirmed.
while [ $((SECONDS - began)) -lt $((BACK_S + 2)) ]; do
	sleep 0.2
done
stack_ctl fleet show --ues --json | jq -r .ue_id | head -n 20 >"$STACK_DIR/lost"
stack_ctl fleet set-status --file "$STACK_DIR/lost" --status lost >/dev/null
stack_campaign_create --kind zeroize --status lost --yes --expire-after 6
stack_until 20 "radios that do not answer" unfinished 20
tap_is "what destroys is sent again while there is time" "$(states)" "waiting=20"
stack_until 30 "end of the campaign" stack_campaign_is_over
tap_is "none that was delivered expires: all are unconfirmed" "$(states)" "unconfirmed=20"
tap_is "when its time was over, with the reason" \
	"$(ended_on_time 6) $(stack_ctl campaign report "$STACK_CAMPAIGN" --json | jq -c .reasons)" \
	'true {"delivered":20}'
tap_is "and nobody is called zeroized for it" "$(stack_ctl fleet statuses --status zeroized --json | wc -l)" 0
stack_settle
tap_is "nothing was reused" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
stack_end
tap_end
