/// Secrets from files: read once, or watched so that a key can appear or rotate while we run.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>

#include "base/error.h"
#include "base/redaction.h"
#include "base/secret.h"

namespace embedd::provider {

/// The content of a regular file of at most 64 KiB, white space around it removed. invalid_argument, with a
/// message that says what is wrong, if it is anything else, empty, or holds more than one line.
Result<Secret> read_secret_file(const std::string& path);

/// A key in a file. What was last read well stays in force while the file is missing or broken, so that a
/// rotation which is not atomic interrupts nothing.
class KeyFile {
 public:
  explicit KeyFile(std::string path) : path_(std::move(path)) {}

  /// Reads the file again if it is another than last time (one stat otherwise).
  void refresh();
  /// Empty until the file was read well for the first time.
  [[nodiscard]] const Secret& key() const { return key_; }
  /// Changes whenever key() does.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  /// What tells one state of the file from another.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  std::string path_;
  Stamp stamp_;
  Secret key_;
  HiddenSecret hidden_, hidden_before_;  ///< requests with the key before may still be on their way
  std::uint64_t version_ = 0;
};

}  // namespace embedd::provider
