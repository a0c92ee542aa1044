/// A file that was compiled into the binary.
#pragma once

#include <string_view>

namespace embedd::embedded {

struct File {
  std::string_view name;  ///< without its folder
  std::string_view content;
};

}  // namespace embedd::embedded
