#include "schema/model_uses.h"

#include <fmt/format.h>

#include "pg/quoting.h"
#include "schema/sql_text.h"

namespace embedd::schema {

Result<std::vector<ModelUse>> model_uses(pg::Connection& db,
                                         const std::map<std::string, std::string>& addresses) {
  std::vector<std::string> endpoints, places;
  for (const auto& [endpoint, address] : addresses) {
    endpoints.push_back(endpoint);
    places.push_back(address);
  }
  auto rows = TRY(db.exec(fmt::format(R"(
SELECT v.endpoint, v.model, v.dimensions, v.send_dimensions, array_agg(v.name ORDER BY v.name),
       l.inputs, l.text_tokens, l.counted, l.no_encoding_format, l.no_dimensions
FROM embedd.vectorizers v
LEFT JOIN unnest($1::text[], $2::text[]) AS place (endpoint, address) ON place.endpoint = v.endpoint
{}
GROUP BY v.endpoint, v.model, v.dimensions, v.send_dimensions,
         l.inputs, l.text_tokens, l.counted, l.no_encoding_format, l.no_dimensions
ORDER BY 1, 2, 3, 4)",
                                      kRememberedLimits),
                          {pg::array_literal(endpoints), pg::array_literal(places)}));
  std::vector<ModelUse> uses;
  for (int i = 0; i < rows.size(); ++i) {
    ModelUse& use = uses.emplace_back(ModelUse{.endpoint = rows.text(i, 0),
                                               .model = rows.text(i, 1),
                                               .dimensions = static_cast<int>(rows.integer(i, 2)),
                                               .send_dimensions = rows.flag(i, 3),
                                               .vectorizers = rows.array(i, 4)});
    if (rows.is_null(i, 5)) continue;
    use.remembered =
        LearnedLimits{.inputs = static_cast<std::uint32_t>(rows.integer(i, 5)),
                      .text_tokens = static_cast<std::uint64_t>(rows.integer(i, 6)),
                      .counted = rows.flag(i, 7),
                      .left_out = {.encoding_format = rows.flag(i, 8), .dimensions = rows.flag(i, 9)}};
  }
  return uses;
}

}  // namespace embedd::schema
