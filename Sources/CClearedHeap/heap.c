/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1
#include "CClearedHeap.h"

#include <malloc.h>
#include <stddef.h>
#include <string.h>

/* A sanitizer brings a heap of its own. */
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && !__has_feature(memory_sanitizer)

/* The C library's own, by the names that it exports them under for such as us. */
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *memory);

/* Weak, so that an instrument of the tests may put its own in their place; over the C library's they are not weaker
 * than others. */
#define OURS __attribute__((weak, visibility("default")))

static void give_back(void *memory, size_t size) {
    explicit_bzero(memory, size);
    __libc_free(memory);
}

OURS void free(void *memory) {
    if (memory != NULL) give_back(memory, malloc_usable_size(memory));
}

/* A block never grows or shrinks by half in place: the C library would hand back a part of it, or the old place,
 * behind our back. reallocarray(3) comes by here too. */
OURS void *realloc(void *memory, size_t size) {
    if (memory == NULL) return __libc_malloc(size);
    size_t room = malloc_usable_size(memory);
    if (size == 0) {
        give_back(memory, room);
        return NULL;
    }
    if (size <= room && size >= room / 2) return memory;
    void *larger = __libc_malloc(size);
    if (larger == NULL) return NULL;
    memcpy(larger, memory, size < room ? size : room);
    give_back(memory, room);
    return larger;
}

#endif
