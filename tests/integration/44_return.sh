#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A fleet that was away comes back at once: everybody says Hello within a moment. Two campaigns have
# asked for them in vain by then, and the second, still open, has superseded the first. Each is sent
# what is current and nothing else, within the pace, though fleetkeyd is killed between what they say
# and what it makes of that.
#
#   FLEETKEY_RETURN_UES    how many there are (800)
#   FLEETKEY_RETURN_PACE   requests a second (400)
#   FLEETKEY_RETURN_KILL   whether fleetkeyd is killed (true): while it is away its dataplane keeps
#                          32,768 Hellos and answers, and of a larger fleet some have to be sent to
#                          once more after a back-off
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=${FLEETKEY_RETURN_UES:-800}
PACE=${FLEETKEY_RETURN_PACE:-400}
KILL=${FLEETKEY_RETURN_KILL:-true}
AWAY=95 # percent
# Of any second. What a bucket has saved up comes on top of the pace: 1/128 of a second's requests, and
# that is less than 1 %. So nothing else has to be allowed for.
MOST=$((PACE * 101 / 100))
CAPTURED_MAX=4000 # UEs: of a larger fleet what has been sent is counted instead
# Both campaigns ask everybody once, within the pace; then they return.
BACK_S=$((UES * 4 / PACE + 8))

all_were_asked() {
	[ "$(stack_counter tx_requests)" -ge "$1" ]
}

# sent: requests sent, repeats included, and the microseconds before and after that was asked.
sent() {
	local n before=${EPOCHREALTIME/[^0-9]/}
	n=$(stack_ctl dataplane show --json 2>/dev/null |
		jq -e '.counters | .tx_requests + .tx_retransmits') || return 1
	echo "$n $before ${EPOCHREALTIME/[^0-9]/}"
}

hellos_are_coming() {
	[ "$(stack_counter rx_hellos)" -gt $((UES / 4)) ]
}

control_was_restarted() {
	[ "${STACK_RESTARTS[control]:-0}" -gt 0 ]
}

ended() {
	sent >>"$STACK_DIR/sent" && stack_campaign_is_over
}

# The most requests in as much of a second as there was at most between two looks, the first two that
# are a second apart. The count only grows, but a fleetkeyd that has just begun and has no dataplane
# yet says 0.
most_a_second() {
	awk '$1 >= n[k] { n[++k] = $1; before[k] = $2; after[k] = $3 }
		END {
			for (i = j = 1; i <= k; i++)
				for (; before[i] - after[j] >= 1e6; j++)
					if ((n[i] - n[j]) * 1e6 / (after[i] - before[j]) > most)
						most = (n[i] - n[j]) * 1e6 / (after[i] - before[j])
			printf "%.0f\n", most
		}' "$STACK_DIR/sent"
}

# most_captured FILE: the most requests of any second that ends with one of them.
most_captured() {
	timeout 120 tshark -n -r "$1" -Y "sip.Method == MESSAGE && ip.src == $(stack_address kmf)" \
		-T fields -e frame.time_epoch 2>/dev/null | sort -n |
		awk '{ at[NR] = $1; while (at[NR] - at[first + 1] >= 1) first++
			if (NR - first > most) most = NR - first }
			END { print most + 0 }'
}

tap_plan 11
stack_init return
STACK_UES=$UES
STACK_SEED=11
STACK_PACE=$PACE
STACK_WINDOW=$((UES / 8))
STACK_T1_MS=100
STACK_ANSWER_MS=400
STACK_BACKOFF_MS=300000 # nobody is asked again unless it says that it is back
STACK_FLEETSIM_ARGS=(--offline "$AWAY" --offline-back "$BACK_S" --hello)
if [ "$UES" -le $CAPTURED_MAX ]; then
	STACK_CAPTURE=$STACK_DIR/sent.pcap
	STACK_FLEET_CAPTURE=$STACK_DIR/came.pcap
fi
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
first=$STACK_CAMPAIGN
first_key=$(stack_campaign_get .key_id)
stack_until 120 "requests to everybody" all_were_asked "$UES"
stack_campaign_create --supersede --keyset 1 --replace-active
tap_is "a second campaign supersedes the first" \
	"$(stack_ctl campaign show "$first" --json | jq -r .state)" superseded
stack_until 120 "requests to everybody again" all_were_asked $((UES * 2))
tap_ok "most of the fleet is away" test "$(stack_campaign_get .acked)" -le $((UES * (100 - AWAY + 3) / 100))
stack_until 120 "radios that say Hello" hellos_are_coming
sent >"$STACK_DIR/sent"
acked=$(stack_campaign_get .acked)
if $KILL; then
	stack_kill control
	stack_until 10 "restart of fleetkeyd" control_was_restarted
fi
tap_ok "most of them are not served when fleetkeyd is killed" test "$acked" -lt $((UES / 2))
# Long before anybody is asked again who has not said Hello.
stack_until "$((UES * 4 / PACE + 60))" "end of the campaign" ended
tap_is "then all come back and are served" "$(stack_campaign_get .states.acked)" "$UES"
most=$(most_a_second)
echo "# $(stack_counter rx_hellos) Hellos; at most $most requests a second of $PACE were counted"
tap_ok "within the pace by 1 %" test "$most" -le "$MOST" -a "$most" -ge $((PACE / 2))
key=$(stack_campaign_get .key_id)
stack_settle
tap_ok "the books agree" stack_books_agree
tap_is "everybody holds the key of the second campaign" \
	"$(jq -s --argjson key "$key" 'map(select(.key_id == $key)) | length' "$STACK_DIR/fleetsim.book")" "$UES"
tap_ok "who was away holds no key of the first" test \
	"$(jq -s --argjson key "$first_key" 'map(select(.key_id == $key)) | length' "$STACK_DIR/fleetsim.book")" \
	-le $((UES * (100 - AWAY + 3) / 100))
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
if [ "$UES" -le $CAPTURED_MAX ]; then
	most=$(most_captured "$STACK_DIR/sent.pcap")
	# What comes late comes with what comes in time.
	echo "# at most $most were sent in any second, and $(most_captured "$STACK_DIR/came.pcap") came"
	tap_ok "each second of the capture has at most 1 % more than the pace" test \
		"$most" -le "$MOST" -a "$most" -ge $((PACE * 9 / 10))
else
	tap_skip "each second of the capture has at most 1 % more than the pace" "the fleet is too large"
fi
tap_end
