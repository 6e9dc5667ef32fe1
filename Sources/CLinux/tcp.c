/* SPDX-License-Identifier: Apache-2.0
 * By itself: glibc has an older structure of the same name, and so has whoever imports Swift's Glibc. */
#include <linux/tcp.h>
#include <stddef.h>

#include "CLinux.h"

struct pn_tcp_info_offsets pn_tcp_info_offsets(void) {
    return (struct pn_tcp_info_offsets){
        .retransmits = offsetof(struct tcp_info, tcpi_retransmits),
        .unacked = offsetof(struct tcp_info, tcpi_unacked),
        .total_retrans = offsetof(struct tcp_info, tcpi_total_retrans),
        .bytes_acked = offsetof(struct tcp_info, tcpi_bytes_acked),
        .segs_in = offsetof(struct tcp_info, tcpi_segs_in),
    };
}
