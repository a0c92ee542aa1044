/// Text, numbers and times as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace embedd {

/// `text` on one line: white space collapsed, control characters removed, cut to `max_characters` with an
/// ellipsis. For any text from a table: it must not move the terminal's cursor.
std::string printable(std::string_view text, std::size_t max_characters = std::string::npos);

std::string human_count(std::int64_t number);  ///< 12,345
std::string human_age(double age_seconds);     ///< 850 ms, 12 s, 5 min, 3 h, 2 d

}  // namespace embedd
