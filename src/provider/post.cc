#include "provider/post.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

#include "base/check.h"
#include "base/loopback.h"
#include "base/version.h"
#include "provider/classify.h"

namespace embedd::provider {

namespace {

/// Most bytes kept of the body of an error.
constexpr std::size_t kMaxErrorBytes = 64 * kKiB;
/// When an answer has begun, the server has computed it. An answer slower than this for kStalledSeconds
/// hangs.
constexpr long kStalledBytesPerSecond = 64;
constexpr long kStalledSeconds = 15;
/// So small that 32 handles cost 2 MiB, so large that a vector takes one call.
constexpr long kReceiveBytes = 64 * 1024;

template <typename Value>
void set(void* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  CHECK(code == CURLE_OK, "curl_easy_setopt {}: {}", static_cast<int>(option), curl_easy_strerror(code));
}

}  // namespace

std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (url.starts_with('[')) return url.substr(1, url.find(']') - 1);
  return url.substr(0, url.find(':'));
}

HeaderList::~HeaderList() {
  auto* const list = static_cast<curl_slist*>(list_);
  for (curl_slist* item = list; item != nullptr; item = item->next)
    explicit_bzero(item->data, std::strlen(item->data));
  curl_slist_free_all(list);
}

void HeaderList::add(const std::string& line) {
  curl_slist* const longer = curl_slist_append(static_cast<curl_slist*>(list_), line.c_str());
  CHECK(longer != nullptr, "out of memory");
  list_ = longer;
}

Post::Post(Loop& loop, const EndpointConfig& config)
    : loop_(loop), easy_(curl_easy_init()), host_(host_of(config.base_url)), detail_(CURL_ERROR_SIZE) {
  CHECK(easy_ != nullptr, "curl_easy_init failed");
  set(easy_, CURLOPT_POST, 1L);
  set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!config.ca_file.empty()) {
    set(easy_, CURLOPT_CAINFO, config.ca_file.c_str());
    set(easy_, CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // trust ca_file alone
  }
  set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // With HTTP/2, wait for the connection that is being made, and share it. Without TLS there is no HTTP/2
  // here, and curl would wait for the first answer to know.
  set(easy_, CURLOPT_PIPEWAIT, config.base_url.starts_with("https:") ? 1L : 0L);
  set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(milliseconds(config.connect_timeout).count()));
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  // Giving up while a name is looked up must not wait for the resolver.
  set(easy_, CURLOPT_QUICK_EXIT, 1L);
  set(easy_, CURLOPT_BUFFERSIZE, kReceiveBytes);
  set(easy_, CURLOPT_USERAGENT, fmt::format("embedd/{}", version()).c_str());
  set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(easy_, CURLOPT_ERRORBUFFER, detail_.data());
  set(easy_, CURLOPT_WRITEFUNCTION, &Post::on_body);
  set(easy_, CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(easy_, CURLOPT_HEADERFUNCTION, &Post::on_header);
  set(easy_, CURLOPT_HEADERDATA, static_cast<void*>(this));
  if (is_loopback(host_) || host_.ends_with(".localhost"))
    set(easy_, CURLOPT_PROXY, "");
  else
    set(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
}

Post::~Post() {
  cancel();
  curl_easy_cleanup(easy_);
}

void Post::start(const std::string& url, std::shared_ptr<const HeaderList> headers, std::string body,
                 std::size_t max_answer_bytes, Done done) {
  CHECK(!running_, "a Post carries one request at a time");
  clear();
  request_headers_ = std::move(headers);
  body_ = std::move(body);
  max_answer_bytes_ = max_answer_bytes;
  done_ = std::move(done);
  headers_.clear();
  detail_[0] = '\0';
  cut_ = Cut::no;
  set(easy_, CURLOPT_URL, url.c_str());
  set(easy_, CURLOPT_HTTPHEADER, request_headers_->get());
  set(easy_, CURLOPT_POSTFIELDS, body_.data());
  set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  set(easy_, CURLOPT_LOW_SPEED_LIMIT, 0L);
  set(easy_, CURLOPT_LOW_SPEED_TIME, 0L);
  running_ = true;
  loop_.start(easy_, *this);
}

void Post::cancel() {
  if (!running_) return;
  running_ = false;
  loop_.abort(easy_);
}

void Post::finished(int curl_code) {
  running_ = false;
  curl_code_ = curl_code;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status_);
  curl_off_t uploaded = 0;
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  uploaded_ = uploaded > 0;
  const Done done = std::move(done_);
  done(*this);
}

Result<int> Post::status() const {
  const bool cut_error = cut_ == Cut::body && status_ / 100 != 2;
  if (curl_code_ == CURLE_OK || cut_error) return static_cast<int>(status_);
  Error error = failure();
  error.billed = uploaded_;
  return std::unexpected(std::move(error));
}

Error Post::failure() const {
  if (cut_ == Cut::body)
    return {ErrorKind::unavailable,
            fmt::format("{}: the answer has more than {} bytes, the most that these inputs need; "
                        "does the model have other dimensions?",
                        host_, max_answer_bytes_)};
  if (cut_ == Cut::headers)
    return {ErrorKind::unavailable,
            fmt::format("{}: more than {} bytes of headers", host_, ResponseHeaders::kMaxBytes)};
  return classify_transfer(curl_code_, detail_.data(), host_);
}

void Post::clear() {
  body_ = {};
  answer_ = {};
  request_headers_.reset();
}

std::size_t Post::on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  return static_cast<Post*>(self)->take_body({data, size * count});
}

std::size_t Post::take_body(std::string_view chunk) {
  if (answer_.empty()) {
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status_);
    set(easy_, CURLOPT_LOW_SPEED_LIMIT, kStalledBytesPerSecond);
    set(easy_, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
    curl_off_t length = -1;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    // Also reserve room for the parser's look-ahead, so that the parser need not move the body.
    if (status_ / 100 == 2 && length > 0 && static_cast<std::size_t>(length) <= max_answer_bytes_)
      answer_.reserve(static_cast<std::size_t>(length) + 256);
  }
  const std::size_t most = status_ / 100 == 2 ? max_answer_bytes_ : kMaxErrorBytes;
  if (answer_.size() + chunk.size() > most) {
    answer_.append(chunk.substr(0, most - answer_.size()));
    cut_ = Cut::body;
    return 0;
  }
  answer_.append(chunk);
  return chunk.size();
}

std::size_t Post::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& post = *static_cast<Post*>(self);
  if (post.headers_.add_line({data, size * count})) return size * count;
  post.cut_ = Cut::headers;
  return 0;
}

}  // namespace embedd::provider
