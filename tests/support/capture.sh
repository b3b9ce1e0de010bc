# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# capture.sh - what a capture says of message numbers (I2). Sourced, after stack.sh. fleetkey-inspect
# takes the datagrams apart, jq and awk compare: neither fleetsim nor the books have a say in it.
#
#   capture_judge FILE    one JSON object about the KMMs from the KMF that have a number and a MAC:
#                           kmms          all of them, repeats included
#                           ues           how many UEs they are for
#                           reused        pairs of different KMMs under one UE, MAC key and number
#                           skipped       numbers from 1 to each UE's last one that it was not sent
#                           skipped_most  of one UE
#                         Fails if anything in the capture cannot be read
#   capture_plant FILE    has the capture say all once more, and the last KMM with another MAC

# capture_kmms FILE: one line for each, UE, MAC key, number and all that it says, between tabs.
capture_kmms() {
	"$STACK_BIN/fleetkey-inspect" pcap "$1" 2>/dev/null | jq -r '.kmm |
		select(.source_rsi == 9999999 and .message_number_present and .mac != null) |
		[.destination_rsi, "\(.mac.algorithm_id):\(.mac.key_id)", .message_number, tojson] | @tsv'
}

capture_judge() {
	capture_kmms "$1" | LC_ALL=C sort | awk -F '\t' '
		{ kmms++ }
		$0 == line { next }
		{
			if ($1 SUBSEP $2 SUBSEP $3 != name) {
				name = $1 SUBSEP $2 SUBSEP $3
				differing = 0
			}
			reused += differing++
			if (!(($1, $3) in is_sent)) {
				is_sent[$1, $3] = 1
				sent[$1]++
			}
			if ($3 > last[$1])
				last[$1] = $3
			line = $0
		}
		END {
			for (ue in last) {
				ues++
				skipped += last[ue] - sent[ue]
				if (last[ue] - sent[ue] > most)
					most = last[ue] - sent[ue]
			}
			printf "{\"kmms\": %d, \"ues\": %d, \"reused\": %d, \"skipped\": %d, \"skipped_most\": %d}\n",
				kmms, ues, reused, skipped, most
		}'
}

# Hexadecimal digits as grep and printf take octets.
capture_escape() {
	fold -w 2 | sed 's/^/\\x/' | tr -d '\n'
}

capture_plant() {
	local mac pattern at
	mac=$(capture_kmms "$1" | tail -n 1 | cut -f 4- | sed 's/.*"mac_hex":"\([0-9a-f]*\).*/\1/')
	pattern=$(capture_escape <<<"$mac")
	# Behind the header of the file, 24 octets, come the frames.
	tail -c +25 "$1" >"$1.again"
	cat "$1.again" >>"$1"
	rm "$1.again"
	at=$(LC_ALL=C grep -obUaP "$pattern" "$1" | tail -n 1 | cut -d : -f 1)
	# The digits of its MAC stand backwards.
	printf '%b' "$(rev <<<"$mac" | capture_escape)" |
		dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
