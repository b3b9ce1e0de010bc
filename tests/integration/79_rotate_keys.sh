#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Root key and sealing epochs change while a campaign runs, and control is killed at several
# instants of that: nothing is lost, the books agree, and the old keys open nothing any more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# use_root NAME: the configuration names that file.
use_root() {
	sed -E "s,^  root_key_file: .*,  root_key_file: $STACK_DIR/$1," \
		"$STACK_DIR/first.yaml" >"$STACK_DIR/fleetkeyd.yaml"
}

control_is_up() {
	stack_ctl health
}

control_is_up_or_gone() {
	! stack_alive control || control_is_up
}

# Starts control with whichever of two root keys is in force, and says which.
start_with_either() {
	local name
	for name in "$@"; do
		use_root "$name"
		stack_start_control
		for _ in $(seq 400); do
			! control_is_up_or_gone >/dev/null 2>&1 || break
			sleep 0.05
		done
		if stack_alive control; then
			IN_FORCE=$name
			return 0
		fi
		wait "${STACK_PIDS[control]}" 2>/dev/null || true
		unset "STACK_PIDS[control]"
	done
	stack_fail "no root key opens the store"
}

sealing() {
	stack_ctl keys sealing --json | jq -r "$1"
}

one_epoch_left() {
	[ "$(sealing .n_sealing_epochs)" = 1 ]
}

tap_plan 15
stack_init rotate
STACK_UES=20000
STACK_PACE=1200
STACK_WINDOW=1000
stack_prepare
cp "$STACK_DIR/fleetkeyd.yaml" "$STACK_DIR/first.yaml"
for i in 2 3 4; do
	(umask 077 && head -c 32 /dev/urandom >"$STACK_DIR/root$i.key")
done
stack_start
stack_import >/dev/null
stack_ctl transport-key "$STACK_DIR/transport.key" >/dev/null
tap_is "a store begins with one sealing epoch" \
	"$(sealing '[.sealing_epoch, .n_sealing_epochs] | @csv')" 1,1
stack_campaign_create
stack_until 60 "first acknowledgements" stack_acked_is_at_least 100

# Control dies this long after each rotation: at once, and while records are sealed anew.
epochs=()
for delay in 0 0.1 0.4 0.8; do
	stack_ctl keys rotate-sealing --json >"$STACK_DIR/out" 2>&1 || true
	epochs+=("$(jq -r .sealing_epoch "$STACK_DIR/out" 2>/dev/null || true)")
	sleep "$delay"
	stack_kill control
	stack_until 30 "answer from fleetkeyd" control_is_up
	stack_until 60 "last of the old epochs" one_epoch_left
done
tap_is "each rotation begins an epoch" "${epochs[*]}" "2 3 4 5"
tap_is "a killed control goes on with the sealing, up to the end" \
	"$(sealing '[.sealing_epoch, .n_sealing_epochs, .last_error] | @csv')" '5,1,""'

# And after the request for another root key: whichever is in force opens everything.
IN_FORCE=root.key
status=0
stack_ctl keys rotate-root --new "file:$STACK_DIR/none.key" >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "a root key that is not there is refused" \
	"$status $(grep -c none.key "$STACK_DIR/out")" "1 1"
chmod 0644 "$STACK_DIR/root2.key"
status=0
stack_ctl keys rotate-root --new "file:$STACK_DIR/root2.key" >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "and so is one that others can read" "$status $(grep -c 0600 "$STACK_DIR/out")" "1 1"
chmod 0600 "$STACK_DIR/root2.key"
for i in 2 3; do
	stack_ctl keys rotate-root --new "file:$STACK_DIR/root$i.key" >/dev/null 2>&1 &
	job=$!
	sleep "0.00$((i * 2))"
	stack_kill_hold control
	wait "$job" 2>/dev/null || true
	before=$IN_FORCE
	start_with_either "$before" "root$i.key"
	tap_ok "control killed within a change of the root key: one of both opens the store" \
		test "$IN_FORCE" = "$before" -o "$IN_FORCE" = "root$i.key"
done
tap_is "another root key is put in force" \
	"$(stack_ctl keys rotate-root --new "file:$STACK_DIR/root4.key" --json | jq -r .root_key)" \
	"file:$STACK_DIR/root4.key"
tap_ok "and a new sealing epoch under it" stack_ctl keys rotate-sealing
use_root root4.key
stack_until 60 "last of the old epochs" one_epoch_left
tap_is "the campaign ran meanwhile" "$(stack_campaign_get .state)" running
stack_kill control
tap_ok "the campaign ends" stack_watch 120
stack_settle
tap_ok "the books agree" stack_books_agree
tap_is "for all UEs" \
	"$(jq -s 'map(select(.held)) | length' "$STACK_DIR/control.book")" "$STACK_UES"
tap_is "no message number was used twice" \
	"$(jq '.fleet.message_number_reused // .message_number_reused' "$STACK_DIR/fleetsim.json")" 0

stack_kill_hold control
use_root root.key
status=0
timeout 30 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" 2>&1 ||
	status=$?
tap_is "the first root key opens nothing any more" \
	"$status $(grep -c 'another root key' "$STACK_DIR/out")" "1 1"
use_root root4.key
stack_start_control
stack_until 30 "answer from fleetkeyd" control_is_up
stack_end
tap_end
