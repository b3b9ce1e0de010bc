#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The root key in a token (SoftHSM, by PKCS#11) and in a credential of systemd: start, import,
# campaign, kill, restart; and a wrong PIN, a missing token and a wrong root key stop the start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

module=/usr/lib/softhsm/libsofthsm2.so
pin=7391-pin-of-the-test

# 32 octets that are printable: softhsm2-util cuts others off at some that it takes for an end.
text_key() {
	head -c 16 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# make_token LABEL ROOT-FILE: a token with the root key, which does not leave it.
make_token() {
	softhsm2-util --init-token --free --label "$1" --so-pin 12345678 --pin "$pin"
	softhsm2-util --import "$2" --aes --token "$1" --label root --id 01 --pin "$pin"
}

# root_key SOURCE: the configuration names it.
root_key() {
	sed -E "s,^  root_key_file: .*,  root_key: '$1'\n  pkcs11_module: $module," \
		"$STACK_DIR/file.yaml" >"$STACK_DIR/fleetkeyd.yaml"
}

# start_fails SENTENCE STATUS WORD...: fleetkeyd ends with STATUS, says every WORD, and no PIN.
start_fails() {
	local sentence=$1 wanted=$2 status=0 word
	shift 2
	timeout 30 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" \
		2>&1 </dev/null || status=$?
	for word in "$@"; do
		grep -qF -- "$word" "$STACK_DIR/out" || status="$status, without '$word'"
	done
	! grep -qF -- "$pin" "$STACK_DIR/out" || status="$status, PIN shown"
	tap_is "$sentence" "$status" "$wanted"
	[ "$status" = "$wanted" ] || sed 's/^/# /' "$STACK_DIR/out"
}

command -v softhsm2-util >/dev/null || scripts/deps test
tap_plan 15
stack_init sources
STACK_UES=200
STACK_PACE=200
stack_prepare
mv "$STACK_DIR/fleetkeyd.yaml" "$STACK_DIR/file.yaml"

mkdir "$STACK_DIR/tokens"
cat >"$STACK_DIR/softhsm2.conf" <<-EOF2
	directories.tokendir = $STACK_DIR/tokens
	objectstore.backend = file
	log.level = ERROR
EOF2
export SOFTHSM2_CONF=$STACK_DIR/softhsm2.conf
(umask 077 && printf '%s\n' "$pin" >"$STACK_DIR/pin" && text_key >"$STACK_DIR/root.key" &&
	text_key >"$STACK_DIR/other.key")
make_token fleetkey "$STACK_DIR/root.key" >/dev/null
make_token other "$STACK_DIR/other.key" >/dev/null
uri="pkcs11:token=fleetkey;object=root?pin-source=file:$STACK_DIR/pin"

root_key "$uri"
stack_start
tap_is "control starts with the root key in a token" "$(stack_ctl health --json | jq -r .store)" true
tap_ok "takes a fleet" stack_import
stack_campaign_create
stack_until 60 "first acknowledgements" stack_acked_is_at_least 20
stack_kill control
tap_ok "and ends the campaign after it was killed" stack_watch 120
stack_settle
tap_ok "the books agree" stack_books_agree
tap_is "for all UEs" "$(jq -s 'map(select(.held)) | length' "$STACK_DIR/control.book")" 200
tap_is "nothing in the store, the logs or the configuration shows the PIN or the root key" \
	"$(grep -rlaF -e "$pin" -e "$(od -An -v -tx1 "$STACK_DIR/root.key" | tr -d ' \n')" \
		"$STACK_DIR"/*.log "$STACK_DIR/redis" "$STACK_DIR/fleetkeyd.yaml" || true)" ""
stack_stop dataplane 30
stack_stop control 30

cp "$STACK_DIR/fleetkeyd.yaml" "$STACK_DIR/good.yaml"
printf 'wrong\n' >"$STACK_DIR/pin"
start_fails "a wrong PIN is refused" 2 pin-source "PIN is incorrect"
printf '%s\n' "$pin" >"$STACK_DIR/pin"
chmod 0644 "$STACK_DIR/pin"
start_fails "a PIN file that others can read is refused" 2 "PIN file" 0600
chmod 0600 "$STACK_DIR/pin"
root_key "pkcs11:token=elsewhere;object=root?pin-source=file:$STACK_DIR/pin"
start_fails "a token that is not there is named" 2 token=elsewhere "no token"
root_key "pkcs11:token=fleetkey;object=none?pin-source=file:$STACK_DIR/pin"
start_fails "a key that is not in the token is named" 2 object=none "no secret key"
root_key "pkcs11:token=fleetkey;object=root?pin-value=$pin"
start_fails "a PIN in the configuration is refused" 2 pin-value
root_key "pkcs11:token=other;object=root?pin-source=file:$STACK_DIR/pin"
start_fails "another root key does not open the store" 1 "another root key"
root_key "credential:root"
start_fails "a credential needs a service manager" 2 CREDENTIALS_DIRECTORY

# The same root key as a credential, and the PIN as one.
mkdir "$STACK_DIR/credentials"
install -m 0400 "$STACK_DIR/root.key" "$STACK_DIR/credentials/root"
install -m 0400 "$STACK_DIR/pin" "$STACK_DIR/credentials/pin"
export CREDENTIALS_DIRECTORY=$STACK_DIR/credentials
stack_start_control
tap_ok "the same root key in a credential opens what the token wrapped" \
	stack_until 20 "answer from fleetkeyd" stack_ctl health
stack_stop control 30
root_key "pkcs11:token=fleetkey;id=%01?pin-source=credential:pin"
stack_start_control
tap_ok "and the PIN may be a credential" stack_until 20 "answer from fleetkeyd" stack_ctl health
stack_end
tap_end
