#include "provider/openai_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "provider/classify.h"

namespace embedd::provider {

namespace {

constexpr std::size_t kMinAnswerCap = 4 * kMiB;
constexpr std::size_t kMaxAnswerCap = 256 * kMiB;
/// A token has at least one byte of text. A server adds fewer tokens than this to each input, such as marks
/// of its beginning and end, or the model's own prompt.
constexpr std::size_t kAddedTokens = 64;

/// The most bytes of a true answer: numbers of at most 40 characters with their white space.
std::size_t answer_cap(std::size_t inputs, std::size_t dimensions) {
  return std::clamp(64 * kKiB + inputs * (512 + 40 * dimensions), kMinAnswerCap, kMaxAnswerCap);
}

/// The words of a header's value. A header of any name may contain a key.
std::vector<std::string_view> words_of(std::string_view header) {
  constexpr std::string_view kBetween = " \t,;";
  std::vector<std::string_view> words;
  std::size_t begin = header.find_first_not_of(kBetween, header.find(':') + 1);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(header.find_first_of(kBetween, begin), header.size());
    words.push_back(header.substr(begin, end - begin));
    begin = header.find_first_not_of(kBetween, end);
  }
  return words;
}

}  // namespace

OpenAiEmbedder::OpenAiEmbedder(Loop& loop, EndpointConfig config)
    : loop_(loop), config_(std::move(config)), key_file_(config_.api_key_file) {
  CHECK(config_.dialect != Dialect::local, "endpoint {} is local", config_.name);
  const std::vector<std::string> shown{config_.name, std::string(host_of(config_.base_url)),
                                       config_.organization, config_.project};
  hidden_.emplace_back(config_.api_key, shown);
  for (const std::string& header : config_.headers)
    for (const std::string_view word : words_of(header))
      hidden_.emplace_back(Secret(std::string(word)), shown);
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
                     .send_dimensions = request.send_dimensions,
                     .most_tokens = most_tokens(request),
                     .started = std::chrono::steady_clock::now()};
  if (idle_.empty()) {
    in_flight.post = std::make_unique<Post>(loop_, config_);
  } else {
    in_flight.post = std::move(idle_.back());
    idle_.pop_back();
  }
  InFlight& sent = in_flight_.emplace(request.id, std::move(in_flight)).first->second;
  std::string body = body_of(request);
  sent.options_at = body.size();
  send(request.id, sent, std::move(body));
}

void OpenAiEmbedder::send(std::uint64_t id, InFlight& in_flight, std::string body) {
  if (const auto form = forms_.find(in_flight.model); form != forms_.end()) in_flight.form = form->second;
  body.resize(in_flight.options_at);
  if (in_flight.form.encoding_format && !config_.encoding_format.empty()) {
    body += R"(,"encoding_format":)";
    append_json_string(body, config_.encoding_format);
  }
  if (in_flight.form.dimensions && in_flight.send_dimensions)
    body += fmt::format(R"(,"dimensions":{})", in_flight.dimensions);
  body.push_back('}');
  in_flight.post->start(embeddings_url(config_, in_flight.model), headers(), std::move(body),
                        answer_cap(in_flight.inputs, in_flight.dimensions),
                        [this, id](Post&) { finished(id); });
}

std::vector<Reply> OpenAiEmbedder::take_replies() { return std::exchange(replies_, {}); }

void OpenAiEmbedder::give_up(std::uint64_t id) {
  if (auto node = in_flight_.extract(id); !node.empty()) node.mapped().post->cancel();
}

void OpenAiEmbedder::cancel_all() {
  for (auto& [id, in_flight] : std::exchange(in_flight_, {})) {
    in_flight.post->cancel();
    reply_at_once(id, ErrorKind::canceled, "canceled");
    replies_.back().answer.error().billed = true;
  }
}

KeyState OpenAiEmbedder::key_state(const std::string& endpoint) {
  if (!config_.api_key_file.empty()) key_file_.refresh();
  return key().empty() && config_.key_required ? KeyState::missing : KeyState::present;
}

std::uint64_t OpenAiEmbedder::key_version(const std::string& endpoint) const { return key_file_.version(); }

/// The prefix is sent with every text, and has at most as many tokens as bytes.
EndpointLimits OpenAiEmbedder::limits(const std::string& endpoint) const {
  EndpointLimits limits = config_.limits;
  limits.timeout = config_.timeout;
  const std::size_t prefix = std::min<std::size_t>(config_.document_prefix.size(), limits.max_input_tokens);
  limits.max_input_tokens = std::max(1U, limits.max_input_tokens - static_cast<std::uint32_t>(prefix));
  return limits;
}

LeftOut OpenAiEmbedder::left_out(const std::string& endpoint, const std::string& model) const {
  const auto form = forms_.find(model);
  if (form == forms_.end()) return {};
  return {.encoding_format = !form->second.encoding_format, .dimensions = !form->second.dimensions};
}

void OpenAiEmbedder::leave_out(const std::string& endpoint, const std::string& model, LeftOut which) {
  if (which == left_out(endpoint, model)) return;
  Form& form = forms_[model];
  form = {.encoding_format = !which.encoding_format, .dimensions = !which.dimensions};
  if (which.dimensions) form.refusal = "as it was found before";
}

const Secret& OpenAiEmbedder::key() const {
  return config_.api_key_file.empty() ? config_.api_key : key_file_.key();
}

std::shared_ptr<const HeaderList> OpenAiEmbedder::headers() {
  if (headers_ && headers_version_ == key_file_.version()) return headers_;
  auto list = std::make_shared<HeaderList>();
  list->add("Content-Type: application/json");
  list->add("Accept: application/json");
  list->add("Expect:");  // otherwise libcurl waits up to a second for 100 Continue before a large body
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

std::uint64_t OpenAiEmbedder::most_tokens(const EmbedRequest& request) const {
  std::uint64_t tokens = request.inputs.size() * (config_.document_prefix.size() + kAddedTokens);
  for (const std::string_view input : request.inputs) tokens += input.size();
  return tokens;
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
  return body;
}

void OpenAiEmbedder::finished(std::uint64_t id) {
  auto node = in_flight_.extract(id);
  CHECK(!node.empty(), "a transfer without a request: {}", id);
  InFlight& in_flight = node.mapped();
  Result<EmbedAnswer> answer = answer_of(in_flight);
  if (learns_from(in_flight, answer)) {
    std::string body = in_flight.post->take_body();
    return send(id, in_flight_.insert(std::move(node)).position->second, std::move(body));
  }
  Reply reply{.id = id, .answer = std::move(answer), .limits = rate_limits(in_flight.post->headers())};
  if (!reply.answer) reply.request_id = request_id(in_flight.post->headers());
  reply.took = std::chrono::steady_clock::now() - in_flight.started;
  replies_.push_back(std::move(reply));
  in_flight.post->clear();
  if (idle_.size() < config_.limits.max_in_flight) idle_.push_back(std::move(in_flight.post));
}

Result<EmbedAnswer> OpenAiEmbedder::answer_of(InFlight& in_flight) {
  Post& post = *in_flight.post;
  const auto status = TRY(post.status());
  if (status != 200)
    return std::unexpected(classify(status, post.headers(), post.answer(), std::time(nullptr)));
  const std::size_t body_bytes = post.answer().size();
  auto answer = parser_.parse(post.answer(), post.headers(),
                              {.inputs = in_flight.inputs,
                               .dimensions = in_flight.dimensions,
                               .model = in_flight.model,
                               .most_tokens = in_flight.most_tokens});
  if (answer) {
    answer->body_bytes = body_bytes;
    return answer;
  }
  Error& error = answer.error();
  error.billed = true;
  if (error.kind == ErrorKind::misconfigured && !in_flight.form.refusal.empty())
    error.message = presentable(
        fmt::format("{}, and the endpoint refuses the parameter dimensions: declare a vectorizer with the "
                    "--dimensions that the model has, or with another --model ({})",
                    error.message, in_flight.form.refusal));
  return answer;
}

bool OpenAiEmbedder::learns_from(InFlight& in_flight, const Result<EmbedAnswer>& answer) {
  const auto status = in_flight.post->status();
  if (answer || !status) return false;
  const bool encoded = in_flight.form.encoding_format && !config_.encoding_format.empty();
  const bool sized = in_flight.form.dimensions && in_flight.send_dimensions;
  auto refused = refused_parameter(*status, in_flight.post->answer());
  // Some servers know numbers only, and do not say so.
  if (*status == 200 && parser_.was_empty()) refused = Parameter::encoding_format;
  if (!refused || !(*refused == Parameter::dimensions ? sized : encoded)) return false;
  Form& form = forms_[in_flight.model];
  if (!(*refused == Parameter::dimensions ? form.dimensions : form.encoding_format))
    return true;  // another answer showed the same
  if (*refused == Parameter::dimensions) {
    form.dimensions = false;
    form.refusal = answer.error().message;
  } else {
    form.encoding_format = false;
  }
  log::info("parameter_left_out", {{"endpoint", config_.name},
                                   {"model", in_flight.model},
                                   {"parameter", name_of(*refused)},
                                   {"message", answer.error().message}});
  return true;
}

void OpenAiEmbedder::reply_at_once(std::uint64_t id, ErrorKind kind, std::string message) {
  replies_.push_back({.id = id, .answer = fail(kind, std::move(message))});
  loop_.wake();
}

}  // namespace embedd::provider
