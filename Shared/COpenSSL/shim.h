// What Swift sees of the library: its header, and what the importer cannot read (macros, variadics) declared anew.
#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

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
