#include "pg/form.h"

#include <gtest/gtest.h>

#include <vector>

namespace embedd::pg {
namespace {

TEST(Form, IsFilledOnce) {
  EXPECT_EQ(fill("{a}, {b}", {{"a", "{b}"}, {"b", "x"}}), "{b}, x");
  EXPECT_EQ(fill("nothing", Words{}), "nothing");
}

TEST(Form, OfAFunctionQuotesABodyThatHoldsTheQuote) {
  const std::string form = "CREATE FUNCTION {f}() AS $body$ SELECT {name} $body$ STRICT";
  EXPECT_EQ(fill_function(form, {{"f", "g"}, {"name", "1"}}),
            "CREATE FUNCTION g() AS $body$ SELECT 1 $body$ STRICT");
  EXPECT_EQ(fill_function(form, {{"f", "g"}, {"name", "\"$body$; --\""}}),
            "CREATE FUNCTION g() AS $_body$ SELECT \"$body$; --\" $_body$ STRICT");
}

TEST(Form, NamesOthersAndIndentsThem) {
  const std::vector<embedded::File> files = {{"whole.sql", "-- Says why.\nBEGIN\n  {>part}\nEND\n"},
                                             {"one.sql", "SELECT {x};\n-- why\nSELECT 2;\n"}};
  const Forms forms(files);
  EXPECT_EQ(forms.form("whole", {{"part", "one"}}), "BEGIN\n  SELECT {x};\n  SELECT 2;\nEND");
}

TEST(FormDeathTest, RefusesWhatWouldBeSentByMistake) {
  EXPECT_DEATH(fill("{b}", Words{{"a", ""}}), "no placeholder b");
  const std::vector<embedded::File> commented = {{"a.sql", "SELECT 1; -- why\n"}};
  EXPECT_DEATH(Forms{commented}, "not alone on its line");
  EXPECT_DEATH((void)Forms({}).form("a"), "no file a.sql");
}

}  // namespace
}  // namespace embedd::pg
