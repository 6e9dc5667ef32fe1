/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
