# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# bounded.sh - runs a command that does not outlive its caller. Sourced.
#
#   bounded_init            sets the traps; HUP, INT and TERM then end the command, and the script
#   bounded SECONDS COMMAND...   runs it to its end, or to the end of its time (status 124 or 137)
#   BOUNDED_DIR             is removed at the end, if set
#
# The command runs in the background and is waited for: bash runs no trap while a command runs in
# the foreground, and timeout hides it from the terminal's Ctrl-C.

BOUNDED_PID=
BOUNDED_DIR=

bounded_end() {
	trap - EXIT
	trap '' HUP INT TERM
	if [ -n "$BOUNDED_PID" ]; then
		kill -TERM "$BOUNDED_PID" 2>/dev/null || true
		wait "$BOUNDED_PID" 2>/dev/null || true
	fi
	[ -z "$BOUNDED_DIR" ] || rm -rf "$BOUNDED_DIR"
	exit "$1"
}

bounded_init() {
	trap 'bounded_end $?' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# Nobody can trap it, but bash then leaves out its "Killed" notice.
	# shellcheck disable=SC2173 # indeed
	trap : KILL
}

bounded() {
	local status=0
	setpriv --pdeathsig TERM timeout --kill-after=20 "$@" </dev/null &
	BOUNDED_PID=$!
	wait "$BOUNDED_PID" || status=$?
	BOUNDED_PID=
	return "$status"
}
