# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# keys.sh - the keys of a stack, for tests that look for them where they must not be: as lines of 64
# hex digits. Sourced, after stack.sh. The fleet file is the stack's, or KEYS_FLEET.
#
#   keys_hex FILE            the octets of a file
#   keys_of_fleet            KEKs and protection TEKs of all UEs, out of the fleet file
#   keys_delivered FILE [255]
#                            TEKs, or CKEKs, that came under KEKs of UEs in a capture of a dataplane that
#                            has --capture-keys: unwrapped by OpenSSL, each once

keys_hex() {
	od -An -v -tx1 "$1" | tr -d ' \n'
	echo
}

keys_of_fleet() {
	tail -n +2 "${KEYS_FLEET:-$STACK_DIR/fleet.csv}" | cut -d, -f12
	tail -n +2 "${KEYS_FLEET:-$STACK_DIR/fleet.csv}" | cut -d, -f15 | grep .
}

keys_delivered() {
	local rsi wrapped kek
	# The last record may not be whole yet.
	{ "$STACK_BIN/fleetkey-inspect" pcap "$1" 2>/dev/null || true; } | jq -r --argjson keks "$([ -n "${2:-}" ] && echo true || echo false)" '
		.kmm | select(.message_name == "Rekey-Command") | . as $kmm | .body.keysets[] |
		select((.keyset_id == 255) == $keks) | .keys[] |
		"\($kmm.destination_rsi) \(.key_id) \(.key_hex)"' |
		awk '!seen[$2]++' |
		while read -r rsi _ wrapped; do
			kek=$(awk -F, -v rsi="$rsi" '$5 == rsi { print $12 }' "${KEYS_FLEET:-$STACK_DIR/fleet.csv}")
			perl -e 'print pack "H*", $ARGV[0]' "$wrapped" |
				openssl enc -d -id-aes256-wrap -K "$kek" -iv A6A6A6A6A6A6A6A6 2>/dev/null |
				od -An -v -tx1 | tr -d ' \n'
			echo
		done
}
