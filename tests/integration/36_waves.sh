#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Campaigns in waves with gates, and what operators say to them: nothing of a wave leaves before the
# gate in front of it is passed, a gate that is shut halts with its reason, and pause, halt and gate
# stand over SIGKILL of control, as does what each wave came to, and who has stopped it and let it go on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# State, reason, wave, and gate of the campaign, in one line.
where() {
	stack_campaign_get '"\(.state) \(.halt_reason) \(.wave.number)/\(.wave.of) \(.wave.gate)"'
}

is_in_state() {
	[ "$(stack_campaign_get .state)" = "$1" ]
}

say() {
	stack_ctl campaign "$1" "$STACK_CAMPAIGN" --json | jq -r .state
}

kill_control() {
	stack_kill control
	stack_until 30 "fleetkeyd that starts again" stack_ctl health
	stack_until 30 "attached dataplane" stack_attached
}

# UEs to which anything may have been sent.
begun() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -rs '[.[] | select(.state != "pending")] | length'
}

# The uid of who has stopped it.
stopped_by() {
	stack_campaign_get .stopped_by_uid
}

messages() {
	stack_campaign_get .n_messages
}

# history FILTER: of the waves that have begun.
history() {
	stack_campaign_get ".wave_history | $1"
}

tap_plan 46
stack_init waves
STACK_UES=300
STACK_T1_MS=50
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=200
STACK_PACE=2000
STACK_WINDOW=100
STACK_ATTEMPTS=2
STACK_RESTARTS_MAX=20
STACK_FLEETSIM_ARGS=(--offline 20)
stack_prepare
stack_start
stack_import >/dev/null

tap_is "an area that there is not is refused, by its name" \
	"$(stack_ctl campaign create --waves area:nowhere 2>&1 | grep -c 'waves.*nowhere')" 1
tap_is "waves need to be readable" "$(stack_ctl campaign create --waves 10,x 2>&1 | grep -c waves)" 1

# A gate that passes: the offline UEs are within their limit.
stack_campaign_create --waves 20,10%,area:north --gate-life 10 --gate-offline 60 --gate-sample 5
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "all waves are sent when the gates pass" "$(stack_campaign_get '"\(.state) \(.wave.number)"')" \
	"completed 4"
offline=$(stack_campaign_get .states.unreachable)
tap_ok "whoever is offline ends unreachable" test "$offline" -gt 20
tap_is "and all others are acknowledged" "$(stack_campaign_get .states.acked)" $((300 - offline))
stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
	jq -r 'select(.acked_ms != null) | "\(.acked_ms) \(.ue_id)"' | sort -n >"$STACK_DIR/acked"
stack_ctl fleet show --ues --json | jq -r 'select(.area == "north") | .ue_id' >"$STACK_DIR/north"
tap_is "each wave is on record, with its size" "$(history 'map("\(.number):\(.n_deliveries)") | join(" ")')" \
	"1:20 2:30 3:$(history '.[2].n_deliveries') 4:$(history '.[3].n_deliveries')"
tap_is "they are all deliveries" "$(history 'map(.n_deliveries) | add')" 300
# shellcheck disable=SC2016 # the variables are jq's
tap_is "one begins when the one before ends, and the last ends with the campaign" \
	"$(stack_campaign_get '.finished_at as $finish | .started_at as $start | .wave_history |
		[.[0].began_at == $start, (. as $w | [range(1; 4)] | map($w[. - 1].ended_at == $w[.].began_at) | all),
		 .[3].ended_at == $finish, ([.[].began_at] | . == sort)] | all')" true
tap_is "each gate has passed, by figures within the limits" \
	"$(history '.[:3] | map(.gate | .decision == "passed" and .reason == null and
		.acked * 100 >= .living * .min_acked_percent and .living >= 5 and .min_acked_percent == 95 and
		.offline * 100 <= .n_deliveries * .max_offline_percent and .max_offline_percent == 60 and
		(.acked_percent - .acked * 100 / .living | fabs) < 0.1) | all')" true
tap_is "the last wave has none" "$(history '.[3].gate')" null
tap_is "their deliveries end as the campaign's do" \
	"$(history 'map(.states.acked // 0) | add') $(history 'map(.states.unreachable // 0) | add')" \
	"$((300 - offline)) $offline"
tap_is "nobody had to say anything" "$(history 'map(.resumed) | unique | tostring')" '[null]'
kept=$(history tojson)
kill_control
tap_is "all that outlives SIGKILL of control" "$(history tojson)" "$kept"
tap_is "a list of campaigns leaves it out" \
	"$(stack_ctl campaign list --json | jq '.items[0] | has("wave_history")')" false
stack_ctl keys report-key >"$STACK_DIR/report.pem"
stack_ctl campaign report "$STACK_CAMPAIGN" --signed >"$STACK_DIR/report"
tap_ok "the signed report is good" "$STACK_BIN/fleetkeyctl" report verify "$STACK_DIR/report" \
	--key "$STACK_DIR/report.pem"
tap_is "and has it" "$(jq -r 'select(.report) | .report.campaign.wave_history | tojson' \
	"$STACK_DIR/report")" "$kept"
last=$(tail -n 100 "$STACK_DIR/acked" | cut -d ' ' -f 2 | grep -cxFf "$STACK_DIR/north" || true)
tap_is "the wave of an area came before the rest" "$last" 0

# A gate that is shut.
stack_campaign_create --keyset 1 --replace-active --waves 30 --gate-life 3 --gate-offline 1
stack_until 30 "gate that is shut" is_in_state halted
tap_is "too many that are offline shut the gate" "$(where)" "halted gate_offline 1/2 shut"
tap_is "that was nobody" "$(stopped_by)" null
tap_is "of the next wave nothing was begun" "$(begun)" 30
tap_is "the figures of the wave are told" \
	"$(stack_campaign_get '.wave | .n_deliveries - .living - .offline')" 0
shut='"\(.number) \(.n_deliveries) \(.gate.decision) \(.gate.reason) \(.gate.offline > 0) \(.ended_at != null)"'
tap_is "that is on record, with the figures" "$(history ".[0] | $shut")" "1 30 shut gate_offline true false"
judged=$(history '.[0].gate | tojson')
n=$(messages)
kill_control
tap_is "the halt outlives SIGKILL of control" "$(where)" "halted gate_offline 1/2 shut"
sleep 1
tap_is "and nothing is sent meanwhile" "$(begun) $(messages)" "30 $n"
tap_is "a campaign that is halted is in the way of another one" \
	"$(stack_ctl campaign create 2>&1 | grep -c halted)" 1
tap_is "an operator lets it go on" "$(say resume)" running
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "past the gate, and it stays on record that it was shut" "$(history ".[0] | $shut")" \
	"1 30 overridden gate_offline true true"
tap_is "by the same figures" \
	"$(history '.[0].gate | tojson' | sed 's/overridden/shut/')" "$judged"
tap_is "and who has said so, and when" "$(history '.[0] | .resumed |
	"\(.times) \(.by_uid) \(.halt_reason) \(.at != null)"')" "1 $(id -u) gate_offline true"
tap_is "past the gate" "$(stack_campaign_get '"\(.state) \(.halt_reason) \(.states.pending)"')" \
	"completed null 0"

# A kill between two waves: the next one begins, and the one before it is not forgotten.
stack_campaign_create --keyset 1 --replace-active --waves 20,20,20,20,20,20 --gate-life 10 --gate-offline 60 --gate-sample 1
for wave in 2 3 4 5; do
	stack_until 60 "wave $wave" eval "[ \"\$(stack_campaign_get .wave.number)\" -ge $wave ]"
	kill_control
done
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "kills between waves lose none" "$(history 'map("\(.number):\(.n_deliveries):\(.gate.decision)") | join(" ")')" \
	"1:20:passed 2:20:passed 3:20:passed 4:20:passed 5:20:passed 6:20:passed 7:180:null"
# shellcheck disable=SC2016
tap_is "nor their times" "$(history '. as $w | [range(1; 7)] | map($w[. - 1].ended_at == $w[.].began_at and
	$w[.].began_at != null) | all')" true

# What operators say.
sed -i 's/pace_per_s: .*/pace_per_s: 100/' "$STACK_DIR/fleetkeyd.yaml"
kill_control
stack_campaign_create --keyset 1 --replace-active
stack_until 30 "first acknowledgements" stack_acked_is_at_least 20
tap_is "it is paused" "$(say pause)" paused
sleep 1.5
begun_before=$(begun)
kill_control
sleep 1
tap_is "and stays so over SIGKILL of control" "$(where) $(begun)" \
	"paused null 1/1 sending $begun_before"
tap_is "as does who has paused it" "$(stopped_by)" "$(id -u)"
tap_ok "which the log has, too" grep -q "campaign paused.*campaign=$STACK_CAMPAIGN .*by_uid=$(id -u)\$" \
	"$STACK_DIR/control.log"
tap_is "resumed" "$(say resume)" running
tap_is "nobody stops it any more" "$(stopped_by)" null
more=$(($(stack_campaign_get .acked) + 20))
stack_until 30 "further acknowledgements" stack_acked_is_at_least "$more"
stack_kill_hold redis
tap_is "halted without the store" "$(say halt)" halted
# Control dies before the store is back: the flag alone says so.
stack_kill_hold control
stack_start_redis
stack_until 20 "answer from Redis" stack_redis_answers
stack_start_control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
tap_is "that stands, too" "$(where | cut -d ' ' -f 1-3)" "halted operator 1/1"
tap_is "but not who it was" "$(stopped_by)" null
frames=$(stack_counter tx_requests)
sleep 1
tap_is "and no request leaves" "$(stack_counter tx_requests)" "$frames"
say resume >/dev/null
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "then it goes on to its end" \
	"$(stack_campaign_get '"\(.state) \(.states.acked + .states.unreachable)"')" "completed 300"
tap_is "what has ended cannot be paused" \
	"$(stack_ctl campaign pause "$STACK_CAMPAIGN" 2>&1 | grep -c 'at its end')" 1
stack_settle
tap_ok "the books agree" stack_books_agree
tap_is "no number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
stack_end
tap_end
