#include "provider/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/trim.h"
#include "base/units.h"

namespace embedd::provider {

namespace {

constexpr std::size_t kMaxBytes = 64 * kKiB;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<Secret> read_secret_file(const std::string& path) {
  const auto problem = [&](std::string_view what) {
    return fail(ErrorKind::invalid_argument, fmt::format("secret file {}: {}", path, what));
  };
  // O_NONBLOCK: opening a pipe without a writer must not hang.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return problem(std::strerror(errno));
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return problem(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return problem("not a regular file");
  if (status.st_size > static_cast<off_t>(kMaxBytes)) return problem("larger than 64 KiB");

  std::string content(kMaxBytes + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return problem(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  const std::string_view value = trim(std::string_view(content).substr(0, size));
  const bool printable = std::ranges::all_of(value, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
  Secret secret{std::string(value)};
  const bool too_large = size > kMaxBytes;
  explicit_bzero(content.data(), content.size());
  if (too_large) return problem("larger than 64 KiB");
  if (secret.empty()) return problem("empty");
  if (!printable) return problem("holds more than one line, or control characters");
  return secret;
}

void KeyFile::refresh() {
  struct stat status{};
  Stamp stamp;
  if (stat(path_.c_str(), &status) == 0)
    stamp = {status.st_dev, status.st_ino, status.st_size,
             std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
  if (stamp == stamp_) return;
  stamp_ = stamp;
  auto read = read_secret_file(path_);
  if (!read) {
    // Reached once per change of the file, not once per poll.
    log::warn("key_file_unusable", {{"message", read.error().message}, {"previous_key_kept", !key_.empty()}});
    return;
  }
  if (*read == key_) return;
  key_ = std::move(*read);
  hidden_before_ = std::exchange(hidden_, HiddenSecret(key_));
  ++version_;
}

}  // namespace embedd::provider
