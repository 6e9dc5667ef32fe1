/* SPDX-License-Identifier: Apache-2.0
 * The face of libcrypto: a digest and a keyed one, each in one call. No logic. */
#ifndef PNETD_CCRYPTO_H
#define PNETD_CCRYPTO_H

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* Without the host's openssl.cnf, which may name modules to load. Once done it costs next to nothing. */
static inline int pn_crypto_begin(void) {
    return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}
static inline int pn_digest(const char *name, const void *message, size_t length, void *digest, size_t *digest_length) {
    return EVP_Q_digest(NULL, name, NULL, message, length, (unsigned char *)digest, digest_length);
}
static inline int pn_hmac(const char *name, const void *key, size_t key_length, const void *message, size_t length,
                          void *code, size_t room, size_t *code_length) {
    return EVP_Q_mac(NULL, "HMAC", NULL, name, NULL, key, key_length, (const unsigned char *)message, length,
                     (unsigned char *)code, room, code_length) != NULL;
}

#endif
