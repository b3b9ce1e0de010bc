/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.h - every datagram that a worker drops, answers or sends is counted under one name.
 *
 * The enum, the metric names, the JSON fields and the help texts come from this list. Names are
 * stable: they are what an operator's alarms are written against.
 *
 * Threads: a counter is written by its worker with relaxed stores and may be read by anybody.
 */
#pragma once

#define FK_COUNTER_MAP(X)                                                                        \
	/* sending */                                                                            \
	X(ORDERS, "orders", "orders taken from the ring")                                        \
	X(ORDER_STALE, "order_stale", "order names an older attempt, campaign or table")         \
	X(ORDER_DUPLICATE, "order_duplicate", "order names the attempt that is open")            \
	X(ORDER_DISCARDED, "order_discarded", "orders left over from a control that died")       \
	X(ORDER_UNBUILDABLE, "order_unbuildable", "order the key table cannot satisfy")          \
	X(ORDER_TOO_LARGE, "order_too_large", "order whose message no datagram may hold")        \
	X(TX_REQUESTS, "tx_requests", "MESSAGE requests sent for the first time")                \
	X(TX_RETRANSMITS, "tx_retransmits", "MESSAGE requests repeated by timer E")              \
	X(TX_RESPONSES, "tx_responses", "SIP responses sent")                                    \
	X(TX_RESPONSE_TOO_LARGE, "tx_response_too_large", "SIP responses that no frame holds")   \
	X(TX_ANSWER_DROPPED, "tx_answer_dropped", "answers the port had no room for in time")    \
	X(TX_ARP, "tx_arp", "ARP packets sent")                                                  \
	X(TX_ND, "tx_nd", "neighbour solicitations and advertisements sent")                     \
	X(TX_ICMP, "tx_icmp", "ICMP echo replies sent")                                          \
	X(TX_FRAMES, "tx_frames", "frames handed to the port")                                   \
	X(TX_QUEUE_FULL, "tx_queue_full", "bursts the port did not take whole")                  \
	X(DEFER_PACE, "defer_pace", "sends put off by the pace")                                 \
	X(DEFER_LEASE, "defer_lease", "sends held back: the lease is over or a stop is set")     \
	X(DEFER_NEIGHBOUR, "defer_neighbour", "sends put off until the next hop's MAC is known") \
	X(DEFER_NEXT_HOP, "defer_next_hop", "sends put off: the next hop takes one at a time")   \
	X(DEFER_NO_MBUF, "defer_no_mbuf", "sends put off for want of a buffer")                  \
	X(TIMEOUT_F, "timeout_f", "transactions ended by timer F")                               \
	X(ANSWER_TIMEOUT, "answer_timeout", "attempts accepted but not answered in time")        \
	/* receiving: frames */                                                                  \
	X(RX_FRAMES, "rx_frames", "frames received")                                             \
	X(RX_ARP, "rx_arp", "ARP packets received")                                              \
	X(RX_ADDRESS_CLAIMED, "rx_address_claimed", "frames of others that claim our address")   \
	X(RX_ND, "rx_nd", "neighbour solicitations and advertisements received")                 \
	X(RX_ND_REFUSED, "rx_nd_refused", "neighbour messages that RFC 4861 has us discard")     \
	X(RX_ICMP, "rx_icmp", "ICMP echo requests received")                                     \
	X(RX_NOT_OURS, "rx_not_ours", "frames for another address, protocol or port")            \
	X(RX_TRUNCATED_FRAME, "rx_truncated_frame", "frame shorter than its headers say")        \
	X(RX_BAD_CHECKSUM, "rx_bad_checksum", "checksum wrong, or missing in UDP over IPv6")     \
	X(RX_FRAGMENT, "rx_fragment", "IP fragments, which are not reassembled")                 \
	X(RX_IPV6_EXTENSION, "rx_ipv6_extension", "IPv6 extension headers, which are not read")  \
	X(RX_UNKNOWN_PEER, "rx_unknown_peer", "datagram from an address that is no next hop")    \
	X(RX_NOT_SIP, "rx_not_sip", "datagram that is not SIP")                                  \
	X(RX_MALFORMED_SIP, "rx_malformed_sip", "SIP that breaks RFC 3261")                      \
	X(RX_BY_SHAPE, "rx_by_shape", "SIP read by the shape of a message before")               \
	/* receiving: responses */                                                               \
	X(RX_RESPONSES, "rx_responses", "responses matched to their open transaction")           \
	X(RX_RESPONSE_FORGED, "rx_response_forged",                                              \
	  "response whose branch carries no authentic token")                                    \
	X(RX_RESPONSE_LATE, "rx_response_late",                                                  \
	  "authentic response to a transaction that is over")                                    \
	X(RX_RESPONSE_PROVISIONAL, "rx_response_provisional", "1xx responses")                   \
	/* receiving: requests */                                                                \
	X(RX_REQUESTS, "rx_requests", "well-formed requests from a next hop")                    \
	X(RX_METHOD_REFUSED, "rx_method_refused", "requests answered 405, 416, 420, 481 or 501") \
	X(RX_OPTIONS, "rx_options", "OPTIONS answered 200")                                      \
	X(RX_MEDIA_REFUSED, "rx_media_refused", "requests answered 415")                         \
	X(RX_BODY_REFUSED, "rx_body_refused", "requests answered 400 for their body")            \
	X(RX_NOT_RECORDED, "rx_not_recorded", "answer left unanswered: the result ring is full") \
	/* receiving: notifications */                                                           \
	X(RX_NOTIFICATIONS, "rx_notifications", "authentic dispositions recorded")               \
	X(RX_NOTIFICATION_FORGED, "rx_notification_forged",                                      \
	  "disposition whose Message ID is no authentic token")                                  \
	X(RX_NOTIFICATION_NOT_THAT_UE, "rx_notification_not_that_ue",                            \
	  "disposition from another user than the UE it names")                                  \
	X(RX_NOTIFICATION_LATE, "rx_notification_late",                                          \
	  "authentic disposition of an attempt that is over")                                    \
	/* receiving: KMMs */                                                                    \
	X(RX_ACKS, "rx_acks", "KMM answers accepted")                                            \
	X(RX_HELLOS, "rx_hellos", "Hello of a UE, told to control")                              \
	X(RX_REGISTRATIONS, "rx_registrations", "Registration-Command of a UE, told to control") \
	X(RX_DEREGISTRATIONS, "rx_deregistrations",                                              \
	  "Deregistration-Command of a UE, told to control")                                     \
	X(RX_UNABLE, "rx_unable", "Unable-to-Decrypt-Response to what is open")                  \
	X(RX_SAID_TOO_OFTEN, "rx_said_too_often",                                                \
	  "KMM that nobody asked for, too soon after the UE's last one")                         \
	X(RX_KMM_PROTECTED, "rx_kmm_protected",                                                  \
	  "MCData-protected payload, which is not supported")                                    \
	X(RX_KMM_MALFORMED, "rx_kmm_malformed", "payload that is no well-formed KMM")            \
	X(RX_ISD_REFUSED, "rx_isd_refused",                                                      \
	  "Interworking Security Data that the layout does not read, or not of P25")             \
	X(RX_KMM_UNEXPECTED, "rx_kmm_unexpected", "KMM that answers nothing that is open")       \
	X(RX_KMM_UNKNOWN_RSI, "rx_kmm_unknown_rsi", "source RSI that names no UE")               \
	X(RX_KMM_NOT_FOR_US, "rx_kmm_not_for_us", "destination RSI is not this KMF")             \
	X(RX_KMM_NOT_THAT_UE, "rx_kmm_not_that_ue",                                              \
	  "calling user is not the UE that the source RSI names")                                \
	X(RX_KMM_UNAUTHENTICATED, "rx_kmm_unauthenticated", "KMM without a MAC")                 \
	X(RX_KMM_WRONG_KEY, "rx_kmm_wrong_key", "MAC under a key that is not this attempt's")    \
	X(RX_KMM_BAD_MAC, "rx_kmm_bad_mac", "MAC does not verify")                               \
	X(RX_KMM_BAD_NUMBER, "rx_kmm_bad_number", "message number outside the window")           \
	X(RX_KMM_REPEAT, "rx_kmm_repeat", "the last accepted KMM again")                         \
	X(RX_KMM_WRONG_KEYS, "rx_kmm_wrong_keys", "acknowledgement of other keys than were sent")

enum fk_counter {
#define X(name, label, help) FK_COUNTER_##name,
	FK_COUNTER_MAP(X)
#undef X
	FK_COUNTERS
};

static inline const char *fk_counter_name(enum fk_counter counter)
{
	static const char *const names[] = {
#define X(name, label, help) label,
		FK_COUNTER_MAP(X)
#undef X
	};

	return (unsigned)counter < FK_COUNTERS ? names[counter] : "unknown";
}

static inline const char *fk_counter_help(enum fk_counter counter)
{
	static const char *const helps[] = {
#define X(name, label, help) help,
		FK_COUNTER_MAP(X)
#undef X
	};

	return (unsigned)counter < FK_COUNTERS ? helps[counter] : "";
}
