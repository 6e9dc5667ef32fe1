/* SPDX-License-Identifier: Apache-2.0
 * Counts the allocations of the calling thread, those of the Swift runtime included. */
#ifndef PNETD_CMALLOCCOUNT_H
#define PNETD_CMALLOCCOUNT_H

#include <stdint.h>

/* Allocations by this thread so far; always 0 where a sanitizer owns malloc. */
uint64_t pn_malloc_count(void);

#endif
