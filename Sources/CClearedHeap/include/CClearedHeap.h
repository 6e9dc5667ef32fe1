/* SPDX-License-Identifier: Apache-2.0
 * Memory that is given back holds nothing any more.
 *
 * A key goes through many short-lived copies on its way from its file to the kernel and back: buffers, base64,
 * hexadecimal, netlink messages, strings, JSON. No type can own all of them, so the heap itself clears: a program that
 * links this target has a free() and a realloc() of its own, which the C library, the Swift runtime and every other
 * library of the process use as well, and which clear a block before it goes back. Nothing needs to be called.
 *
 * What is not on the heap (the stack, a buffer that lives on) has to be cleared where it is. */
#ifndef PNETD_CCLEAREDHEAP_H
#define PNETD_CCLEAREDHEAP_H

#endif
