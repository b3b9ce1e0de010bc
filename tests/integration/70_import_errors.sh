#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A fleet file with an error changes nothing, and every error is named with its line and column.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

good() {
	cat "$STACK_DIR/fleet.csv"
}

# set_field LINE COLUMN VALUE: the good file with one field changed. Its fields hold no quotes.
set_field() {
	good | awk -F, -v OFS=, -v line="$1" -v name="$2" -v value="$3" '
		NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
		NR == line { $column[name] = value }
		{ print }'
}

# refused SENTENCE LINE COLUMN: the import of standard input fails, names the place, and the fleet
# is as before.
refused() {
	local sentence=$1 status=0 verdict=
	timeout 60 cat >"$STACK_DIR/bad.csv"
	stack_ctl fleet import "$STACK_DIR/bad.csv" --allow-plain-keys >"$STACK_DIR/out" 2>&1 ||
		status=$?
	[ "$status" -eq 1 ] || verdict="status $status"
	grep -qF "bad.csv:$2: $3" "$STACK_DIR/out" || verdict="$verdict, place not named"
	[ "$(stack_ctl fleet show --json)" = "$before" ] || verdict="$verdict, fleet changed"
	! grep -qiE '[0-9a-f]{40}' "$STACK_DIR/out" || verdict="$verdict, key shown"
	tap_is "$sentence" "$verdict" ""
	[ -z "$verdict" ] || head -n 5 "$STACK_DIR/out" | cut -c 1-200 | sed 's/^/# /'
}

tap_plan 50
stack_init import
STACK_UES=20
STACK_API_PORT=$(stack_free_port)
stack_prepare
stack_start_redis
stack_until 20 "answer from Redis" stack_redis_answers
stack_start_control
stack_until 30 "answer from fleetkeyd" stack_ctl health
tap_ok "a good file is imported" stack_import
tap_is "the fleet has its UEs" "$(stack_ctl fleet show --ues --json | wc -l)" 20
before=$(stack_ctl fleet show --json)

refused "an RSI of 0" 4 rsi < <(set_field 4 rsi 0)
refused "an RSI above the range" 4 rsi < <(set_field 4 rsi 10000000)
refused "an RSI given twice" 5 rsi < <(set_field 5 rsi "$(good | awk -F, 'NR == 2 { print $5 }')")
refused "a UE id given twice" 6 ue_id < <(set_field 6 ue_id "$(good | awk -F, 'NR == 2 { print $1 }')")
refused "a UE id with a space" 2 ue_id < <(set_field 2 ue_id 'a b')
refused "an MCData ID that would break a header" 3 mcdata_id < <(set_field 3 mcdata_id 'sip:x@y>')
refused "an MCData ID that is no SIP URI" 3 mcdata_id < <(set_field 3 mcdata_id 'mailto:x@y')
refused "an LMR type that is not served" 3 lmr_type < <(set_field 3 lmr_type TETRA)
refused "a next hop that is not configured" 3 next_hop < <(set_field 3 next_hop elsewhere)
refused "a KEK that is too short" 3 kek < <(set_field 3 kek 00ff)
refused "a KEK that is not hexadecimal" 21 kek < <(set_field 21 kek "$(printf 'zz%062d' 0)")
refused "an algorithm that is not served" 3 kek_alg < <(set_field 3 kek_alg DES)
refused "a MAC kind that does not exist" 3 mac < <(set_field 3 mac md5)
refused "a window of 0" 3 mnp < <(set_field 3 mnp 0)
refused "half a protection TEK" 3 ptek < <(set_field 3 ptek_key_id '')
refused "an unknown column" 1 "field 17" < <(set_field 1 mnp mnpp)
refused "the KMF's own RSI" 3 "rsi: is the KMF's own" < <(set_field 3 rsi 9999999)
refused "a URI that is another UE's in other letters" 6 "mc_service_id: is in the file twice" \
	< <(set_field 6 mc_service_id "$(good | awk -F, 'NR == 2 { sub(/@.*/, toupper(substr($2, index($2, "@"))), $2); print $2 }')")
refused "a last line without its end, which may be cut off" 21 mnp < <(good | head -c -3)
refused "a quote that is not closed, where it begins" 5 area < <(set_field 5 area '"north')
refused "a NUL" 4 groups < <(set_field 4 groups 'a%b' | tr % '\0')
# What is left of a file that was split may begin in the middle of a key.
for from in $(seq 200 40 600); do
	good | tail -c "$from" >"$STACK_DIR/tail.csv"
	stack_ctl fleet import "$STACK_DIR/tail.csv" --allow-plain-keys --json || true
done >"$STACK_DIR/out" 2>&1
tap_is "the end of a file shows nothing of its keys" \
	"$(grep -ciE '[0-9a-f]{8}' "$STACK_DIR/out") $(stack_ctl fleet show --json)" "0 $before"
# The same rows as JSON, one object a line.
ndjson() {
	good | jq -Rnc '[inputs] | (.[0] / ",") as $names | .[1:][] | [$names, . / ","] | transpose |
		map({key: .[0], value: .[1]}) | from_entries |
		.rsi |= tonumber | .groups |= split(";") | if .ptek == "" then .ptek = null else . end'
}
refused "JSON that is cut off in a line" 3 "octet 20: is no JSON" \
	< <(ndjson | awk 'NR == 3 { $0 = substr($0, 1, 20) } { print }')
refused "a JSON row without its window" 4 "mnp: member is missing" \
	< <(ndjson | jq -c 'if input_line_number == 4 then del(.mnp) else . end')
refused "a JSON row with an RSI that is no number" 5 "rsi: must be an integer" \
	< <(ndjson | jq -c 'if input_line_number == 5 then .rsi = "x" else . end')
refused "a member that is no column" 2 "member 18: is no column" \
	< <(ndjson | jq -c 'if input_line_number == 2 then .kekk = .kek else . end')
stack_ctl fleet export >"$STACK_DIR/as-csv"
ndjson >"$STACK_DIR/fleet.ndjson"
tap_ok "JSON lines are a fleet file, too" \
	stack_ctl fleet import "$STACK_DIR/fleet.ndjson" --allow-plain-keys
tap_is "and make the same fleet" \
	"$(stack_ctl fleet export | cmp - "$STACK_DIR/as-csv" && stack_ctl fleet show --json |
		jq -c .n_ues)" 20
before=$(stack_ctl fleet show --json)
refused "a missing column" 1 mnp < <(good | cut -d, -f1-16)
refused "a row with too many fields" 3 "field 18: the row has 18 fields" < <(good | sed '3s/$/,1/')
endless() {
	good | head -n 3
	head -c 70000 /dev/zero | tr '\0' a
}
refused "a line without end" 4 ue_id < <(endless)

# never_ends SENTENCE REASON COMMAND...: what is written never ends; the import does.
never_ends() {
	local sentence=$1 reason=$2 status=0
	shift 2
	timeout 10 "$STACK_BIN/fleetkeyctl" --socket "$STACK_DIR/api.sock" fleet import - \
		--allow-plain-keys < <("$@" 2>/dev/null) >"$STACK_DIR/out" 2>&1 || status=$?
	tap_is "$sentence" "$status $(grep -c "$reason" "$STACK_DIR/out")" "1 1"
}
one_line() {
	good | head -n 3
	timeout 20 yes | tr -d '\n'
}
one_record() {
	good | head -n 3
	printf '"'
	timeout 20 yes ''
}
bad_rows() {
	good | head -n 1
	timeout 20 yes x
}
# Bad rows enough, and then nothing for a while.
silence() {
	good | head -n 1
	printf 'x\n%.0s' {1..200}
	exec sleep 11
}
never_ends "nor is one that comes through a pipe and never ends" ':4: .*65536' one_line
never_ends "nor a record in quotes" ':[0-9]*: .*65536' one_record
never_ends "nor rows that are all bad" '100 errors' bad_rows
never_ends "an answer does not wait for more of a pipe" '100 errors' silence

post() {
	timeout 20 curl -s --unix-socket "$STACK_DIR/api.sock" -X POST -H 'Content-Type: text/csv' \
		-T - "http://localhost$1"
}
tap_is "another client is answered in the middle, too" \
	"$(bad_rows 2>/dev/null | post '/v1/fleet/imports?allow_plain_keys=true' | jq '.errors | length')" \
	100
tap_is "also where there is nothing to send to" \
	"$(timeout 20 yes 2>/dev/null | post /v1/nothing | jq .status)" 404

# deaf COMMAND: a client that sends what COMMAND says after 200 bad rows, and never listens.
deaf() {
	{
		printf 'POST /v1/fleet/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n' \
			"$(<"$STACK_DIR/api.token")"
		printf 'Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n'
		good | head -n 1
		printf 'x\n%.0s' {1..200}
		timeout 20 "$@"
	} 2>/dev/null >"/dev/tcp/127.0.0.1/$STACK_API_PORT"
}
deaf sleep 3 &
silent=$!
sleep 0.3 # nothing tells us that its rows are read
tap_ok "once it is refused, an import keeps no other one out, wherever its client is" stack_import
wait "$silent"
since=$SECONDS
deaf yes x || true
tap_is "a client that never listens is shut out" "$((SECONDS - since < 15))" 1
before=$(stack_ctl fleet show --json)

status=0
stack_ctl fleet import "$STACK_DIR/fleet.csv" >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "plain keys need to be allowed" \
	"$status $(grep -cF -- --allow-plain-keys "$STACK_DIR/out" | sed 's/[1-9][0-9]*/named/')" \
	"1 named"
tap_is "and nothing of it was taken" "$(stack_ctl fleet show --json)" "$before"
tap_ok "the import from standard input is the same" \
	bash -c "'$STACK_BIN/fleetkeyctl' --socket '$STACK_DIR/api.sock' fleet import - \
		--allow-plain-keys <'$STACK_DIR/fleet.csv'"

# Redis has no room for the new fleet, nor for anything else until its pages are gone.
redis() {
	timeout 5 redis-cli -s "$STACK_DIR/redis.sock" "$@"
}
before="$(redis dbsize) $(stack_ctl fleet show --json)"
timeout 60 "$STACK_BIN/fleetsim" make-fleet --ues 40000 --seed 7 --next-hop nh1 \
	--out "$STACK_DIR/big.csv" >/dev/null
used=$(redis info memory | tr -d '\r' | awk -F: '$1 == "used_memory" { print $2 }')
redis config set maxmemory $((used + 3000000)) >/dev/null
tap_is "a fleet that Redis has no room for is refused" \
	"$(stack_status stack_ctl fleet import "$STACK_DIR/big.csv" --allow-plain-keys)
$(grep -c 'maxmemory' "$STACK_DIR/out")" $'1\n1'
restored() {
	[ "$(redis dbsize) $(stack_ctl fleet show --json)" = "$before" ]
}
tap_ok "and what was stored of it is removed, while there is no room" stack_until 2 "a sweep" restored
redis config set maxmemory 0 >/dev/null

# What fleetkeyd is at with an import.
stage() {
	timeout 5 curl -s --unix-socket "$STACK_DIR/api.sock" http://localhost/v1/fleet/imports |
		jq -r .stage
}
# Ctrl-C while fleetkeyd works on what was sent; now and then it is too quick for us.
for _ in 1 2 3 4 5; do
	timeout 60 env --default-signal=INT "$STACK_BIN/fleetkeyctl" --socket "$STACK_DIR/api.sock" \
		fleet import "$STACK_DIR/big.csv" --allow-plain-keys >"$STACK_DIR/out" 2>&1 &
	importer=$!
	until [[ $(stage) =~ ^(comparing|staging|publishing|loading|clearing)$ ]] ||
		! kill -0 "$importer" 2>/dev/null; do :; done
	kill -INT "$(pgrep -P "$importer")" 2>/dev/null || true
	status=0
	wait "$importer" || status=$?
	[ "$status" -eq 0 ] || break
done
tap_is "an import that is interrupted when all is sent says that it goes on" \
	"$status $(grep -c 'goes on with it' "$STACK_DIR/out")" "130 1"
tap_ok "and it does" stack_until 20 "the fleet" \
	bash -c "'$STACK_BIN/fleetkeyctl' --socket '$STACK_DIR/api.sock' fleet show --json |
		jq -e '.n_ues == 40000'"

# on_terminal KIND: an import on such a terminal; what it is sent is in "drawn" then.
on_terminal() {
	TERM=$1 timeout 60 script -qec "'$STACK_BIN/fleetkeyctl' --socket '$STACK_DIR/api.sock' \
		fleet import '$STACK_DIR/big.csv' --allow-plain-keys" /dev/null >"$STACK_DIR/drawn"
}
on_terminal dumb || true
tap_is "a terminal that cannot draw is sent plain lines" \
	"$(grep -c $'\033' "$STACK_DIR/drawn") $(grep -m 1 -o 40000 "$STACK_DIR/drawn")" "0 40000"
on_terminal xterm || true
tap_ok "another one shows how far it is" \
	grep -qE $'\r\033\\[K\\[[#-]+\\] +[0-9]+\\.[0-9] %  .*sent' "$STACK_DIR/drawn"
tap_end
