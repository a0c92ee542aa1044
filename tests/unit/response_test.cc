#include "provider/response.h"

#include <gtest/gtest.h>

#include "support/print.h"
#include "support/provider_answers.h"

namespace embedd {

namespace {

using test::Fault;
using enum ErrorKind;

constexpr std::uint32_t kDimensions = 100;
const std::vector<std::string> kInputs = {"one", "two", "three", "four"};

Result<EmbedAnswer> parse(std::string body, std::size_t inputs = kInputs.size(),
                          std::uint32_t dimensions = kDimensions) {
  provider::ResponseParser parser;
  return parser.parse(body, {}, {.inputs = inputs, .dimensions = dimensions, .model = "asked"});
}

std::string body_with(Fault fault, bool base64 = true) {
  return test::vectors_body(
      {.model = "served", .inputs = kInputs, .base64 = base64, .dimensions = kDimensions}, fault);
}

void expect_true_vectors(const Result<EmbedAnswer>& answer) {
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->vectors.count(), kInputs.size());
  for (std::size_t i = 0; i < kInputs.size(); ++i) {
    const float* const at = answer->vectors.values.data() + i * kDimensions;
    EXPECT_EQ(std::vector<float>(at, at + kDimensions), test::expected_vector(kInputs[i], kDimensions)) << i;
  }
}

TEST(Response, EveryRightAnswerIsAccepted) {
  for (const Fault fault : {Fault::none, Fault::floats, Fault::base64, Fault::reversed, Fault::no_index,
                            Fault::zero_index_gone, Fault::no_usage, Fault::pretty, Fault::byte_order_mark})
    for (const bool base64 : {true, false}) {
      SCOPED_TRACE(testing::Message() << name_of(fault) << (base64 ? " base64" : " floats"));
      expect_true_vectors(parse(body_with(fault, base64)));
    }
}

TEST(Response, TheServersModelAndTokensAreReported) {
  const auto answer = parse(body_with(Fault::none));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->model, "served");
  EXPECT_EQ(answer->tokens, 4U);
  const auto silent = parse(body_with(Fault::no_usage));
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->model, "asked");
  EXPECT_EQ(silent->tokens, 0U);
}

TEST(Response, EveryWrongAnswerIsRefusedWhole) {
  constexpr std::pair<Fault, ErrorKind> kRows[] = {
      {Fault::short_count, invalid_answer},  {Fault::long_count, invalid_answer},
      {Fault::no_data, invalid_answer},      {Fault::duplicate, invalid_answer},
      {Fault::out_of_range, invalid_answer}, {Fault::negative, invalid_answer},
      {Fault::ragged, invalid_answer},       {Fault::nan, invalid_answer},
      {Fault::infinity, invalid_answer},     {Fault::zeros, invalid_answer},
      {Fault::nulls, invalid_answer},        {Fault::null_value, invalid_answer},
      {Fault::bad_base64, invalid_answer},   {Fault::wrong_dimensions, misconfigured},
      {Fault::truncated, unavailable},       {Fault::html, unavailable},
      {Fault::empty, unavailable},           {Fault::error_in_200, unavailable},
      {Fault::not_json, unavailable},
  };
  for (const auto& [fault, kind] : kRows)
    for (const bool base64 : {true, false}) {
      const auto answer = parse(body_with(fault, base64));
      ASSERT_FALSE(answer) << name_of(fault);
      EXPECT_EQ(answer.error().kind, kind) << name_of(fault) << ": " << answer.error().message;
      EXPECT_FALSE(answer.error().message.empty());
    }
}

TEST(Response, CutOffAnywhereItIsNeverAccepted) {
  for (const bool base64 : {true, false}) {
    const std::string body = body_with(Fault::none, base64);
    for (std::size_t size = 0; size < body.size(); ++size) ASSERT_FALSE(parse(body.substr(0, size))) << size;
  }
}

TEST(Response, MembersMayComeInAnyOrderAndOthersAreIgnored) {
  const auto answer = parse(
      R"( {"usage":{"total_tokens":7},"extra":[{"data":[1]}],"model":"m","data":[
          {"embedding":[1,0.5],"extra":{"index":9},"index":1},{"embedding":[-2e0,3],"index":0}],"error":null} )",
      2, 2);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->vectors.values, (decltype(answer->vectors.values){-2, 3, 1, 0.5}));
  EXPECT_EQ(answer->tokens, 7U);
}

TEST(Response, EscapedSlashesInBase64AreRead) {
  // 0x3FFFFFFF, whose base64 holds slashes: ////Pw==
  const auto answer = parse(R"({"data":[{"embedding":"\/\/\/\/Pw=="}]})", 1, 1);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FLOAT_EQ(answer->vectors.values[0], 1.9999999F);
}

TEST(Response, AQuotaErrorInA200IsSeenForWhatItIs) {
  const auto answer = parse(R"({"data":null,"error":{"code":"insufficient_quota","message":"pay"}})");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, quota_exhausted);
}

TEST(Response, OddTypesAreRefusedNotCrashedOn) {
  for (const char* body : {"[]",
                           "1",
                           "null",
                           "\"data\"",
                           "{}",
                           "{\"data\":{}}",
                           "{\"data\":[]}",
                           "{\"data\":[1,2]}",
                           "{\"data\":[{}]}",
                           "{\"data\":[{\"embedding\":{}}]}",
                           "{\"data\":[{\"embedding\":true}]}",
                           "{\"data\":[{\"embedding\":[[1,2]]}]}",
                           "{\"data\":[{\"embedding\":[\"1\",\"2\"]}]}",
                           "{\"data\":[{\"embedding\":[1,2],\"index\":\"0\"}]}",
                           "{\"data\":[{\"embedding\":[1,2],\"index\":0.5}]}",
                           "{\"data\":[{\"embedding\":[NaN,2]}]}",
                           "{\"data\":[{\"embedding\":[1e999,2]}]}",
                           "{\"data\":[{\"embedding\":[1,2]}",
                           "{\"data\":[{\"embedding\":[1,2]}]",
                           "{\"data\":[{\"embedding\":\"\"}]}",
                           "{\"data\":[{\"embedding\":[]}]}",
                           "{\"data\":[{\"embedding\":[1,2],\"index\":nul}]}",
                           "{\"data\":nope}",
                           "{\"error\":nope}",
                           "data: {\"data\":[]}",
                           "\xFF\xFE",
                           "{\"a\""})
    EXPECT_FALSE(parse(body, 1, 2)) << body;
}

TEST(Response, OneParserReadsManyAnswersAfterBrokenOnes) {
  provider::ResponseParser parser;
  const provider::Expected expected{.inputs = kInputs.size(), .dimensions = kDimensions, .model = "asked"};
  for (int round = 0; round < 3; ++round) {
    std::string broken = body_with(Fault::truncated);
    EXPECT_FALSE(parser.parse(broken, {}, expected));
    std::string good = body_with(Fault::none);
    expect_true_vectors(parser.parse(good, {}, expected));
  }
}

}  // namespace
}  // namespace embedd
