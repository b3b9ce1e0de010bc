/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "store/store.h"

/* The check value of CRC-16/XMODEM, which Redis Cluster uses too, is 31C3. */
Test(shard, the_check_value_of_the_crc_is_right)
{
	cr_expect_eq(fk_store_shard_of("123456789", 9), 0x31c3 % FK_STORE_SHARDS);
	cr_expect_eq(fk_store_shard_of("", 0), 0);
	/* CLUSTER KEYSLOT somekey answers 11058, which is the CRC modulo 16384. */
	cr_expect_eq(fk_store_shard_of("somekey", 7), 11058 % FK_STORE_SHARDS);
}

Test(shard, ids_spread_over_all_shards)
{
	uint32_t counts[FK_STORE_SHARDS] = {0};

	for (int i = 0; i < 6400; i++) {
		char id[16];
		int len = snprintf(id, sizeof(id), "ue-%07d", i);
		uint8_t shard = fk_store_shard_of(id, (size_t)len);

		cr_assert_lt(shard, FK_STORE_SHARDS);
		counts[shard]++;
	}
	for (uint32_t i = 0; i < FK_STORE_SHARDS; i++)
		cr_expect(counts[i] > 50 && counts[i] < 200, "shard %u has %u", i, counts[i]);
}

Test(store, a_redis_that_is_not_there_is_named)
{
	const struct fk_store_options options = {.redis_socket = "/nonexistent/redis.sock"};
	struct fk_store *store = NULL;
	struct fk_reason reason = {.text = ""};

	cr_expect_eq(fk_store_open(&options, &store, &reason), FK_EAWAY);
	cr_expect_null(store);
	cr_expect_not_null(strstr(reason.text, "/nonexistent/redis.sock"));
}
