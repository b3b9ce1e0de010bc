/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.h - what a final SIP status other than 2xx means for a delivery, and how long to wait.
 *
 * Threads: everything here is pure.
 */
#pragma once

#include <stdint.h>

enum fk_refusal_class {
	FK_REFUSAL_RETRY, /* may pass: the same KMM again, later */
	FK_REFUSAL_FINAL, /* a repeat would not mend it */
	FK_REFUSAL_HALT,  /* it is not about this UE: the next hop does not let us in */
	/* As RETRY, but it may be about the next hop. */
	FK_REFUSAL_OVERLOAD,
};

#define FK_SIP_OVERLOADED 503 /* Service Unavailable */

/* Class of a final status, 300 to 699, with the code in its Warning, 0 if it has none.
 * spec: RFC 3261 §21; 3GPP sheet 3.7 */
enum fk_refusal_class fk_refusal_class(uint16_t sip_status, uint16_t sip_warning);

/*
 * What a refusal is remembered by as cause_detail of FK_CAUSE_SIP: its status, or the code of a
 * Warning that says more than the status. No code is a status: they are below 300.
 */
uint16_t fk_refusal_detail(uint16_t sip_status, uint16_t sip_warning);

/*
 * Milliseconds to wait after the 'tries'-th send of a KMM failed: 'backoff_ms' doubled for each
 * send after the first, up to FK_RETRY_BACKOFF_MAX_MS, but never less than Retry-After, however
 * long that is: what waits beyond its campaign's expiry ends with it. spec: RFC 3261 §20.33,
 * §21.5.4
 */
uint64_t fk_retry_delay_ms(uint32_t backoff_ms, uint32_t tries, uint32_t retry_after_s);
