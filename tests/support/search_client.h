/// A client of `embedd serve`, by libcurl, which keeps its connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/process.h"
#include "support/worker_fixture.h"

namespace embedd::test {

struct SearchReply {
  int status = 0;  ///< 0: nothing came
  std::string body;
  std::map<std::string, std::string> headers;  ///< names in lower case
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class SearchClient {
 public:
  explicit SearchClient(std::uint16_t port, std::string token = "");
  ~SearchClient();
  SearchClient(const SearchClient&) = delete;
  SearchClient& operator=(const SearchClient&) = delete;

  /// From now on over TLS, with servers whose certificate this authority signed.
  void trust(const std::string& authority);

  SearchReply get(const std::string& path, const std::vector<std::string>& headers = {});
  SearchReply post(const std::string& path, const std::string& body,
                   const std::vector<std::string>& headers = {});
  /// Connections opened so far.
  [[nodiscard]] long connections() const { return connections_; }

 private:
  SearchReply perform(const std::string& path, std::vector<std::string> headers);

  void* curl_;
  std::string base_, token_;
  long connections_ = 0;
};

/// The port in the log of a process that listens.
std::uint16_t port_of(const Embedd& process);

/// The values at a JSON pointer of each hit, such as "/key/id", with blanks between them; "null" if it is
/// not there.
std::string each_hit(const std::string& answer, const std::string& pointer);
/// The value at a JSON pointer, as JSON; "" if it is not there.
std::string at(const std::string& json, const std::string& pointer);

}  // namespace embedd::test
