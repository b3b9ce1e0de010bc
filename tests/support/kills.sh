# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # stack.sh and the callers read what is set here
#
# kills.sh - rounds of one paced campaign and SIGKILL to one process, or to two at once, in it.
# Sourced, after stack.sh and capture.sh.
#
#   kills_instant N I     KILLS_AT_MS: the I-th of N instants, spread over the whole of the campaign;
#                         draws from RANDOM, so it must not run in a subshell
#   kills_round NAMES MS  a fresh stack, a campaign, SIGKILL to control, dataplane or redis, or to two
#                         of them ("control+redis"), MS into it; says what is wrong afterwards, if
#                         anything, in KILLS_WRONG. Fails only if the round itself could not be run.
#                         KILLS_ACKED_AT_KILL: how many held their key just before it;
#                         KILLS_LATE_MS: by how much it came too late for the campaign, "" if it met
#                         it. kills_when says both
#
# At its pace the campaign cannot end before KILLS_CAMPAIGN_MS, so each instant is within it: the last
# ones meet its closing exchanges. On a host that stops us for a moment a kill may still come after the
# end. Then the round is judged as any other, for what is complete must stay so, and its caller can
# say that it was late.
#
# A round is good if every UE acknowledged, both books agree, no message number was used twice and
# few were skipped, the count of held keys never fell, and every UE that control called a holder
# just before the kill is called one again as soon as the API answers. What was said with which
# number is judged twice: by fleetsim's UEs, and from a capture of all that reached fleetsim, which
# outlives whoever is killed.

KILLS_PACE=400        # requests a second
KILLS_CAMPAIGN_MS=10000 # two requests for each UE at that pace
KILLS_SKIPPED_MAX=64    # message numbers in all: one page of UEs whose reservation came to nothing
KILLS_BLOCK=8           # numbers that one attempt may use up
KILLS_HOLDERS_MS=300    # before the kill: asking for all holders takes a moment
# shellcheck disable=SC2034
KILLS_TARGETS=(control dataplane redis control+dataplane control+redis dataplane+redis)
KILLS_WRONG=

kills_instant() {
	KILLS_AT_MS=$((KILLS_CAMPAIGN_MS * (1000 * $2 + RANDOM % 1000) / (1000 * $1)))
}

kills_now_ms() {
	echo $((${EPOCHREALTIME/[^0-9]/} / 1000))
}

# The UEs that control calls holders.
kills_holders() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r 'select(.held) | .ue_id' | LC_ALL=C sort
}

kills_holders_into() {
	kills_holders >"$1"
}

kills_note() {
	KILLS_WRONG+="${KILLS_WRONG:+; }$*"
}

# Notes it if the count of held keys fell. What the API cannot say now is asked again later.
kills_watch_acked() {
	local acked
	acked=$(stack_campaign_get .acked 2>/dev/null) || return 0
	[ -n "$acked" ] || return 0
	[ "$acked" -ge "$KILLS_ACKED" ] || kills_note "acked fell from $KILLS_ACKED to $acked"
	KILLS_ACKED=$acked
}

# What was left by the round before must not help this one.
kills_reset() {
	local name
	for name in fleetsim control dataplane redis; do
		stack_stop "$name" 20
	done
	rm -rf "$STACK_DIR/redis" "$STACK_DIR"/*.log "$STACK_DIR"/fleetsim.* "$STACK_DIR"/*.json \
		"$STACK_DIR"/*.csv "$STACK_DIR"/*.pcap "$STACK_DIR"/*.book "$STACK_DIR"/holders.*
	mkdir "$STACK_DIR/redis"
	STACK_RESTARTS=()
	STACK_RESTARTED_AT=()
}

kills_were_restarted() {
	local name
	for name in ${1//+/ }; do
		[ "${STACK_RESTARTS[$name]:-0}" -ge 1 ] || return 1
	done
}

kills_settle() {
	stack_settle || return 1
	stack_end || return 1
	KILLS_BOOKS=true
	stack_books_agree >"$STACK_DIR/books.diff" 2>&1 || KILLS_BOOKS=false
	capture_judge "$STACK_FLEET_CAPTURE" >"$STACK_DIR/wire.json" ||
		kills_note "not all of the capture can be read"
}

kills_judge() {
	local name n restarts='' wanted='' skipped_max=$KILLS_SKIPPED_MAX verdict
	# Shared memory goes with the last of these two, and with it what of its block each UE was sent.
	[ "$1" != control+dataplane ] || skipped_max=$((KILLS_BLOCK * STACK_UES))
	for name in control dataplane redis fleetsim; do
		n=${STACK_RESTARTS[$name]:-0}
		restarts+=" $name $n"
		[[ +$1+ == *+$name+* ]] && wanted+=" $name 1" || wanted+=" $name 0"
	done
	verdict=$(jq -rn --argjson ues "$STACK_UES" --argjson books "$KILLS_BOOKS" \
		--argjson skipped_max "$skipped_max" \
		--arg restarts "${restarts# }" --arg wanted "${wanted# }" \
		--argjson skipped_each "$KILLS_BLOCK" --slurpfile w "$STACK_DIR/wire.json" \
		--slurpfile c "$STACK_DIR/campaign.json" --slurpfile f "$STACK_DIR/fleetsim.json" '
		$c[0] as $c | $f[0] as $f | $w[0] as $w |
		[if $c.state == "completed" then empty else "the campaign is \($c.state)" end,
		 if $c.acked == $ues then empty else "\($ues - $c.acked) UEs not acknowledged" end,
		 if $books then empty else "the books differ" end,
		 if $f.message_number_reused == 0 then empty
		 else "\($f.message_number_reused) message numbers reused" end,
		 if $f.numbers_skipped <= $skipped_max then empty
		 else "\($f.numbers_skipped) message numbers skipped" end,
		 if $w.ues == $ues and $w.kmms >= $f.requests then empty
		 else "the capture has \($w.kmms) messages to \($w.ues) UEs" end,
		 if $w.reused == 0 then empty
		 else "\($w.reused) message numbers reused on the wire" end,
		 if $w.skipped <= $skipped_max and $w.skipped_most <= $skipped_each then empty
		 else "\($w.skipped) message numbers skipped on the wire, \($w.skipped_most) of one UE" end,
		 if $f.verified == $ues then empty else "\($ues - $f.verified) UEs not verified" end,
		 if $f.groups_agree then empty else "groups disagree" end,
		 if $f.malformed == 0 then empty else "\($f.malformed) malformed messages" end,
		 if $restarts == $wanted then empty
		 else "restarts were \($restarts) instead of \($wanted)" end] |
		if . == [] then "good" else join("; ") end') || verdict="no verdict: the books are missing"
	[ "$verdict" = good ] || kills_note "$verdict"
}

# The link to fleetsim comes up when it does, and a kill before that meets nothing. At its pace the
# requests that have gone out say when the first one did.
kills_sends() {
	local n now_ms
	now_ms=$(kills_now_ms)
	n=$(stack_counter tx_requests) && [ "$n" -gt 0 ] || return 1
	KILLS_BEGAN_MS=$((now_ms - n * 1000 / KILLS_PACE))
}

kills_since_ms() {
	echo $(($(kills_now_ms) - KILLS_BEGAN_MS))
}

# kills_wait_for MS: into the campaign.
kills_wait_for() {
	local left_ms=$(($1 - $(kills_since_ms)))
	[ "$left_ms" -le 0 ] || sleep "$((left_ms / 1000)).$(printf %03d $((left_ms % 1000)))"
}

# The last kill in words.
kills_when() {
	local late=${KILLS_LATE_MS:+, $KILLS_LATE_MS ms too late}
	echo "at $KILLS_AT_MS ms, with $KILLS_ACKED_AT_KILL of $STACK_UES acknowledged$late"
}

# kills_find_late MS: by how much the end of the campaign was before that instant.
kills_find_late() {
	local end_ms
	KILLS_LATE_MS=
	end_ms=$(jq -r '.finished_at // empty |
		(.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)' "$STACK_DIR/campaign.json") ||
		return 1
	[ -z "$end_ms" ] || [ "$end_ms" -ge "$1" ] || KILLS_LATE_MS=$(($1 - end_ms))
}

kills_round() {
	local names=$1 at_ms=$2 killed_ms lost name
	KILLS_WRONG=
	KILLS_ACKED=0
	STACK_FLEET_CAPTURE=$STACK_DIR/wire.pcap
	STACK_PACE=$KILLS_PACE
	STACK_UES=$((KILLS_PACE * KILLS_CAMPAIGN_MS / 2000))
	kills_reset
	# Callers take our status, and then no failure ends us by itself.
	stack_prepare && stack_start && stack_import >/dev/null && stack_campaign_create || return 1
	stack_until 30 "requests" kills_sends || return 1
	while [ "$(kills_since_ms)" -lt $((at_ms - KILLS_HOLDERS_MS)) ]; do
		kills_watch_acked
		sleep 0.05
	done
	kills_holders >"$STACK_DIR/holders.before" || return 1
	KILLS_ACKED_AT_KILL=$(wc -l <"$STACK_DIR/holders.before")
	kills_wait_for "$at_ms"
	killed_ms=$(kills_now_ms)
	for name in ${names//+/ }; do
		stack_kill "$name" || return 1
	done
	stack_until 10 "restart of $names" kills_were_restarted "$names" || return 1
	stack_until 60 "answer after the kill" kills_holders_into "$STACK_DIR/holders.after" ||
		return 1
	lost=$(LC_ALL=C comm -23 "$STACK_DIR/holders.before" "$STACK_DIR/holders.after" | wc -l)
	[ "$lost" -eq 0 ] || kills_note "$lost UEs are no holders any more"
	while [ "$(stack_campaign_get .state 2>/dev/null)" = running ]; do
		kills_watch_acked
		stack_tend || return 1
		[ "$(kills_since_ms)" -lt $((KILLS_CAMPAIGN_MS + 90000)) ] || break
		sleep 0.1
	done
	kills_settle && kills_find_late "$killed_ms" || return 1
	kills_judge "$names"
}
