/* SPDX-License-Identifier: Apache-2.0
 * The face of libcrypto: what a certificate and a list of revoked ones (RFC 5280) say. No logic. */
#ifndef PNETD_CCRYPTO_CERTIFICATE_H
#define PNETD_CCRYPTO_CERTIFICATE_H

#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* An encrypted certificate is none: nobody is asked for a passphrase. */
static inline int pn_no_passphrase(char *room, int size, int writing, void *context) {
    (void)room, (void)size, (void)writing, (void)context;
    return -1;
}
/* The first one of a PEM; NULL where there is none. The caller frees it. */
static inline X509 *pn_certificate_from_pem(const void *octets, int length) {
    BIO *source = BIO_new_mem_buf(octets, length);
    X509 *certificate = source ? PEM_read_bio_X509(source, NULL, pn_no_passphrase, NULL) : NULL;
    BIO_free(source);
    ERR_clear_error();
    return certificate;
}
/* Of DER, which must have nothing behind it; NULL where it is none. The caller frees it. */
static inline X509 *pn_certificate_from_der(const void *octets, long length) {
    const unsigned char *place = (const unsigned char *)octets;
    X509 *certificate = d2i_X509(NULL, &place, length);
    if (certificate && place != (const unsigned char *)octets + length) {
        X509_free(certificate);
        certificate = NULL;
    }
    ERR_clear_error();
    return certificate;
}
/* The first list of revoked certificates in a PEM; NULL where there is none. The caller frees it. */
static inline X509_CRL *pn_crl_from_pem(const void *octets, int length) {
    BIO *source = BIO_new_mem_buf(octets, length);
    X509_CRL *list = source ? PEM_read_bio_X509_CRL(source, NULL, pn_no_passphrase, NULL) : NULL;
    BIO_free(source);
    ERR_clear_error();
    return list;
}
/* Of DER, which must have nothing behind it; NULL where it is none. The caller frees it. */
static inline X509_CRL *pn_crl_from_der(const void *octets, long length) {
    const unsigned char *place = (const unsigned char *)octets;
    X509_CRL *list = d2i_X509_CRL(NULL, &place, length);
    if (list && place != (const unsigned char *)octets + length) {
        X509_CRL_free(list);
        list = NULL;
    }
    ERR_clear_error();
    return list;
}
/* Whether it names the key that signed it (RFC 5280 section 5.2.1). */
static inline int pn_crl_has_authority_key(const X509_CRL *list) {
    AUTHORITY_KEYID *key = (AUTHORITY_KEYID *)X509_CRL_get_ext_d2i(list, NID_authority_key_identifier, NULL, NULL);
    const int found = key != NULL && key->keyid != NULL;
    AUTHORITY_KEYID_free(key);
    ERR_clear_error();
    return found;
}
static inline int pn_crl_count(X509_CRL *list) {
    return sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list));
}
static inline const ASN1_INTEGER *pn_crl_serial(X509_CRL *list, int index) {
    return X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), index));
}
/* Whether a private key (PEM, without a passphrase) is that of a certificate. */
static inline int pn_key_fits(const X509 *certificate, const void *octets, int length) {
    BIO *source = BIO_new_mem_buf(octets, length);
    EVP_PKEY *key = source ? PEM_read_bio_PrivateKey(source, NULL, pn_no_passphrase, NULL) : NULL;
    const int fits = key != NULL && X509_check_private_key(certificate, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(source);
    ERR_clear_error();
    return fits;
}
/* Writes a name as charon does, "C=CH, O=Plant 7, CN=a": at most room octets and no NUL. Returns how many, or -1. */
static inline int pn_name_text(const X509_NAME *name, void *text, int room) {
    BIO *sink = BIO_new(BIO_s_mem());
    int length = -1;
    if (sink) {
        const unsigned long form = (XN_FLAG_RFC2253 & ~XN_FLAG_DN_REV & ~XN_FLAG_SEP_MASK & ~ASN1_STRFLGS_ESC_MSB) |
                                   XN_FLAG_SEP_CPLUS_SPC;
        if (X509_NAME_print_ex(sink, name, 0, form) >= 0) length = BIO_pending(sink) ? BIO_read(sink, text, room) : 0;
        BIO_free(sink);
    }
    ERR_clear_error();
    return length;
}
/* Seconds since 1970-01-01T00:00:00Z; 0 where it is no time. */
static inline int pn_time_seconds(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    memset(&parts, 0, sizeof parts);
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) {
        ERR_clear_error();
        return 0;
    }
    *seconds = (int64_t)timegm(&parts);
    return 1;
}
/* The names besides the subject (RFC 5280 section 4.2.1.6); NULL where there are none. The caller frees them. */
static inline GENERAL_NAMES *pn_alternative_names(const X509 *certificate) {
    GENERAL_NAMES *names = (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    ERR_clear_error();
    return names;
}
static inline int pn_alternative_name_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}
/* The octets of one that is a DNS name, a mail address, a URI or an IP address; NULL of others. */
static inline const unsigned char *pn_alternative_name(const GENERAL_NAMES *names, int index, int *type, int *length) {
    const ASN1_STRING *value = (const ASN1_STRING *)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), type);
    if (*type != GEN_DNS && *type != GEN_EMAIL && *type != GEN_URI && *type != GEN_IPADD) return NULL;
    *length = ASN1_STRING_length(value);
    return ASN1_STRING_get0_data(value);
}
static inline void pn_alternative_names_free(GENERAL_NAMES *names) {
    GENERAL_NAMES_free(names);
}

#endif
