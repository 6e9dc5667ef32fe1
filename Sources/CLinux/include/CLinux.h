/* SPDX-License-Identifier: Apache-2.0
 * The face of Linux: headers, and inline wrappers for what Swift cannot import (macros, variadics, unions).
 * No logic. _GNU_SOURCE must come first: without it recvmmsg, accept4, setns and in6_pktinfo stay hidden. */
#ifndef PNETD_CLINUX_H
#define PNETD_CLINUX_H

#define _GNU_SOURCE 1
#include <features.h>
/* Swift's own Glibc module is built without _GNU_SOURCE. Where a type would differ between the two, a file that
 * imports both does not compile: fd_set keeps the form it has there, and <sys/resource.h> stays out. */
#undef __USE_XOPEN
#include <sys/select.h>
#define __USE_XOPEN 1

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

static inline int pn_bind(int fd, const void *address, socklen_t length) {
    return bind(fd, (const struct sockaddr *)address, length);
}
static inline int pn_connect(int fd, const void *address, socklen_t length) {
    return connect(fd, (const struct sockaddr *)address, length);
}
static inline int pn_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }
static inline ssize_t pn_sendto(int fd, const void *bytes, size_t count, int flags, const void *address,
                                socklen_t length) {
    return sendto(fd, bytes, count, flags, (const struct sockaddr *)address, length);
}
static inline ssize_t pn_recvfrom(int fd, void *bytes, size_t count, int flags, void *address, socklen_t *length) {
    return recvfrom(fd, bytes, count, flags, (struct sockaddr *)address, length);
}
static inline int pn_getsockname(int fd, void *address, socklen_t *length) {
    return getsockname(fd, (struct sockaddr *)address, length);
}
static inline int pn_getpeername(int fd, void *address, socklen_t *length) {
    return getpeername(fd, (struct sockaddr *)address, length);
}

static inline size_t pn_cmsg_space(size_t length) { return CMSG_SPACE(length); }
static inline size_t pn_cmsg_len(size_t length) { return CMSG_LEN(length); }
static inline struct cmsghdr *pn_cmsg_first(struct msghdr *message) { return CMSG_FIRSTHDR(message); }
static inline struct cmsghdr *pn_cmsg_next(struct msghdr *message, struct cmsghdr *item) {
    return CMSG_NXTHDR(message, item);
}
static inline unsigned char *pn_cmsg_data(struct cmsghdr *item) { return CMSG_DATA(item); }

static inline int pn_wifexited(int status) { return WIFEXITED(status); }
static inline int pn_wexitstatus(int status) { return WEXITSTATUS(status); }
static inline int pn_wtermsig(int status) { return WTERMSIG(status); }

static inline void pn_default_signal(int number) { signal(number, SIG_DFL); }

static inline int pn_errno(void) { return errno; }

static inline bool pn_clock_is_synchronised(void) {
    struct timex clock = {0};
    return adjtimex(&clock) != TIME_ERROR && !(clock.status & STA_UNSYNC);
}

static inline int pn_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return prctl(option, a, b, c, d);
}
static inline int pn_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static inline ssize_t pn_readlink(const char *path, void *target, size_t size) {
    return readlink(path, (char *)target, size);
}
static inline int pn_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }
static inline int pn_close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }
static inline int pn_set_nonblocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static inline int pn_terminal_size(int fd, struct winsize *size) { return ioctl(fd, TIOCGWINSZ, size); }
/* Resource limits by prlimit64 itself, since <sys/resource.h> stays out. The kernel's numbers: 4 core, 7 files. */
static inline int pn_limit_core_dumps(uint64_t octets) {
    const uint64_t limit[2] = {octets, octets};
    return (int)syscall(SYS_prlimit64, 0, 4, limit, NULL);
}
static inline int pn_raise_descriptor_limit(void) {
    uint64_t limit[2];
    if (syscall(SYS_prlimit64, 0, 7, NULL, limit) != 0) return -1;
    limit[0] = limit[1];
    return (int)syscall(SYS_prlimit64, 0, 7, limit, NULL);
}
/* Capability sets as bits, 1 << CAP_X: the kernel has them in two halves. */
static inline int pn_get_capabilities(uint64_t *effective, uint64_t *permitted) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct halves[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, halves) != 0) return -1;
    *effective = halves[0].effective | (uint64_t)halves[1].effective << 32;
    *permitted = halves[0].permitted | (uint64_t)halves[1].permitted << 32;
    return 0;
}
static inline int pn_set_capabilities(uint64_t effective, uint64_t permitted) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct halves[_LINUX_CAPABILITY_U32S_3] = {
        {(uint32_t)effective, (uint32_t)permitted, 0}, {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0}};
    return (int)syscall(SYS_capset, &header, halves);
}

static inline int pn_seccomp(unsigned int operation, unsigned int flags, void *arguments) {
    return (int)syscall(SYS_seccomp, operation, flags, arguments);
}

static inline char **pn_environ(void) { return environ; }

#endif
