# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# tap.sh - assertions of the integration tests, as TAP. Sourced.
#
#   tap_plan N                     first
#   tap_ok SENTENCE COMMAND...     ok if COMMAND succeeds
#   tap_not SENTENCE COMMAND...    ok if COMMAND fails
#   tap_is SENTENCE GOT WANTED     ok if the two texts are equal
#   tap_skip SENTENCE REASON       counts as skipped: it cannot be told here
#   tap_end                        last: exit status 1 if anything was not ok
#   tap_needs_root REASON          instead of the plan, before it: without root the script ends here,
#                                  and scripts/test counts it as skipped
#
# A script that stops before tap_end breaks its plan, and that counts as failed tests.

TAP_N=0
TAP_N_FAILED=0

tap_plan() {
	echo "TAP version 13"
	echo "1..$1"
}

tap_needs_root() {
	[ "$(id -u)" -ne 0 ] || return 0
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit 0
}

tap_report() {
	TAP_N=$((TAP_N + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $TAP_N - $2"
	else
		TAP_N_FAILED=$((TAP_N_FAILED + 1))
		echo "not ok $TAP_N - $2"
	fi
}

tap_ok() {
	local sentence=$1 status=0 output fd
	shift
	# A file without a name: nothing to clean up, nothing for a test to trip over.
	output=$(mktemp)
	exec {fd}<>"$output"
	rm -f "$output"
	# In this shell, not in a substitution: what COMMAND starts must be this shell's child.
	"$@" >"/proc/$$/fd/$fd" 2>&1 || status=$?
	tap_report "$status" "$sentence"
	if [ "$status" -ne 0 ]; then
		echo "# status $status of: $*"
		head -n 20 "/proc/$$/fd/$fd" | sed 's/^/# /'
	fi
	exec {fd}>&-
}

tap_not() {
	local sentence=$1 status=0
	shift
	! "$@" >/dev/null 2>&1 || status=1
	tap_report "$status" "$sentence"
	[ "$status" -eq 0 ] || echo "# should have failed: $*"
}

tap_is() {
	local status=0
	[ "$2" = "$3" ] || status=1
	tap_report "$status" "$1"
	[ "$status" -eq 0 ] || printf '# got    %s\n# wanted %s\n' "$2" "$3"
}

tap_skip() {
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N - $1 # SKIP $2"
}

tap_end() {
	[ "$TAP_N_FAILED" -eq 0 ] || exit 1
}
