#include "text/lower.h"

#include <unicode/ucasemap.h>

#include "base/check.h"

namespace embedd {
namespace {

const UCaseMap* case_map() {
  static const UCaseMap* const map = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UCaseMap* opened = ucasemap_open("", 0, &error);
    CHECK(U_SUCCESS(error), "no case map: {}", u_errorName(error));
    return opened;
  }();
  return map;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text.size() + 16, '\0');
  for (;;) {
    UErrorCode error = U_ZERO_ERROR;
    const std::int32_t size =
        ucasemap_utf8ToLower(case_map(), out.data(), static_cast<std::int32_t>(out.size()), text.data(),
                             static_cast<std::int32_t>(text.size()), &error);
    out.resize(static_cast<std::size_t>(size));
    if (error != U_BUFFER_OVERFLOW_ERROR) return out;
  }
}

}  // namespace embedd
