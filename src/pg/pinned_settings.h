/// The settings under which every session and trigger makes texts and keys.
#pragma once

#include <span>
#include <string_view>

namespace embedd::pg {

/// A setting that changes how a value looks as text, and its value wherever embedd makes texts or keys.
struct PinnedSetting {
  std::string_view name, value;
};
std::span<const PinnedSetting> pinned_settings();

}  // namespace embedd::pg
