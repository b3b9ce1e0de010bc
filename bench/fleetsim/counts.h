/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts.h - everything that fleetsim counts, under the names that its report uses.
 *
 * Threads: written by the worker, read after it has ended.
 */
#pragma once

#include <stdint.h>

/* What the fleet's side found. */
#define FK_SIM_COUNT_MAP(X)                                                                       \
	X(REQUESTS, "requests")		      /* SIP requests from the KMF, repeats included */   \
	X(RESPONSES, "responses")	      /* final responses that ended a transaction */      \
	X(RESPONSES_STRAY, "responses_stray") /* responses that match nothing open */             \
	X(RESPONSES_REFUSED, "responses_refused") /* of RESPONSES: not 2xx */                     \
	X(REPEATS, "repeats")			  /* commands heard again: same octets */         \
	X(RETRANSMISSIONS, "retransmissions")	  /* of REPEATS: in the same transaction */       \
	X(MESSAGE_NUMBER_REUSED, "message_number_reused")                                         \
	X(NUMBERS_SKIPPED, "numbers_skipped") /* below those of COMMANDS, never seen accepted */  \
	X(COMMANDS, "commands")		      /* KMMs accepted by a radio */                      \
	X(BEYOND_CAPABILITY, "beyond_capability")                                                 \
	X(CHANGEOVERS, "changeovers") /* of COMMANDS: performed */                                \
	X(ZEROIZED, "zeroized")	      /* of COMMANDS: every key is gone */                        \
	X(BAD_MAC, "bad_mac")	      /* KMM without a MAC that verifies */                       \
	X(MAC_KIND, "mac_kind") /* KMM with a MAC of the kind that the radio does not know */     \
	X(GROUP_KEY_REFUSED, "group_key_refused") /* commands that any member could give */       \
	X(BAD_WRAP, "bad_wrap")			  /* keys that did not unwrap */                  \
	X(NO_KEK, "no_kek")		    /* Rekey-Commands under a KEK that the radio lacks */ \
	X(UNDER_CKEK, "under_ckek")	    /* keys kept that came under a CKEK */                \
	X(NUMBER_REFUSED, "number_refused") /* KMMs outside the number window */                  \
	X(NOTIFICATIONS, "notifications")   /* transactions begun */                              \
	X(ANSWERS, "answers")		    /* transactions begun */                              \
	X(HELLOS, "hellos")		    /* transactions begun */                              \
	X(HELLOS_1, "hellos_1")		    /* of HELLOS: with flag 1, under a MAC */             \
	X(HELLOS_2, "hellos_2")		    /* of HELLOS: with flag 2, under a MAC */             \
	X(NO_SERVICE, "no_service")	    /* of COMMANDS: nothing is given to who asked */      \
	X(UNABLE, "unable")		    /* commands under a key that the radio lacks */       \
	X(WARM_STARTS, "warm_starts")	    /* of COMMANDS: it has a protection TEK again */      \
	X(GREETED, "greeted")		    /* of COMMANDS: a Hello, which it answers */          \
	X(SAID, "said")			    /* Registrations and Deregistrations begun */         \
	X(REGISTERED, "registered")	    /* of COMMANDS: answers to the one */                 \
	X(DEREGISTERED, "deregistered")	    /* and to the other */                                \
	X(SENT_AGAIN, "sent_again")	    /* by timer E */                                      \
	X(TIMEOUTS, "timeouts")		    /* transactions given up by timer F */                \
	X(DEFERRED, "deferred")		    /* commands ignored for want of a transaction */      \
	X(OVERSIZE, "oversize")		    /* answers not sent: over the datagram limit */       \
	X(RX, "rx") /* UDP datagrams for us, those lost on purpose included */                    \
	X(TX, "tx") /* UDP datagrams meant to leave, those lost on purpose included */            \
	X(LOST_RX, "lost_rx")                                                                     \
	X(LOST_TX, "lost_tx")                                                                     \
	X(REPEATED_RX, "repeated_rx") /* came twice on purpose */                                 \
	X(REPEATED_TX, "repeated_tx")                                                             \
	X(OVERTAKEN_RX, "overtaken_rx") /* let the next one go first on purpose */                \
	X(OVERTAKEN_TX, "overtaken_tx")                                                           \
	X(DELAYED_RX, "delayed_rx")                                                               \
	X(DELAYED_TX, "delayed_tx")                                                               \
	X(NOT_HELD, "not_held") /* should have waited, but too many did */                        \
	X(NO_ROUTE, "no_route") /* not sent: the peer's MAC address is unknown */                 \
	X(TX_FULL, "tx_full")	/* not sent: the port took nothing */                             \
	X(RX_FULL, "rx_full")	/* requests dropped: too many were waiting */                     \
	X(ARP, "arp")                                                                             \
	X(ND, "nd") /* solicitations */                                                           \
	X(ICMP, "icmp")                                                                           \
	X(NOT_OURS, "not_ours")                                                                   \
	X(BAD_FRAME, "bad_frame") /* frames whose headers or checksums are wrong */

/* Why a message from the KMF is malformed; a message counts once, under its first reason. */
#define FK_SIM_MALFORMED_MAP(X)                                                                    \
	X(NOT_SIP, "not_sip")                                                                      \
	X(SIP_SYNTAX, "sip_syntax")   /* breaks RFC 3261 */                                        \
	X(METHOD, "method")	      /* neither MESSAGE nor OPTIONS */                            \
	X(NOT_COMPACT, "not_compact") /* a header in long form that has a compact one */           \
	X(NO_MAX_FORWARDS, "no_max_forwards")                                                      \
	X(CONTACT, "contact")		    /* Contact in a MESSAGE: RFC 3428 */                   \
	X(CONTENT_LENGTH, "content_length") /* missing, or not the octets that follow */           \
	X(SIZE, "size")			    /* more than 1300 octets: RFC 3428 §8 */              \
	X(MULTIPART, "multipart")                                                                  \
	X(PARTS, "parts") /* a part is missing or there twice */                                   \
	X(MCDATA_INFO, "mcdata_info")                                                              \
	X(REQUEST_TYPE, "request_type")	    /* not one-to-one-sds */                               \
	X(RESOURCE_LISTS, "resource_lists") /* where the profile has none */                       \
	X(TARGET, "target")		    /* not exactly one, or not where the profile has it */ \
	X(REQUEST_URI, "request_uri")	    /* not whom the profile addresses */                   \
	X(IDENTITY, "identity")		    /* the caller is not known, or not asserted */         \
	X(SERVICE, "service")		    /* SDS was not asked for */                            \
	X(UNKNOWN_UE, "unknown_ue")                                                                \
	X(NEXT_HOP, "next_hop")		/* another server serves this UE */                        \
	X(CALLING_USER, "calling_user") /* not the KMF */                                          \
	X(SIGNALLING, "signalling")                                                                \
	X(DISPOSITION_REQUEST, "disposition_request") /* DELIVERY was not asked for */             \
	X(ISD, "isd") /* Interworking Security Data: not the layout's, or not for P25 */           \
	X(PAYLOAD, "payload")                                                                      \
	X(PREAMBLE, "preamble")                                                                    \
	X(KMM, "kmm")                                                                              \
	X(KMM_NOT_FOR_UE, "kmm_not_for_ue") /* destination RSI is another's */                     \
	X(KMM_SOURCE, "kmm_source")	    /* source RSI is not the KMF's */

enum fk_sim_count {
#define X(name, label) FK_SIM_##name,
	FK_SIM_COUNT_MAP(X)
#undef X
	FK_SIM_COUNTS
};

enum fk_sim_malformed {
	FK_SIM_WELL_FORMED = 0,
#define X(name, label) FK_SIM_MALFORMED_##name,
	FK_SIM_MALFORMED_MAP(X)
#undef X
	FK_SIM_MALFORMED_REASONS
};

struct fk_sim_counts {
	uint64_t count[FK_SIM_COUNTS];
	uint64_t malformed[FK_SIM_MALFORMED_REASONS]; /* [0] stays 0 */
};

static inline const char *fk_sim_count_name(enum fk_sim_count count)
{
	static const char *const names[] = {
#define X(name, label) label,
		FK_SIM_COUNT_MAP(X)
#undef X
	};

	return names[count];
}

static inline const char *fk_sim_malformed_name(enum fk_sim_malformed reason)
{
	static const char *const names[] = {"well_formed",
#define X(name, label) label,
					    FK_SIM_MALFORMED_MAP(X)
#undef X
	};

	return names[reason];
}
