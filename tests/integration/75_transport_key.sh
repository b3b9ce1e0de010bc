#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A fleet file whose keys are wrapped under a transport key: the UEs get theirs, and nothing else
# opens it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

to_hex() {
	od -An -v -tx1 | tr -d ' \n'
}

# wrap HEX: the key of the file transport.key around 32 octets (RFC 3394).
wrap() {
	local -a octets
	mapfile -t octets < <(fold -w2 <<<"$1")
	printf '%b' "${octets[@]/#/\\x}" |
		openssl enc -id-aes256-wrap -K "$(cat "$STACK_DIR/transport.key")" -iv A6A6A6A6A6A6A6A6 |
		to_hex
}

# The fleet file with every kek and ptek wrapped under the key of the file transport.key.
wrap_fleet() {
	local line kek ptek
	local -a f
	{
		read -r line
		printf '%s\n' "$line"
		while IFS=, read -ra f; do
			kek=$(wrap "${f[11]}")
			ptek=$(wrap "${f[14]}")
			f[11]=$kek
			f[14]=$ptek
			(
				IFS=,
				printf '%s\n' "${f[*]}"
			)
		done
	} <"$STACK_DIR/fleet.csv"
}

import() {
	status=0
	stack_ctl fleet import "$@" >"$STACK_DIR/out" 2>&1 || status=$?
}

# refused SENTENCE PLACE TEXT: the last import failed at that place for that reason, and showed
# nothing that could be a key.
refused() {
	local verdict=
	[ "$status" -eq 1 ] || verdict="status $status"
	grep -qF -- "$2" "$STACK_DIR/out" || verdict="$verdict, place not named"
	grep -qF -- "$3" "$STACK_DIR/out" || verdict="$verdict, reason not named"
	! grep -qiE '[0-9a-f]{20}' "$STACK_DIR/out" || verdict="$verdict, key shown"
	[ "$(stack_ctl fleet show --json)" = "$before" ] || verdict="$verdict, fleet changed"
	tap_is "$1" "$verdict" ""
	[ -z "$verdict" ] || head -n 5 "$STACK_DIR/out" | cut -c 1-200 | sed 's/^/# /'
}

tap_plan 22
stack_init transport
STACK_UES=20
STACK_API_PORT=$((20000 + $$ % 20000))
stack_prepare
stack_start
before=$(stack_ctl fleet show --json)

status=0
stack_ctl transport-key --show >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "there is no transport key at first" "$status" 1

# A key of the right form, but not one that this KMF knows.
head -c 32 /dev/urandom | to_hex >"$STACK_DIR/transport.key"
wrap_fleet >"$STACK_DIR/foreign.csv"
import "$STACK_DIR/foreign.csv"
refused "wrapped keys need a transport key" "foreign.csv:2: kek" "no transport key was made"
rm "$STACK_DIR/transport.key"

status=0
stack_ctl transport-key "$STACK_DIR/transport.key" --json >"$STACK_DIR/made" 2>&1 || status=$?
tap_is "a transport key is made" "$status $(jq -r .transport_key_id "$STACK_DIR/made")" "0 1"
tap_is "its file is for its owner only" "$(stat -c %a "$STACK_DIR/transport.key")" 600
tap_is "and holds 64 hex digits" "$(grep -cE '^[0-9a-f]{64}$' "$STACK_DIR/transport.key")" 1
tap_is "nothing else shows the key" "$(grep -ciE '[0-9a-f]{20}' "$STACK_DIR/made" || true)" 0
key=$(cat "$STACK_DIR/transport.key")

status=0
stack_ctl transport-key "$STACK_DIR/transport.key" >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "a file that is there is not replaced" \
	"$status $(cat "$STACK_DIR/transport.key") $(stack_ctl transport-key --show --json | jq .transport_key_id)" \
	"1 $key 1"
status=0
stack_ctl transport-key /dev/stdout --force >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "a key does not go to a terminal or a pipe" \
	"$status $(grep -ciE '[0-9a-f]{20}' "$STACK_DIR/out" || true)" "1 0"
status=0
stack_ctl transport-key - >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "nor to standard output" "$status" 2
status=0
timeout 30 "$STACK_BIN/fleetkeyctl" --url "http://127.0.0.1:$STACK_API_PORT" \
	--token-file "$STACK_DIR/api.token" transport-key "$STACK_DIR/remote.key" \
	>"$STACK_DIR/out" 2>&1 || status=$?
tap_is "nor over the loopback port" "$status" 3
tap_is "where no file is left" "$(find "$STACK_DIR" -name 'remote.key*' | wc -l)" 0

wrap_fleet >"$STACK_DIR/wrapped.csv"
import "$STACK_DIR/foreign.csv"
refused "keys under another transport key are refused" "foreign.csv:2: kek" "does not open"
refused "for each row and column" "foreign.csv:21: ptek" "does not open"
sed '5s/\([0-9a-f]\{79\}\)[0-9a-f],/\1x,/' "$STACK_DIR/wrapped.csv" >"$STACK_DIR/bad.csv"
import "$STACK_DIR/bad.csv"
refused "a digit that is none is refused" "bad.csv:5: kek" "no hex digit"
sed '5s/,\([0-9a-f]\{40\}\)\([0-9a-f]\{40\}\),/,\2\1,/' "$STACK_DIR/wrapped.csv" >"$STACK_DIR/bad.csv"
import "$STACK_DIR/bad.csv"
refused "a damaged wrap is refused" "bad.csv:5: kek" "does not open"
sed '5s/,\([0-9a-f]\{40\}\)[0-9a-f]\{40\},/,\1,/' "$STACK_DIR/wrapped.csv" >"$STACK_DIR/bad.csv"
import "$STACK_DIR/bad.csv"
refused "a wrap of another size is refused" "bad.csv:5: kek" "must be 80 hex digits"
import "$STACK_DIR/fleet.csv"
refused "plain keys are refused as ever" "fleet.csv:2: kek" "--allow-plain-keys"

import "$STACK_DIR/wrapped.csv"
tap_is "the wrapped file is imported" "$status" 0
stack_campaign_create
stack_watch 120 >/dev/null
stack_settle
tap_ok "every UE got its key under its own KEK, and the books agree" stack_books_agree
tap_is "for all of them" "$(jq -s 'map(select(.held)) | length' "$STACK_DIR/control.book")" 20

tap_ok "another key replaces it" stack_ctl transport-key "$STACK_DIR/transport.key" --force
before=$(stack_ctl fleet show --json)
import "$STACK_DIR/wrapped.csv"
refused "and the old files no longer open" "wrapped.csv:2: kek" "does not open"
stack_end
tap_end
