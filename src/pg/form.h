/// Forms: SQL with {placeholders} that is filled in before it is sent.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace embedd::pg {

/// Placeholders and what stands for them.
using Words = std::map<std::string, std::string, std::less<>>;

/// `form` with word(name) in place of each {name}, once: what a word holds is not looked at again.
std::string fill(std::string_view form, const std::function<std::string(std::string_view)>& word);
/// Every placeholder must be among `words`.
std::string fill(std::string_view form, const Words& words);

/// `sql` without its lines that hold only a comment, and without white space at its ends.
std::string without_comments(std::string_view sql);

}  // namespace embedd::pg
