// libphonenumber behind C: no exception, no log line and no C++ type leaves this file.
#include "CPhoneNumber.h"

#include <cstring>
#include <set>
#include <string>

#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

/// Log lines would hold the numbers.
class Silence final : public i18n::phonenumbers::Logger {
 public:
  void WriteMessage(const std::string &) override {}
};

/// The library's one object; made on first use, which takes milliseconds and megabytes.
PhoneNumberUtil &library() {
  static PhoneNumberUtil *const one = [] {
    PhoneNumberUtil *const util = PhoneNumberUtil::GetInstance();
    Silence *const silence = new Silence;
    silence->set_level(0);
    util->SetLogger(silence);
    return util;
  }();
  return *one;
}

}  // namespace

extern "C" int clientele_phone_e164(const char *text, size_t textBytes, const char *region, char *e164, size_t *written) {
  try {
    PhoneNumberUtil &util = library();
    PhoneNumber number;
    if (util.Parse(std::string(text, textBytes), region, &number) != PhoneNumberUtil::NO_PARSING_ERROR) return CLIENTELE_PHONE_INVALID;
    if (number.has_extension() || !util.IsValidNumber(number)) return CLIENTELE_PHONE_INVALID;
    std::string formatted;
    util.Format(number, PhoneNumberUtil::E164, &formatted);
    if (formatted.empty() || formatted.size() > CLIENTELE_PHONE_BYTES_MAX) return CLIENTELE_PHONE_INVALID;
    std::memcpy(e164, formatted.data(), formatted.size());
    *written = formatted.size();
    return CLIENTELE_PHONE_VALID;
  } catch (...) {
    return CLIENTELE_PHONE_FAILED;
  }
}

extern "C" int clientele_phone_knows(const char *region) {
  try {
    std::set<std::string> regions;
    library().GetSupportedRegions(&regions);
    return regions.count(region) > 0 ? 1 : 0;
  } catch (...) {
    return 0;
  }
}
