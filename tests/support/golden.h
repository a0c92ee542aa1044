/// Golden files: what a text was when somebody last looked at it.
#pragma once

#include <string>
#include <string_view>

namespace embedd::test {

/// Expects that `text` and a line feed are what tests/golden/`file` holds. EMBEDD_UPDATE_GOLDEN=1 writes the
/// file anew.
void expect_golden(std::string_view file, const std::string& text);

}  // namespace embedd::test
