/* SPDX-License-Identifier: Apache-2.0
 * Kernel interfaces, and the constants that Debian 12's 6.1 headers lack, each with the kernel that brought it. */
#ifndef PNETD_KERNEL_H
#define PNETD_KERNEL_H

#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/genetlink.h>
#include <linux/icmp.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/ip.h>
#include <linux/lwtunnel.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <linux/sock_diag.h>
#include <linux/udp.h>
#include <linux/wireguard.h>
#include <linux/xfrm.h>
#include <stddef.h>

/* Where the kernel's struct tcp_info (linux/tcp.h) has what, in octets. Its end, since Linux 4.2, is no part of glibc's. */
struct pn_tcp_info_offsets {
    size_t retransmits, unacked, total_retrans, bytes_acked, segs_in;
};
struct pn_tcp_info_offsets pn_tcp_info_offsets(void);

/* Linux 6.3: a file in memory that can never be run. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8U
#endif

/* Linux 6.9: the table outlives the socket of its owner. */
#ifndef NFT_TABLE_F_PERSIST
#define NFT_TABLE_F_PERSIST 0x4
#endif

#endif
