/// Forms: SQL texts with {placeholders} that are filled in before sending.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/embedded_file.h"

namespace embedd::pg {

/// The text for each placeholder.
using Words = std::map<std::string, std::string, std::less<>>;

/// `form` with each {name} replaced by word(name). Placeholders within a word are not replaced.
std::string fill(std::string_view form, const std::function<std::string(std::string_view)>& word);
/// `words` must contain every placeholder.
std::string fill(std::string_view form, const Words& words);

/// The same for a statement that makes a function: the body stands between two $body$, or, if a word contains
/// $body$, between two longer ones.
std::string fill_function(std::string_view form, const Words& words);

/// The .sql files of a folder, as forms: without lines that have only a comment, and with {>other} replaced
/// by the form other.sql, each line of which is indented like the line that names it.
class Forms {
 public:
  explicit Forms(std::span<const embedded::File> files);

  /// The form `name`.sql. `parts`: the file to use for each name that has no file of its own.
  [[nodiscard]] std::string form(std::string_view name, const Words& parts = {}) const;

 private:
  Words files_;
};

}  // namespace embedd::pg
