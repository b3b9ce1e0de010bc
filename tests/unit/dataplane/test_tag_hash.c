/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tag_hash.h"

/* The vectors of SipHash's authors: key 00 01 .. 0f, of 'n' octets 00 01 .. */
Test(tag_hash, it_is_siphash_2_4)
{
	static const struct {
		size_t size;
		uint64_t hash;
	} vectors[] = {
		{0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
		{7, UINT64_C(0xab0200f58b01d137)},  {8, UINT64_C(0x93f5f5799a932462)},
		{15, UINT64_C(0xa129ca6149be45e5)},
	};
	uint8_t key[16];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
		uint8_t *octets = malloc(vectors[v].size + (vectors[v].size == 0));

		cr_assert_not_null(octets);
		for (size_t i = 0; i < vectors[v].size; i++)
			octets[i] = (uint8_t)i;
		cr_assert_eq(fk_tag_hash(key, octets, vectors[v].size), vectors[v].hash, "%zu",
			     vectors[v].size);
		free(octets);
	}
}

/* Every octet counts, in whole words and behind the last one. */
Test(tag_hash, any_octet_changes_it)
{
	static const uint8_t key[16] = {1};
	uint8_t octets[41] = {0};

	for (size_t size = 1; size <= sizeof(octets); size++) {
		uint64_t before = fk_tag_hash(key, octets, size);

		for (size_t i = 0; i < size; i++) {
			octets[i] ^= 0x80;
			cr_assert_neq(fk_tag_hash(key, octets, size), before, "%zu of %zu", i,
				      size);
			octets[i] ^= 0x80;
		}
	}
}
