// What Swift sees of the library: its header, and what the importer cannot read (macros, variadics) declared anew.
#pragma once
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

/// An HMAC-SHA-256 context keyed once; NULL when the library refuses. `EVP_MAC_init` with a NULL key starts it anew.
static inline EVP_MAC_CTX *clientele_hmac_new(const unsigned char *key, size_t length) {
  EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  if (mac == NULL) return NULL;
  EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  if (context == NULL) return NULL;
  char name[] = "SHA256";
  OSSL_PARAM parameters[2] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end() };
  if (EVP_MAC_init(context, key, length, parameters) != 1) { EVP_MAC_CTX_free(context); return NULL; }
  return context;
}

/// The public half of an RSA key from its big-endian numbers; NULL when the library refuses them.
static inline EVP_PKEY *clientele_rsa_public(const unsigned char *n, size_t n_length, const unsigned char *e, size_t e_length) {
  EVP_PKEY *key = NULL;
  BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL), *exponent = BN_bin2bn(e, (int)e_length, NULL);
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM *parameters = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
  if (modulus != NULL && exponent != NULL && builder != NULL && context != NULL
      && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1
      && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1
      && (parameters = OSSL_PARAM_BLD_to_param(builder)) != NULL && EVP_PKEY_fromdata_init(context) == 1) {
    if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) key = NULL;
  }
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  BN_free(modulus);
  BN_free(exponent);
  if (key == NULL) ERR_clear_error();
  return key;
}

/// The public half of a key on P-256 from an uncompressed point of 65 bytes; NULL when the point is not on the curve.
static inline EVP_PKEY *clientele_p256_public(const unsigned char *point) {
  EVP_PKEY *key = NULL;
  char group[] = "prime256v1";
  OSSL_PARAM parameters[3] = {
    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, 65), OSSL_PARAM_construct_end() };
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (context != NULL && EVP_PKEY_fromdata_init(context) == 1) {
    if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) key = NULL;
  }
  EVP_PKEY_CTX_free(context);
  if (key == NULL) ERR_clear_error();
  return key;
}

/// The public half of an Ed25519 key from its 32 bytes; NULL when the library refuses it.
static inline EVP_PKEY *clientele_ed25519_public(const unsigned char *bytes) {
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, 32);
  if (key == NULL) ERR_clear_error();
  return key;
}

/// An ES256 signature, 32 bytes of r and 32 of s, as the DER that the library takes; NULL when there is no memory. Free with `OPENSSL_free`.
static inline unsigned char *clientele_ecdsa_der(const unsigned char *raw, int *length) {
  unsigned char *der = NULL;
  ECDSA_SIG *signature = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(raw, 32, NULL), *s = BN_bin2bn(raw + 32, 32, NULL);
  if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
    *length = i2d_ECDSA_SIG(signature, &der);
    if (*length <= 0) der = NULL;
  } else {
    BN_free(r);
    BN_free(s);
  }
  ECDSA_SIG_free(signature);
  return der;
}

/// Whether a signature is right: 1 yes, anything else no. `hashes`: with SHA-256 first, as all but Ed25519 do; `pss`: with RSASSA-PSS padding
/// and a salt as long as the hash.
static inline int clientele_verify(
  EVP_PKEY *key, int hashes, int pss, const unsigned char *signature, size_t signature_length, const unsigned char *bytes, size_t length) {
  int right = 0;
  EVP_PKEY_CTX *details = NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context != NULL && EVP_DigestVerifyInit(context, &details, hashes ? EVP_sha256() : NULL, NULL, key) == 1
      && (!pss || (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1
                   && EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1))) {
    right = EVP_DigestVerify(context, signature, signature_length, bytes, length);
  }
  EVP_MD_CTX_free(context);
  if (right != 1) ERR_clear_error();
  return right == 1 ? 1 : 0;
}

/// Seals by AES-256-GCM: `output` gets as many bytes as `input` has, `tag` 16. 1 where it was done. `decrypts`: opens instead, and is 1 only when the tag is right.
static inline int clientele_gcm(
  int decrypts, const unsigned char *key, const unsigned char *nonce, const unsigned char *with, int with_length, const unsigned char *input, int length,
  unsigned char *output, unsigned char *tag) {
  int written = 0, rest = 0, done = 0;
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context != NULL && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, !decrypts) == 1
      && EVP_CipherUpdate(context, NULL, &written, with, with_length) == 1 && EVP_CipherUpdate(context, output, &written, input, length) == 1
      && (!decrypts || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1)
      && EVP_CipherFinal_ex(context, output + written, &rest) == 1
      && (decrypts || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1)) done = 1;
  EVP_CIPHER_CTX_free(context);
  if (!done) ERR_clear_error();
  return done;
}

static inline void clientele_free(void *bytes) { OPENSSL_free(bytes); }
