# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# hello.sh - what radios say unasked, in fleetkeyd's and the fleet's words. Sourced after stack.sh.

# unasked NAME: a count of fleetkeyd.
unasked() {
	stack_ctl dataplane show --json | jq ".unasked.$1"
}

# of_sim NAME: a count of the fleet, once it has ended.
of_sim() {
	jq ".$1" "$STACK_DIR/fleetsim.json"
}

# with_flag FLAG: ids of those who say Hello with it, where each has its own.
with_flag() {
	awk -F, -v flag="$1" 'NR > 1 && (NR - 2) % 3 == flag { print $1 }' "$STACK_DIR/fleet.csv" |
		LC_ALL=C sort
}
