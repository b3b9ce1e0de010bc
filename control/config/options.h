/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - private to control/config: the one table of options.
 *
 * X(section, name, kind, default, min, max, unit, help). A default of NULL makes the option
 * required, "" leaves it unset. For UINT 'min' and 'max' bound the value, for text its length.
 */
#pragma once

#define FK_OPTIONS_KMF(X)                                                                   \
	X(kmf, rsi, UINT, "9999999", 1, 0xfffffe, "", "RSI of the KMF: source of its KMMs") \
	X(kmf, uri, URI, NULL, 1, 255, "octets", "SIP URI of the KMF: calling user")        \
	X(kmf, psi, URI, "", 1, 255, "octets", "SIP URI it asserts; unset: kmf.uri")        \
	X(kmf, extended_app_id_type, APP_ID, "none", 0, 0, "",                              \
	  "what the Extended application ID of an SDS holds")                               \
	X(kmf, extended_app_id, TEXT, "", 1, 255, "octets",                                 \
	  "its value; with type uri, unset means kmf.uri")                                  \
	X(kmf, bare_kmm, BOOL, "false", 0, 0, "",                                           \
	  "true: no data-link-independent preamble before a KMM")

#define FK_OPTIONS_KMM(X)                                                                    \
	X(kmm, transport_limit, UINT, "465", 80, 465, "octets",                              \
	  "largest KMM; further keys of a campaign go into further KMMs")                    \
	X(kmm, inferred_layouts, BOOL, "false", 0, 0, "",                                    \
	  "true: allow delete-key, delete-keyset and warm starts, whose KMMs have inferred " \
	  "layouts")

#define FK_OPTIONS_STORE(X)                                                                \
	X(store, redis_socket, TEXT, "", 1, 107, "characters",                             \
	  "Unix socket of Redis; or sentinels")                                            \
	X(store, master_name, NAME, "", 1, 64, "characters",                               \
	  "what the sentinels call the master; required with sentinels")                   \
	X(store, wait_s, UINT, "30", 0, 3600, "s",                                         \
	  "how long a start waits for Redis, and its replicas, to be there")               \
	X(store, replicas, UINT, "0", 0, 16, "",                                           \
	  "so many replicas must have a write before it counts as durable; 1 at least "    \
	  "with sentinels")                                                                \
	X(store, witness_file, TEXT, "", 1, 4095, "characters",                            \
	  "file, not on Redis's disk, that knows an older copy of the store; unset: none") \
	X(store, rosters, UINT, "32", 0, 1000, "fleets",                                   \
	  "replaced fleets whose UEs are still named in reports of campaigns they had; "   \
	  "each takes about 12 octets a UE")                                               \
	X(store, replica_timeout_ms, UINT, "1000", 10, 4000, "ms",                         \
	  "how long they may take; then the store counts as lost")

/* Lists of text: L(section, name, max, form, help). */
#define FK_LISTS_STORE(L)                      \
	L(store, sentinels, 9, "ADDRESS:PORT", \
	  "instead of redis_socket: Redis Sentinels that are asked where the master is")

#define FK_OPTIONS_RECOVERY(X)                                                                \
	X(recovery, automatic, BOOL, "false", 0, 0, "",                                       \
	  "true: a start on an older copy of the store recovers it, if nothing that anybody " \
	  "has said is missing, and asks by inventories who holds which key")

#define FK_OPTIONS_KEYS(X)                                                                     \
	X(keys, root_key_file, TEXT, "", 1, 4000, "characters",                                \
	  "file with the root key: 32 octets or 64 hex digits, mode 0600; or root_key")        \
	X(keys, root_key, TEXT, "", 1, 4010, "characters",                                     \
	  "instead: file:PATH, credential:NAME (systemd) or a pkcs11: URI with a pin-source")  \
	X(keys, tek_cryptoperiod_s, UINT, "0", 0, 4000000000, "s",                             \
	  "how long a new TEK is used, then it has expired; 0: not limited")                   \
	X(keys, ckek_cryptoperiod_s, UINT, "0", 0, 4000000000, "s", "the same for a new CKEK") \
	X(keys, kek_cryptoperiod_s, UINT, "0", 0, 4000000000, "s",                             \
	  "the same for a KEK of a UE, from when it came")                                     \
	X(keys, ptek_cryptoperiod_s, UINT, "0", 0, 4000000000, "s",                            \
	  "the same for a protection TEK of a UE")                                             \
	X(keys, pkcs11_module, TEXT, "", 1, 4095, "characters",                                \
	  "library of the token, for a pkcs11: URI")

#define FK_OPTIONS_LINK(X)                                                                    \
	X(link, socket, TEXT, NULL, 1, 107, "characters",                                     \
	  "Unix socket that fleetkey-dp connects to")                                         \
	X(link, dataplane_user, TEXT, "", 1, 63, "characters",                                \
	  "user that may connect there; unset: the own user")                                 \
	X(link, lease_ms, UINT, "3000", 500, 60000, "ms",                                     \
	  "lease of a node: without its control the dataplane sends no longer; another node " \
	  "waits so long")

#define FK_OPTIONS_NODE(X)                           \
	X(node, name, NAME, "", 1, 64, "characters", \
	  "what other nodes that share the store call this one; unset: the host's name")

#define FK_OPTIONS_API(X)                                                                \
	X(api, socket, TEXT, NULL, 1, 107, "characters", "Unix socket of the HTTP API")  \
	X(api, socket_group, TEXT, "", 1, 63, "characters",                              \
	  "group whose members may use it, too, as principals; unset: its owner alone")  \
	X(api, loopback_port, UINT, "0", 0, 65535, "", "TCP port on 127.0.0.1; 0: none") \
	X(api, token_file, TEXT, "", 1, 4095, "characters",                              \
	  "file with the bearer token, mode 0600; required with loopback_port")

#define FK_OPTIONS_SIP(X)                                                                      \
	X(sip, t1_ms, UINT, "500", 10, 10000, "ms", "timer T1 of RFC 3261: first repeat")      \
	X(sip, t2_ms, UINT, "4000", 10, 60000, "ms", "timer T2: longest time between repeats") \
	X(sip, datagram_max, UINT, "1300", 500, 65000, "octets",                               \
	  "largest SIP message on UDP; above 1300 only with a path_mtu, and never above it "   \
	  "less 200")                                                                          \
	X(sip, path_mtu, MTU, "0", 576, 65535, "octets",                                       \
	  "MTU of the path to the next hops; 0: unknown, then datagram_max is 1300 at most")   \
	X(sip, proxy_slack, UINT, "150", 0, 1000, "octets",                                    \
	  "room kept for the Via and Record-Route of proxies")

#define FK_OPTIONS_CAMPAIGN(X)                                                                   \
	X(campaign, pace_per_s, UINT, NULL, 1, 10000000, "requests/s",                           \
	  "most requests and repeats a second; there is no default: a pace is mandatory")        \
	X(campaign, approval, APPROVAL, "fleet-wide", 0, 0, "",                                  \
	  "which campaigns a second user has to approve: fleet-wide includes destructive")       \
	X(campaign, expire_after_s, UINT, "604800", 1, 31536000, "s",                            \
	  "what a campaign has not ended so long after its start expires; it may ask for less")  \
	X(campaign, window, UINT, "4096", 1, 1000000, "deliveries", "deliveries open at a time") \
	X(campaign, attempts_max, UINT, "5", 1, 100, "sends",                                    \
	  "sends of one KMM as new transactions; then the UE is unreachable")                    \
	X(campaign, answer_timeout_ms, UINT, "10000", 100, 600000, "ms",                         \
	  "from the 2xx until a missing answer counts as lost")                                  \
	X(campaign, retry_backoff_ms, UINT, "2000", 10, 3600000, "ms",                           \
	  "wait before the first new send; it doubles")                                          \
	X(campaign, number_block, UINT, "8", 1, 64, "numbers",                                   \
	  "message numbers reserved for a UE at a time")                                         \
	X(campaign, answers_per_s, UINT, "1000", 1, 10000000, "requests/s",                      \
	  "pace of what answers UEs that register or deregister, beside a campaign's own pace")  \
	X(campaign, number_margin, UINT, "8", 0, 1000, "numbers",                                \
	  "distance kept from the end of a UE's number window")

#define FK_LISTS_CAMPAIGN(L)                     \
	L(campaign, break_glass_uids, 16, "UID", \
	  "users who may alone zeroize one lost UE, with a reason, which another one reviews")

#define FK_OPTIONS_ISD(X)                                    \
	X(isd, layout_file, TEXT, "", 1, 4095, "characters", \
	  "file that lays out Interworking Security Data; required for carrier T2, none built in")

#define FK_OPTIONS_NEXT_HOP(X)                                                                \
	X(next_hops, name, NAME, NULL, 1, 32, "characters", "name in the fleet file; unique") \
	X(next_hops, address, ADDRESS, NULL, 2, 45, "", "IP address of the server")           \
	X(next_hops, port, UINT, "5060", 1, 65535, "", "its UDP port")                        \
	X(next_hops, carrier, CARRIER, "T1", 0, 0, "",                                        \
	  "T1: MCData SDS; T2: Interworking Security Data")                                   \
	X(next_hops, profile, PROFILE, "C", 0, 0, "", "of T1: who the KMF is to the server")  \
	X(next_hops, route, BOOL, "false", 0, 0, "", "true: send a Route header")             \
	X(next_hops, psi, URI, "", 1, 255, "octets",                                          \
	  "Request-URI; required for profiles A and B and for T2")                            \
	X(next_hops, congestion_safe, BOOL, "false", 0, 0, "",                                \
	  "true: may have many MESSAGEs open at a time to its Request-URI (RFC 3428)")        \
	X(next_hops, max_payload_size_sds_cplane_bytes, UINT, "0", 0, 65535, "octets",        \
	  "largest SDS payload of its service on the signalling plane; 0: no limit")

#define FK_NO_LISTS(L)

/* S(section, its options, its lists) */
#define FK_SECTIONS(S)                                      \
	S(kmf, FK_OPTIONS_KMF, FK_NO_LISTS)                 \
	S(kmm, FK_OPTIONS_KMM, FK_NO_LISTS)                 \
	S(store, FK_OPTIONS_STORE, FK_LISTS_STORE)          \
	S(recovery, FK_OPTIONS_RECOVERY, FK_NO_LISTS)       \
	S(keys, FK_OPTIONS_KEYS, FK_NO_LISTS)               \
	S(link, FK_OPTIONS_LINK, FK_NO_LISTS)               \
	S(node, FK_OPTIONS_NODE, FK_NO_LISTS)               \
	S(api, FK_OPTIONS_API, FK_NO_LISTS)                 \
	S(sip, FK_OPTIONS_SIP, FK_NO_LISTS)                 \
	S(campaign, FK_OPTIONS_CAMPAIGN, FK_LISTS_CAMPAIGN) \
	S(isd, FK_OPTIONS_ISD, FK_NO_LISTS)
