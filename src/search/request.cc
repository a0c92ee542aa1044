#include "search/request.h"

// Without simdjson's exceptions a hidden conversion that throws does not compile.
#define SIMDJSON_EXCEPTIONS 0
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "search/filter_reader.h"
#include "search/json_fields.h"

namespace embedd::search {
namespace {

constexpr std::array<std::string_view, 3> kModes = {"vector", "text", "hybrid"};

class RequestReader {
 public:
  Result<Request> read(const Json& body) {
    const Json::Object object = TRY(body.object());
    std::set<std::string_view> seen;
    for (const auto& [name, value] : object) {
      if (!seen.insert(name).second) return value.wrong("is there twice");
      TRY(read_field(name, value));
    }
    return finish(seen.contains("candidates"));
  }

 private:
  Result<void> read_field(std::string_view name, const Json& value) {
    if (name == "query") return keep(request_.query, value.text(kMaxQueryBytes));
    if (name == "vector") return read_vector(value);
    if (name == "similar_to") return read_similar_to(value);
    if (name == "mode") return read_mode(value);
    if (name == "k") return keep(request_.k, value.whole(1, kMaxHits));
    if (name == "offset") return keep(request_.offset, value.whole(0, kMaxOffset));
    if (name == "candidates") return keep(request_.candidates, value.whole(1, kMaxCandidates));
    if (name == "filter") return keep(request_.filter, FilterReader().read(value));
    if (name == "columns") return read_columns(value);
    if (name == "weights") return read_weights(value);
    if (name == "rrf_k") return keep(request_.rrf_k, value.whole(1, kMaxRrfK));
    if (name == "min_similarity") return keep(request_.min_similarity, value.number(-1, 1));
    if (name == "group_by_row") return keep(request_.group_by_row, value.flag());
    if (name == "neighbours") return keep(request_.neighbours, value.whole(0, kMaxNeighbours));
    if (name == "highlight") return read_highlight(value);
    if (name == "facets") return read_facets(value);
    if (name == "rerank") return keep(request_.rerank, value.text(kMaxRerankName));
    if (name == "exact") return keep(request_.exact, value.flag());
    if (name == "explain") return keep(request_.explain, value.flag());
    if (name == "deadline_ms") {
      request_.deadline = milliseconds(TRY(value.whole(kMinDeadlineMs, kMaxDeadlineMs)));
      return {};
    }
    return value.wrong(
        "is not known; there are query, vector, similar_to, mode, k, offset, candidates, filter, columns, "
        "weights, rrf_k, min_similarity, group_by_row, neighbours, highlight, facets, rerank, exact, explain "
        "and deadline_ms");
  }

  template <typename To, typename From>
  static Result<void> keep(To& to, Result<From> from) {
    if (!from) return std::unexpected(std::move(from.error()));
    to = *std::move(from);
    return {};
  }

  Result<void> read_vector(const Json& value) {
    const auto items = TRY(value.array(16'000));
    bool any = false;
    for (const Json& item : items) {
      const auto number = static_cast<float>(TRY(item.number(-1e30, 1e30)));
      any = any || number != 0;
      request_.vector.push_back(number);
    }
    if (!any) return value.wrong("must have a number other than 0");
    return {};
  }

  Result<void> read_mode(const Json& value) {
    const std::string name = TRY(value.text(16));
    const auto found = std::ranges::find(kModes, name);
    if (found == kModes.end()) return value.wrong("must be hybrid, vector or text");
    request_.mode = static_cast<Mode>(found - kModes.begin());
    return {};
  }

  Result<void> read_columns(const Json& value) {
    std::vector<std::string> names;
    for (const Json& item : TRY(value.array(kMaxColumns))) names.push_back(TRY(item.text(kMaxValueBytes)));
    request_.columns = std::move(names);
    return {};
  }

  Result<void> read_weights(const Json& value) {
    for (const auto& [name, weight] : TRY(value.object())) {
      if (name != "vector" && name != "text") return weight.wrong("is not known; there are vector and text");
      (name == "vector" ? request_.vector_weight : request_.text_weight) = TRY(weight.number(0, 10));
    }
    return {};
  }

  Result<void> read_similar_to(const Json& value) {
    request_.similar_to = TRY(read_key(value));
    return {};
  }

  Result<void> read_highlight(const Json& value) {
    if (value.type() == simdjson::dom::element_type::BOOL) {
      if (TRY(value.flag())) request_.highlight.emplace();
      return {};
    }
    if (value.type() != simdjson::dom::element_type::OBJECT)
      return value.wrong("must be true, false or an object");
    Highlight& highlight = request_.highlight.emplace();
    for (const auto& [name, part] : TRY(value.object())) {
      if (name == "start")
        highlight.start = TRY(part.text(kMaxMarkerBytes, true));
      else if (name == "end")
        highlight.end = TRY(part.text(kMaxMarkerBytes, true));
      else if (name == "escape")
        highlight.escape = TRY(part.flag());
      else if (name == "fragments")
        highlight.fragments = TRY(part.whole(1, 10));
      else if (name == "words")
        highlight.words = TRY(part.whole(5, 100));
      else
        return part.wrong("is not known; there are start, end, escape, fragments and words");
    }
    return {};
  }

  Result<void> read_facets(const Json& value) {
    for (const auto& [name, most] : TRY(value.object())) {
      if (request_.facets.size() == kMaxFacets)
        return value.wrong(fmt::format("must have at most {} columns", kMaxFacets));
      if (std::ranges::find(request_.facets, name, &Facet::column) != request_.facets.end())
        return most.wrong("is there twice");
      if (name.contains('\0')) return most.wrong("must not hold the character NUL");
      request_.facets.push_back({std::string(name), TRY(most.whole(1, 100))});
    }
    return {};
  }

  Result<Request> finish(bool candidates_given) {
    const auto wrong = [](std::string message) {
      return fail(ErrorKind::invalid_argument, std::move(message));
    };
    const bool blank = request_.query.find_first_not_of(" \t\r\n") == std::string::npos;
    if (!request_.query.empty() && blank) return wrong("query: is blank; write what to search for");
    const bool by_row = request_.similar_to.has_value();
    if (request_.query.empty() && request_.vector.empty() && !by_row)
      return wrong("query: is missing; write what to search for, or give vector or similar_to");
    if (by_row && !request_.vector.empty()) return wrong("similar_to: give it or vector, not both");
    if (by_row && request_.mode == Mode::text) return wrong("similar_to: mode text compares no vectors");
    if (request_.query.empty() && request_.mode && *request_.mode != Mode::vector)
      return wrong(fmt::format("mode: {} needs a query", name_of(*request_.mode)));
    if (request_.query.empty() && request_.highlight)
      return wrong("highlight: marks the query's words, and there is no query");
    if (request_.query.empty() && !request_.rerank.empty())
      return wrong("rerank: compares texts with the query, and there is no query");
    if (request_.query.empty()) request_.mode = Mode::vector;
    if (!candidates_given) request_.candidates = std::max(request_.candidates, 2 * request_.k);
    return std::move(request_);
  }

  Request request_;
};

}  // namespace

std::string_view name_of(Mode mode) { return kModes[static_cast<std::size_t>(mode)]; }

Result<Filter> parse_filter(std::string_view json, std::string field) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root))
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: is not JSON: {}", field, simdjson::error_message(error)));
  return FilterReader().read(Json(root, std::move(field)));
}

Result<Request> parse_request(std::string_view body) {
  simdjson::dom::parser parser;
  return RequestReader().read(TRY(parse_json(parser, body)));
}

}  // namespace embedd::search
