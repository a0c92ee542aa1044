#include "core/job.h"

namespace embedd {

namespace {
constexpr std::string_view kLongTexts[] = {"truncate", "average", "discard"};
}

std::string_view name_of(LongTexts policy) { return kLongTexts[static_cast<std::size_t>(policy)]; }

std::optional<LongTexts> long_texts_named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kLongTexts); ++i)
    if (kLongTexts[i] == name) return static_cast<LongTexts>(i);
  return std::nullopt;
}

}  // namespace embedd
