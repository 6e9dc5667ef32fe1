/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1
/* fd_set in the form that CLinux gives it, see there: a file that imports both does not compile otherwise. */
#include <features.h>
#undef __USE_XOPEN
#include <sys/select.h>
#define __USE_XOPEN 1
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
