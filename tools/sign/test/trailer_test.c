/* SPDX-License-Identifier: MIT */
/*
 * The end of a signed file, well-formed and not.
 */
#include <sign/trailer.h>

#include <string.h>

#include <tenon/err.h>
#include <test/test.h>

#define CONTENT   10
#define SIGNATURE 20
#define WHOLE     (CONTENT + SIGNATURE + SIGN_TRAILER_SIZE)

static void file_write(uint8_t file[WHOLE], uint32_t size)
{
	memset(file, 'c', CONTENT);
	memset(file + CONTENT, 's', SIGNATURE);
	sign_trailer_write(file + CONTENT + SIGNATURE, size);
}

static int part(const uint8_t *p, size_t n, struct signed_file *out)
{
	return signed_file_part((struct span){ p, n }, out);
}

TEST(trailer, parts_what_it_has_written)
{
	uint8_t file[WHOLE];
	struct signed_file parts;

	file_write(file, SIGNATURE);
	CHECK_EQ(part(file, WHOLE, &parts), 0);
	CHECK(parts.content.p == file && parts.content.n == CONTENT);
	CHECK(parts.signature.p == file + CONTENT);
	CHECK_EQ(parts.signature.n, SIGNATURE);
}

TEST(trailer, signature_may_be_all_there_is)
{
	uint8_t file[WHOLE];
	struct signed_file parts;

	file_write(file, CONTENT + SIGNATURE);
	CHECK_EQ(part(file, WHOLE, &parts), 0);
	CHECK_EQ(parts.content.n, 0);
}

TEST(trailer, refuses_lengths_that_do_not_fit)
{
	static const uint32_t sizes[] = { 0, CONTENT + SIGNATURE + 1,
		UINT32_MAX, 1u << 31 };
	uint8_t file[WHOLE];
	struct signed_file parts;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		file_write(file, sizes[i]);
		CHECK_EQ(part(file, WHOLE, &parts), -TN_EBADMSG);
	}
}

TEST(trailer, refuses_other_kinds_and_fields_that_are_set)
{
	uint8_t file[WHOLE];
	struct signed_file parts;

	for (size_t i = 0; i < 8; i++) {
		file_write(file, SIGNATURE);
		file[CONTENT + SIGNATURE + i] ^= 1;
		CHECK_EQ(part(file, WHOLE, &parts), -TN_EBADMSG);
	}
}

TEST(trailer, file_that_does_not_end_so_is_not_signed)
{
	uint8_t file[WHOLE];
	struct signed_file parts;

	file_write(file, SIGNATURE);
	for (size_t n = 0; n < WHOLE; n++)
		CHECK_EQ(part(file, n, &parts), -TN_ENODATA);
	for (size_t i = 1; i <= 28; i++) {
		file_write(file, SIGNATURE);
		file[WHOLE - i] ^= 1;
		CHECK_EQ(part(file, WHOLE, &parts), -TN_ENODATA);
	}
}

/* Of the trailer alone, as long as it ends with the text. */
TEST(trailer, refuses_a_description_that_is_cut)
{
	uint8_t file[WHOLE];
	struct signed_file parts;

	file_write(file, SIGNATURE);
	for (size_t n = 28; n <= SIGN_TRAILER_SIZE; n++)
		CHECK_EQ(part(file + WHOLE - n, n, &parts), -TN_EBADMSG);
}
