/// Forms: SQL texts with {placeholders} that are filled in before sending.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace embedd::pg {

/// The text for each placeholder.
using Words = std::map<std::string, std::string, std::less<>>;

/// `form` with each {name} replaced by word(name). Placeholders within a word are not replaced.
std::string fill(std::string_view form, const std::function<std::string(std::string_view)>& word);
/// `words` must contain every placeholder.
std::string fill(std::string_view form, const Words& words);

/// `sql` without its lines that hold only a comment, and without white space at its ends.
std::string without_comments(std::string_view sql);

}  // namespace embedd::pg
