/// The vocabulary file inside the binary, if the build found it (`./dev setup` fetches and verifies it).
#pragma once

#include <string_view>

namespace embedd {

/// The contents of cl100k_base.tiktoken; empty if this binary was built without it.
std::string_view cl100k_embedded();

}  // namespace embedd
