/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign/refusal.h"

#include "campaign/scheduler.h"

#define WARNING_USER_UNKNOWN 141 /* the participating function does not know us */

/* One row per status that does not follow its class; the rest is by class below. */
static const struct {
	uint16_t sip_status;
	enum fk_refusal_class class;
} exceptions[] = {
	{401, FK_REFUSAL_HALT},	 /* Unauthorized: credentials that we do not have */
	{407, FK_REFUSAL_HALT},	 /* Proxy Authentication Required */
	{408, FK_REFUSAL_RETRY}, /* Request Timeout */
	{480, FK_REFUSAL_RETRY}, /* Temporarily Unavailable: the UE is offline */
	{486, FK_REFUSAL_RETRY}, /* Busy Here */
	{491, FK_REFUSAL_RETRY}, /* Request Pending */
	{501, FK_REFUSAL_FINAL}, /* Not Implemented: no MESSAGE there */
	{FK_SIP_OVERLOADED, FK_REFUSAL_OVERLOAD},
	{505, FK_REFUSAL_FINAL}, /* Version Not Supported */
	{513, FK_REFUSAL_FINAL}, /* Message Too Large */
};

uint16_t fk_refusal_detail(uint16_t sip_status, uint16_t sip_warning)
{
	return sip_warning == WARNING_USER_UNKNOWN ? sip_warning : sip_status;
}

enum fk_refusal_class fk_refusal_class(uint16_t sip_status, uint16_t sip_warning)
{
	if (sip_warning == WARNING_USER_UNKNOWN)
		return FK_REFUSAL_HALT;
	for (uint32_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		if (exceptions[i].sip_status == sip_status)
			return exceptions[i].class;
	}
	return sip_status >= 500 && sip_status < 600 ? FK_REFUSAL_RETRY : FK_REFUSAL_FINAL;
}

uint64_t fk_retry_delay_ms(uint32_t backoff_ms, uint32_t tries, uint32_t retry_after_s)
{
	uint32_t doublings = tries > 1 ? tries - 1 : 0;
	uint64_t delay_ms = (uint64_t)backoff_ms << (doublings < 20 ? doublings : 20);
	uint64_t said_ms = (uint64_t)retry_after_s * 1000;

	if (delay_ms > FK_RETRY_BACKOFF_MAX_MS)
		delay_ms = FK_RETRY_BACKOFF_MAX_MS;
	return delay_ms < said_ms ? said_ms : delay_ms;
}
