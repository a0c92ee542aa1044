/// Secrets from files: read once, or watched, so that a key can appear or rotate while the worker runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>

#include "base/error.h"
#include "base/redaction.h"
#include "base/secret.h"

namespace embedd::provider {

/// The content of a regular file of at most 64 KiB, without white space around it. Error invalid_argument,
/// with a message for a person, if the file is of another type or size, is empty, or has more than one line.
Result<Secret> read_secret_file(const std::string& path);

/// A key in a file. While the file is missing or broken, the last key that was read stays in use, so that a
/// rotation that is not atomic interrupts nothing.
class KeyFile {
 public:
  explicit KeyFile(std::string path) : path_(std::move(path)) {}

  /// Reads the file again if the file has changed (otherwise one stat).
  void refresh();
  /// Empty until a key was read for the first time.
  [[nodiscard]] const Secret& key() const { return key_; }
  /// Changes whenever key() does.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  /// Two equal stamps mean that the file has not changed.
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
  HiddenSecret hidden_, hidden_before_;  ///< requests with the former key may still be on their way
  std::uint64_t version_ = 0;
};

}  // namespace embedd::provider
