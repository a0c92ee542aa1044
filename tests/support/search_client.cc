#include "support/search_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace embedd::test {
namespace {

std::size_t append(char* data, std::size_t size, std::size_t n, void* to) {
  static_cast<std::string*>(to)->append(data, size * n);
  return size * n;
}

std::size_t keep_header(char* data, std::size_t size, std::size_t n, void* to) {
  std::string line(data, size * n);
  if (const std::size_t colon = line.find(':'); colon != std::string::npos) {
    std::string name = line.substr(0, colon), value = line.substr(colon + 1);
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    value.erase(0, value.find_first_not_of(' '));
    value.erase(value.find_last_not_of("\r\n ") + 1);
    (*static_cast<std::map<std::string, std::string>*>(to))[name] = value;
  }
  return size * n;
}

}  // namespace

SearchClient::SearchClient(std::uint16_t port, std::string token)
    : curl_(curl_easy_init()), base_(fmt::format("http://127.0.0.1:{}", port)), token_(std::move(token)) {}

SearchClient::~SearchClient() { curl_easy_cleanup(curl_); }

void SearchClient::trust(const std::string& authority) {
  base_.replace(0, base_.find(':'), "https");
  curl_easy_setopt(curl_, CURLOPT_CAINFO, authority.c_str());
}

SearchReply SearchClient::get(const std::string& path, const std::vector<std::string>& headers) {
  curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
  return perform(path, headers);
}

SearchReply SearchClient::post(const std::string& path, const std::string& body,
                               const std::vector<std::string>& headers) {
  curl_easy_setopt(curl_, CURLOPT_POST, 1L);
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(curl_, CURLOPT_COPYPOSTFIELDS, body.c_str());
  std::vector<std::string> all = headers;
  if (std::ranges::none_of(all, [](const std::string& line) { return line.starts_with("Content-Type"); }))
    all.emplace_back("Content-Type: application/json");
  return perform(path, std::move(all));
}

SearchReply SearchClient::perform(const std::string& path, std::vector<std::string> headers) {
  SearchReply reply;
  if (!token_.empty()) headers.push_back("Authorization: Bearer " + token_);
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  const std::string url = base_ + path;
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &reply.body);
  curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, keep_header);
  curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &reply.headers);
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  if (curl_easy_perform(curl_) == CURLE_OK) {
    long status = 0, connects = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl_, CURLINFO_NUM_CONNECTS, &connects);
    reply.status = static_cast<int>(status);
    connections_ += connects;
  }
  curl_slist_free_all(list);
  return reply;
}

std::uint16_t port_of(const Embedd& process) {
  static const std::string kPort = "\"port\":";
  if (!process.wait_for_log(kPort)) return 0;
  const std::string log = process.log();
  return static_cast<std::uint16_t>(std::atoi(log.c_str() + log.find(kPort) + kPort.size()));
}

std::string each_hit(const std::string& answer, const std::string& pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::array hits;
  if (parser.parse(answer).at_pointer("/hits").get(hits)) return "no hits in " + answer;
  std::string out;
  for (const simdjson::dom::element hit : hits) {
    simdjson::dom::element value;
    if (!out.empty()) out += ' ';
    out += hit.at_pointer(pointer).get(value) ? "null" : simdjson::minify(value);
  }
  return out;
}

std::string at(const std::string& json, const std::string& pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element value;
  if (parser.parse(json).at_pointer(pointer).get(value)) return "";
  return simdjson::minify(value);
}

}  // namespace embedd::test
