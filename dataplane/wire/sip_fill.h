/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sip_fill.h - widths that sip_template.c leaves free and sip_fill.c writes.
 *
 * Private to these two.
 */
#pragma once

#define FK_SIP_CONTENT_LENGTH_DIGITS 4
#define FK_SIP_DATE_TIME_SIZE	     5	/* octets; fk_sip_fill carries 32 of its 40 bits */
#define FK_SIP_IDS_SIZE		     37 /* date and time, Conversation ID, Message ID */
#define FK_SIP_BOUNDARY_DEFAULT	     'k'
