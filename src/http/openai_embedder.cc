#include "http/openai_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "base/json.h"
#include "http/classify.h"

namespace embedd {

namespace {

constexpr std::size_t kMinAnswerCap = 4 * kMiB;
constexpr std::size_t kMaxAnswerCap = 256 * kMiB;

/// The most that a true answer can be: numbers of at most 40 characters with their white space.
std::size_t answer_cap(std::size_t inputs, std::size_t dimensions) {
  return std::clamp(64 * kKiB + inputs * (512 + 40 * dimensions), kMinAnswerCap, kMaxAnswerCap);
}

}  // namespace

OpenAiEmbedder::OpenAiEmbedder(Loop& loop, EndpointConfig config)
    : loop_(loop), config_(std::move(config)), key_file_(config_.api_key_file) {
  CHECK(config_.dialect != Dialect::local, "endpoint {} is local", config_.name);
}

OpenAiEmbedder::~OpenAiEmbedder() = default;

void OpenAiEmbedder::start(const EmbedRequest& request) {
  CHECK(!request.inputs.empty() && request.dimensions > 0, "request {} has {} inputs, {} dimensions",
        request.id, request.inputs.size(), request.dimensions);
  CHECK(!in_flight_.contains(request.id), "request {} started twice", request.id);
  if (key_state(config_.name) == KeyState::missing)
    return reply_at_once(request.id, ErrorKind::unauthenticated,
                         fmt::format("endpoint \"{}\" has no API key", config_.name));

  InFlight in_flight{.inputs = request.inputs.size(),
                     .dimensions = static_cast<std::uint32_t>(request.dimensions),
                     .model = request.model,
                     .started = std::chrono::steady_clock::now()};
  if (idle_.empty()) {
    in_flight.post = std::make_unique<Post>(loop_, config_);
  } else {
    in_flight.post = std::move(idle_.back());
    idle_.pop_back();
  }
  Post& post = *in_flight.post;
  in_flight_.emplace(request.id, std::move(in_flight));
  post.start(embeddings_url(config_, request.model), headers(), body_of(request),
             answer_cap(request.inputs.size(), static_cast<std::size_t>(request.dimensions)),
             [this, id = request.id](Post&) { finished(id); });
}

std::vector<Reply> OpenAiEmbedder::take_replies() { return std::exchange(replies_, {}); }

void OpenAiEmbedder::give_up(std::uint64_t id) {
  if (auto node = in_flight_.extract(id); !node.empty()) node.mapped().post->cancel();
}

void OpenAiEmbedder::cancel_all() {
  for (auto& [id, in_flight] : std::exchange(in_flight_, {})) {
    in_flight.post->cancel();
    reply_at_once(id, ErrorKind::canceled, "canceled");
  }
}

KeyState OpenAiEmbedder::key_state(const std::string& endpoint) {
  if (!config_.api_key_file.empty()) key_file_.refresh();
  return key().empty() && config_.key_required ? KeyState::missing : KeyState::present;
}

std::uint64_t OpenAiEmbedder::key_version(const std::string& endpoint) const { return key_file_.version(); }

/// The prefix travels with every text, and has at most as many tokens as bytes.
EndpointLimits OpenAiEmbedder::limits(const std::string& endpoint) const {
  EndpointLimits limits = config_.limits;
  limits.timeout = config_.timeout;
  const std::size_t prefix = std::min<std::size_t>(config_.document_prefix.size(), limits.max_input_tokens);
  limits.max_input_tokens = std::max(1U, limits.max_input_tokens - static_cast<std::uint32_t>(prefix));
  return limits;
}

const Secret& OpenAiEmbedder::key() const {
  return config_.api_key_file.empty() ? config_.api_key : key_file_.key();
}

std::shared_ptr<const HeaderList> OpenAiEmbedder::headers() {
  if (headers_ && headers_version_ == key_file_.version()) return headers_;
  auto list = std::make_shared<HeaderList>();
  list->add("Content-Type: application/json");
  list->add("Accept: application/json");
  list->add("Expect:");  // libcurl would wait up to a second for 100 Continue before a large body
  if (!key().empty())
    list->add(fmt::format("{}{}", config_.dialect == Dialect::azure ? "api-key: " : "Authorization: Bearer ",
                          key().reveal()));
  if (config_.dialect == Dialect::openai) {
    if (!config_.organization.empty()) list->add("OpenAI-Organization: " + config_.organization);
    if (!config_.project.empty()) list->add("OpenAI-Project: " + config_.project);
  }
  for (const std::string& header : config_.headers) list->add(header);
  headers_ = std::move(list);
  headers_version_ = key_file_.version();
  return headers_;
}

std::string OpenAiEmbedder::body_of(const EmbedRequest& request) const {
  std::size_t bytes = 256;
  for (const std::string_view input : request.inputs)
    bytes += input.size() * 17 / 16 + config_.document_prefix.size() + 8;
  std::string body;
  body.reserve(bytes);
  body += R"({"model":)";
  append_json_string(body, request.model);
  body += R"(,"input":[)";
  std::string prefixed;
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    if (i > 0) body.push_back(',');
    if (config_.document_prefix.empty()) {
      append_json_string(body, request.inputs[i]);
    } else {
      prefixed.assign(config_.document_prefix).append(request.inputs[i]);
      append_json_string(body, prefixed);
    }
  }
  body.push_back(']');
  if (!config_.encoding_format.empty()) {
    body += R"(,"encoding_format":)";
    append_json_string(body, config_.encoding_format);
  }
  if (request.send_dimensions) body += fmt::format(R"(,"dimensions":{})", request.dimensions);
  body.push_back('}');
  return body;
}

void OpenAiEmbedder::finished(std::uint64_t id) {
  auto node = in_flight_.extract(id);
  CHECK(!node.empty(), "a transfer without a request: {}", id);
  InFlight& in_flight = node.mapped();
  Reply reply{.id = id, .answer = answer_of(in_flight), .limits = rate_limits(in_flight.post->headers())};
  if (!reply.answer) {
    reply.answer.error().message = redact(std::move(reply.answer.error().message), key());
    reply.request_id = redact(std::string(request_id(in_flight.post->headers())), key());
  }
  reply.took = std::chrono::steady_clock::now() - in_flight.started;
  replies_.push_back(std::move(reply));
  in_flight.post->clear();
  if (idle_.size() < config_.limits.max_in_flight) idle_.push_back(std::move(in_flight.post));
}

Result<EmbedAnswer> OpenAiEmbedder::answer_of(InFlight& in_flight) {
  Post& post = *in_flight.post;
  const auto status = post.status();
  if (!status) return std::unexpected(status.error());
  if (*status != 200)
    return std::unexpected(classify(*status, post.headers(), post.answer(), std::time(nullptr)));
  const std::size_t body_bytes = post.answer().size();
  auto answer = parser_.parse(
      post.answer(), post.headers(),
      {.inputs = in_flight.inputs, .dimensions = in_flight.dimensions, .model = in_flight.model});
  if (answer) answer->body_bytes = body_bytes;
  return answer;
}

void OpenAiEmbedder::reply_at_once(std::uint64_t id, ErrorKind kind, std::string message) {
  replies_.push_back({.id = id, .answer = fail(kind, std::move(message))});
  loop_.wake();
}

}  // namespace embedd
