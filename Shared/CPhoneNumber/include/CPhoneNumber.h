// The one question the suite asks of libphonenumber, in C.
#ifndef CLIENTELE_CPHONENUMBER_H
#define CLIENTELE_CPHONENUMBER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The longest number in E.164 with its plus sign, in bytes.
#define CLIENTELE_PHONE_BYTES_MAX 16

enum clientele_phone {
  /// `e164` holds the number.
  CLIENTELE_PHONE_VALID = 0,
  /// No number of any country, or one that is not in use there.
  CLIENTELE_PHONE_INVALID = 1,
  /// The library failed, as for want of memory.
  CLIENTELE_PHONE_FAILED = 2
};

/// Brings a number to E.164. Any thread may ask.
///
/// `region` is the country of numbers without a country code, as "CN". `e164` gets up to CLIENTELE_PHONE_BYTES_MAX bytes, `written` their number.
int clientele_phone_e164(const char *text, size_t textBytes, const char *region, char *e164, size_t *written);

/// Whether the library knows a region.
int clientele_phone_knows(const char *region);

#ifdef __cplusplus
}
#endif

#endif
