/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CRC32C (Castagnoli) and the arithmetic to combine CRCs of parts. Not exported
 * from the shared library; the tools and tests link the static one.
 */
#ifndef NPMU_LIB_CRC32C_H
#define NPMU_LIB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/**
 * npmu_crc32c - CRC32C of bytes
 * @crc: 0 to start, or the CRC of what comes before
 * @buf: bytes
 * @len: how many
 *
 * Return: the CRC; of "123456789" it is 0xe3069283.
 */
uint32_t npmu_crc32c(uint32_t crc, const void *buf, size_t len);

/* The same without the CPU's instruction; for tests. */
uint32_t npmu_crc32c_table(uint32_t crc, const void *buf, size_t len);

/**
 * npmu_crc32c_mul - product of two polynomials modulo Castagnoli's
 * @a: reflected, the highest bit is x^0
 * @b: likewise
 *
 * crc(A B) = mul(crc(A), xpow(length of B)) ^ crc(B).
 *
 * Return: the product, reflected.
 */
uint32_t npmu_crc32c_mul(uint32_t a, uint32_t b);

/* The same without the CPU's instruction; for tests. */
uint32_t npmu_crc32c_mul_table(uint32_t a, uint32_t b);

/* x^(8 * bytes) modulo Castagnoli's polynomial. */
uint32_t npmu_crc32c_xpow(uint64_t bytes);

#endif /* NPMU_LIB_CRC32C_H */
