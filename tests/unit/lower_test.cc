// Lower case, as tags are compared.
#include "text/lower.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

TEST(Lower, KnowsAllOfUnicodeAndNoLanguage) {
  EXPECT_EQ(lower(""), "");
  EXPECT_EQ(lower("TLS-1.3"), "tls-1.3");
  EXPECT_EQ(lower("\xc3\x9c"
                  "BUNG"),
            "\xc3\xbc"
            "bung");
  EXPECT_EQ(lower("\xce\xa3\xce\x91\xce\xa3"), "\xcf\x83\xce\xb1\xcf\x82") << "the last sigma";
  EXPECT_EQ(lower("I"), "i") << "in Turkish, too";
  std::string longer, wanted;  // a letter that takes more bytes in lower case
  for (int i = 0; i < 1000; ++i) {
    longer += "\xc4\xb0";
    wanted += "i\xcc\x87";
  }
  EXPECT_EQ(lower(longer), wanted);
}

}  // namespace
}  // namespace embedd
