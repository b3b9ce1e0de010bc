#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What scripts/test makes of the TAP of a program: what could not run is counted as skipped or as
# failed, never left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh

# counts STATUS LINE...: "passed failed skipped" of a program that said this and ended so.
counts() {
	local status=$1
	shift
	printf '%s\n' "$@" | awk -v status="$status" -f tests/support/tap_count.awk | head -n 1
}

# without_root SCRIPT: the same of a script that believes that its user is not root.
without_root() {
	(
		# shellcheck disable=SC2317 # the script calls it
		id() { echo 65534; }
		export -f id
		timeout 60 bash "$1" 2>/dev/null | awk -v status=0 -f tests/support/tap_count.awk | head -n 1
	)
}

mapfile -t rooted < <(grep -l '^tap_needs_root' tests/integration/[0-9]*.sh)
tap_plan $((8 + ${#rooted[@]}))
tap_is "what passed is counted" "$(counts 0 1..2 'ok 1 - a' 'ok 2 - b')" "2 0 0"
tap_is "what failed is counted" "$(counts 1 1..2 'ok 1 - a' 'not ok 2 - b')" "1 1 0"
tap_is "a test that was skipped is counted" "$(counts 0 1..2 'ok 1 - a' 'ok 2 - b # SKIP no')" "1 0 1"
tap_is "a program that was skipped is counted" "$(counts 0 '1..0 # SKIP no')" "0 0 1"
tap_is "one that plans nothing has failed" "$(counts 0 1..0)" "0 1 0"
tap_is "and so has one that says nothing" "$(counts 0 '')" "0 1 0"
tap_is "what was planned and did not run has failed" "$(counts 1 1..3 'ok 1 - a')" "1 2 0"
tap_is "a bad end without a test that failed is a failure" "$(counts 139 1..1 'ok 1 - a')" "1 1 0"
for script in "${rooted[@]}"; do
	tap_is "without root $(basename "$script") is skipped, and counted" "$(without_root "$script")" "0 0 1"
done
tap_end
