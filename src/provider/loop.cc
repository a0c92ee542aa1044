#include "provider/loop.h"

#include <curl/curl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <stdexcept>

#include "base/check.h"

namespace embedd::provider {

namespace {

/// Idle connections kept for reuse, over all endpoints.
constexpr long kIdleConnections = 128;

/// curl_multi_poll takes milliseconds. Rounded up, so that a wait does not end before its deadline and spin.
int timeout_ms(Instant now, Instant until) {
  if (until <= now) return 0;
  const auto wait = std::chrono::ceil<milliseconds>(until - now);
  return static_cast<int>(std::min<std::int64_t>(wait.count(), 60'000));
}

}  // namespace

Loop::Loop() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) throw std::runtime_error("libcurl failed to initialise");
  std::signal(SIGPIPE, SIG_IGN);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) throw std::runtime_error("no file descriptor left for an eventfd");
  multi_ = curl_multi_init();
  if (multi_ == nullptr) {
    close(wake_fd_);
    throw std::runtime_error("libcurl failed to create a multi handle");
  }
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
}

Loop::~Loop() {
  curl_multi_cleanup(multi_);
  close(wake_fd_);
}

void Loop::add(const Waitable& source) { sources_.push_back(&source); }

void Loop::remove(const Waitable& source) { std::erase(sources_, &source); }

void Loop::start(void* easy, Transfer& transfer) {
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  const CURLMcode code = curl_multi_add_handle(multi_, easy);
  CHECK(code == CURLM_OK, "curl_multi_add_handle: {}", curl_multi_strerror(code));
}

void Loop::abort(void* easy) { curl_multi_remove_handle(multi_, easy); }

void Loop::wait_until(Instant deadline) {
  // Sends what was started since the last wait before the wait begins.
  if (drive()) deadline = Instant::min();
  while (true) {
    interests_.clear();
    for (const Waitable* source : sources_) source->add_interests(interests_);
    std::vector<curl_waitfd> fds(interests_.size() + 1);
    fds[0] = {.fd = wake_fd_, .events = CURL_WAIT_POLLIN, .revents = 0};
    for (std::size_t i = 0; i < interests_.size(); ++i) {
      const Interest& interest = interests_[i];
      const int events = (interest.read ? CURL_WAIT_POLLIN : 0) | (interest.write ? CURL_WAIT_POLLOUT : 0);
      fds[i + 1] = {.fd = interest.fd, .events = static_cast<short>(events), .revents = 0};
    }

    const Instant until = next_wake(deadline);
    const CURLMcode code = curl_multi_poll(multi_, fds.data(), static_cast<unsigned>(fds.size()),
                                           timeout_ms(std::chrono::steady_clock::now(), until), nullptr);
    CHECK(code == CURLM_OK, "curl_multi_poll: {}", curl_multi_strerror(code));

    std::uint64_t wakes = 0;
    if (fds[0].revents != 0 && read(wake_fd_, &wakes, sizeof wakes) < 0) wakes = 0;
    const bool ready = std::ranges::any_of(fds, [](const curl_waitfd& fd) { return fd.revents != 0; });
    const bool finished = drive();
    if (ready || finished || std::chrono::steady_clock::now() >= until) return;
  }
}

void Loop::wake() {
  const int saved_errno = errno;  // this may run in a signal handler
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
  errno = saved_errno;
}

/// Moves bytes as far as possible without blocking; true if a transfer finished.
bool Loop::drive() {
  int running = 0;
  const CURLMcode code = curl_multi_perform(multi_, &running);
  CHECK(code == CURLM_OK, "curl_multi_perform: {}", curl_multi_strerror(code));
  bool finished = false;
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;  // curl_multi_remove_handle frees the message
    const CURLcode result = message->data.result;
    char* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi_, easy);
    reinterpret_cast<Transfer*>(transfer)->finished(result);
    finished = true;
  }
  return finished;
}

Instant Loop::next_wake(Instant deadline) const {
  for (const Waitable* source : sources_)
    if (const auto at = source->wake_at()) deadline = std::min(deadline, *at);
  return deadline;
}

}  // namespace embedd::provider
