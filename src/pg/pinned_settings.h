/// The settings that texts and keys are made under, in every session and trigger.
#pragma once

#include <span>
#include <string_view>

namespace embedd::pg {

/// A setting that changes how a value looks as text, and what it is wherever embedd makes texts or keys.
struct PinnedSetting {
  std::string_view name, value;
};
std::span<const PinnedSetting> pinned_settings();

}  // namespace embedd::pg
