// Configuration as a whole: precedence, endpoints, database URLs, and secrets that stay secret.
#include "cli/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/redaction.h"
#include "cli/redis_setting.h"

namespace embedd::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kCanary = "sk-canary-5150";

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        fs::path(::testing::TempDir()) /
        ("config_test_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    sources_.directory = directory_.string();
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write(const std::string& name, std::string_view text) { std::ofstream(directory_ / name) << text; }

  Config load() {
    auto config = load_config(sources_);
    EXPECT_TRUE(config) << (config ? "" : config.error().message);
    return config ? std::move(*config) : Config{};
  }

  std::string fault() {
    auto config = load_config(sources_);
    EXPECT_FALSE(config);
    if (config) return "";
    EXPECT_EQ(config.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(config.error().message, Not(HasSubstr(std::string(kCanary))));
    return config.error().message;
  }

  ConfigSources sources_;
  fs::path directory_;
};

/// REDIS_URL is often set for other programs.
TEST_F(ConfigTest, RedisIsFoundUnderASecondNameAndReadWhereItIsUsed) {
  const auto target = [this] { return redis_of(load().values); };
  EXPECT_EQ(*target(), std::nullopt);
  write("redis", "redis://:sk-canary-5150@filed\n");
  const std::string file = (directory_ / "redis").string();
  sources_.environment = {{"REDIS_URL", "redis://plain"}, {"EMBEDD_REDIS_URL_FILE", file}};
  EXPECT_EQ((*target())->host, "filed");
  sources_.environment = {{"REDIS_URL", "redis://plain"}, {"EMBEDD_REDIS_URL", ""}};
  EXPECT_EQ(*target(), std::nullopt) << "switched off";
  sources_.environment = {};
  write(".env", "EMBEDD_REDIS_URL=redis://own\nREDIS_URL=redis://others\n");
  EXPECT_EQ((*target())->host, "own");
  sources_.environment = {{"REDIS_URL", "rediss://:sk-canary-5150@elsewhere"}};
  const auto refused = target();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the environment: REDIS_URL: TLS to Redis"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr(std::string(kCanary))));
}

TEST_F(ConfigTest, FlagsWinOverEnvironmentOverDotenvOverToml) {
  write("embedd.toml", "poll_seconds = 1\nlease_seconds = 11\nclaim_rows = 21\nmax_attempts = 31\n");
  write(".env", "EMBEDD_POLL_SECONDS=2\nEMBEDD_LEASE_SECONDS=12\nEMBEDD_CLAIM_ROWS=22\n");
  sources_.environment = {{"EMBEDD_POLL_SECONDS", "3"}, {"EMBEDD_LEASE_SECONDS", "13"}};
  sources_.flags = {{"poll_seconds", "4"}};
  const Config config = load();
  EXPECT_EQ(config.values.duration("poll_seconds"), seconds(4));
  EXPECT_EQ(config.values.duration("lease_seconds"), seconds(13));
  EXPECT_EQ(config.values.integer("claim_rows"), 22);
  EXPECT_EQ(config.values.integer("max_attempts"), 31);
  EXPECT_EQ(config.values.value("max_attempts").origin, "embedd.toml:4");
}

TEST_F(ConfigTest, UnknownNamesAreErrorsThatNameTheNearest) {
  sources_.environment = {{"EMBEDD_POL_SECONDS", "3"}};
  EXPECT_EQ(fault(),
            "the environment: there is no setting EMBEDD_POL_SECONDS. Did you mean 'EMBEDD_POLL_SECONDS'?");
  sources_.environment.clear();
  write(".env", "OTHER=fine\nEMBEDD_LEASE_SECOND=3\n");
  EXPECT_EQ(fault(), ".env:2: there is no setting EMBEDD_LEASE_SECOND. Did you mean 'EMBEDD_LEASE_SECONDS'?");
  fs::remove(directory_ / ".env");
  write("embedd.toml", "\nmax_atempts = 3\n");
  EXPECT_EQ(fault(), "embedd.toml:2: there is no setting 'max_atempts'. Did you mean 'max_attempts'?");
  write("embedd.toml", "[endpoints.x]\n");
  EXPECT_EQ(fault(), "embedd.toml:1: there is no setting 'endpoints'. Did you mean 'endpoint'?");
  write("embedd.toml", "[endpoint.x]\nbase_url = \"https://x/v1\"\nmax_inflight = 3\n");
  EXPECT_EQ(fault(),
            "embedd.toml:3: endpoint.x.max_inflight: is not a key of an endpoint. Did you mean "
            "'max_in_flight'?");
}

TEST_F(ConfigTest, TomlSyntaxErrorsNameTheLine) {
  write("embedd.toml", "poll_seconds = 1\nlease_seconds = = 2\n");
  EXPECT_THAT(fault(), HasSubstr("embedd.toml:2: "));
}

TEST_F(ConfigTest, TomlHoldsOtherScriptsOnlyInQuotesAndComments) {
  for (const char* stray : {"größe = 1", "x = \"a\"\ny = 'é' é"}) {
    write("embedd.toml", stray);
    EXPECT_THAT(fault(), HasSubstr("beyond ASCII must be in quotes")) << stray;
  }
  write("embedd.toml", "x = 1\n\ny = é\n");
  EXPECT_THAT(fault(), HasSubstr("embedd.toml:3: "));
  write("embedd.toml", "x = 'a\xff'\n");
  EXPECT_EQ(fault(), "embedd.toml:1: not UTF-8");
  write("embedd.toml", R"(# größe
[endpoint."größe"]
base_url = 'https://x/v1' # é
document_prefix = """é \""" é
"~é~AA""""
query_prefix = '''é 'é'''' # é
)");
  const Config config = load();
  ASSERT_NE(config.endpoint("größe"), nullptr);
  EXPECT_EQ(config.endpoint("größe")->document_prefix, "é \"\"\" é\n\"~é~AA\"");
  EXPECT_EQ(config.endpoint("größe")->query_prefix, "é 'é'");
}

TEST_F(ConfigTest, ANamedFileMustExist) {
  sources_.flags = {{"config", "/no/such/embedd.toml"}};
  EXPECT_EQ(fault(), "cannot read /no/such/embedd.toml: No such file or directory (--config)");
}

TEST_F(ConfigTest, WhatCannotBeReadIsNamedAsItWasGiven) {
  sources_.environment = {{"EMBEDD_CONFIG", directory_}};
  EXPECT_EQ(fault(),
            "cannot read " + directory_.string() + ": Is a directory (the environment: EMBEDD_CONFIG)");
  sources_.environment = {{"DATABASE_URL_FILE", directory_}};
  EXPECT_EQ(fault(), "the environment: DATABASE_URL_FILE: secret file " + directory_.string() +
                         ": not a regular file");
  sources_.environment = {{"OPENAI_BASE_URL", "example.com"}};
  EXPECT_THAT(fault(), HasSubstr("(the environment: OPENAI_BASE_URL)"));
  sources_.environment = {};
  sources_.flags = {{"poll_seconds", "soon"}};
  EXPECT_EQ(fault(), "--poll-seconds: 'soon' is not a number of seconds");
  sources_.flags = {};
  write("embedd.toml", "poll_seconds = -1\n");
  EXPECT_THAT(fault(), HasSubstr("embedd.toml:1: poll_seconds: -1 is not within"));
}

TEST_F(ConfigTest, OpenAiAndLocalExistFromTheEnvironmentAlone) {
  sources_.environment = {{"OPENAI_API_KEY", std::string(kCanary)},
                          {"OPENAI_BASE_URL", "http://127.0.0.1:1/v1"},
                          {"OPENAI_ORG_ID", "org"},
                          {"OPENAI_PROJECT_ID", "proj"}};
  const Config config = load();
  const provider::EndpointConfig* openai = config.endpoint("openai");
  ASSERT_NE(openai, nullptr);
  EXPECT_EQ(openai->api_key.reveal(), kCanary);
  EXPECT_EQ(openai->base_url, "http://127.0.0.1:1/v1");
  EXPECT_EQ(openai->organization, "org");
  EXPECT_EQ(openai->project, "proj");
  ASSERT_NE(config.endpoint("local"), nullptr);
  EXPECT_EQ(config.endpoint("local")->dialect, provider::Dialect::local);
  EXPECT_EQ(config.endpoint("other"), nullptr);
}

TEST_F(ConfigTest, NoKeyIsNoError) {
  const Config config = load();
  EXPECT_TRUE(config.endpoint("openai")->api_key.empty());
  EXPECT_TRUE(config.endpoint("openai")->key_required);
  EXPECT_EQ(config.endpoint("openai")->base_url, provider::kOpenAiBaseUrl);
}

TEST_F(ConfigTest, AKeyFileNeedNotExistYet) {
  sources_.environment = {{"OPENAI_API_KEY_FILE", "/run/secrets/not-yet"}};
  EXPECT_EQ(load().endpoint("openai")->api_key_file, "/run/secrets/not-yet");
}

TEST_F(ConfigTest, EndpointsInToml) {
  write("embedd.toml", R"(
[endpoint.openai]
max_in_flight = 8
tokens_per_minute = 1000000

[endpoint.corp]
dialect = "azure"
base_url = "https://corp.openai.azure.com"
api_key = { env = "CORP_KEY" }
deployment = "embeddings"
headers = ["X-Team: search"]
timeout_seconds = 30

[endpoint.gpu]
base_url = "http://127.0.0.1:8080/v1"
api_key = ""
max_inputs = 32
encoding_format = ""
document_prefix = "search_document: "
query_prefix = "search_query: "
)");
  sources_.environment = {{"CORP_KEY", std::string(kCanary)}, {"OPENAI_API_KEY", "sk-openai"}};
  const Config config = load();
  const provider::EndpointConfig& openai = *config.endpoint("openai");
  EXPECT_EQ(openai.limits.max_in_flight, 8u);
  EXPECT_EQ(openai.limits.tokens_per_minute, 1'000'000);
  EXPECT_EQ(openai.api_key.reveal(), "sk-openai");
  const provider::EndpointConfig& corp = *config.endpoint("corp");
  EXPECT_EQ(corp.dialect, provider::Dialect::azure);
  EXPECT_EQ(corp.api_key.reveal(), kCanary);
  EXPECT_EQ(corp.deployment, "embeddings");
  EXPECT_EQ(corp.headers, std::vector<std::string>{"X-Team: search"});
  EXPECT_EQ(corp.timeout, seconds(30));
  const provider::EndpointConfig& gpu = *config.endpoint("gpu");
  EXPECT_FALSE(gpu.key_required);
  EXPECT_EQ(gpu.limits.max_inputs, 32u);
  EXPECT_EQ(gpu.encoding_format, "");
  EXPECT_EQ(gpu.document_prefix, "search_document: ");
}

TEST_F(ConfigTest, BudgetsAndPricesInToml) {
  write("embedd.toml", R"(
[endpoint.openai]
budget_usd_per_day = 2.5
budget_tokens_per_day = 1000000

[price]
"openai/text-embedding-3-small" = 0.015
"gpu/BAAI/bge-m3" = 0
)");
  const Config config = load();
  EXPECT_EQ(config.endpoint("openai")->limits.budget,
            (Budget{.tokens = 1'000'000, .nano_usd = 2'500'000'000}));
  EXPECT_EQ(config.prices.usd_per_million_tokens("openai", "text-embedding-3-small"), 0.015);
  EXPECT_EQ(config.prices.usd_per_million_tokens("azure", "text-embedding-3-small"), 0.02);
  EXPECT_EQ(config.prices.usd_per_million_tokens("gpu", "BAAI/bge-m3"), 0.0);
  EXPECT_EQ(config.prices.usd_per_million_tokens("gpu", "other"), std::nullopt);
}

TEST_F(ConfigTest, AnEndpointsKeyComesFromDotenvAndFromFilesToo) {
  write(".env", "CORP_KEY_FILE=/run/secrets/corp\nGPU_KEY=" + std::string(kCanary) + "\n");
  write("embedd.toml", R"(
[endpoint.corp]
base_url = "https://corp/v1"
api_key = { env = "CORP_KEY" }
[endpoint.gpu]
base_url = "https://gpu/v1"
api_key = { env = "GPU_KEY" }
[endpoint.file]
base_url = "https://file/v1"
api_key = { file = "/run/secrets/file" }
)");
  const Config config = load();
  EXPECT_EQ(config.endpoint("corp")->api_key_file, "/run/secrets/corp");
  EXPECT_EQ(config.endpoint("gpu")->api_key.reveal(), kCanary);
  EXPECT_EQ(config.endpoint("file")->api_key_file, "/run/secrets/file");
}

TEST_F(ConfigTest, ATableWithItsOwnKeyNeverGetsTheOpenAiKey) {
  sources_.environment = {{"OPENAI_API_KEY", std::string(kCanary)}};
  write("embedd.toml", "[endpoint.openai]\nbase_url = \"https://mine/v1\"\napi_key = { env = \"MINE\" }\n");
  EXPECT_TRUE(load().endpoint("openai")->api_key.empty());
}

TEST_F(ConfigTest, AnEndpointAddedByTomlHasNoKeyUnlessItNamesOne) {
  sources_.environment = {{"OPENAI_API_KEY", std::string(kCanary)}};
  write("embedd.toml", "[endpoint.mine]\nbase_url = \"https://mine/v1\"\n");
  EXPECT_TRUE(load().endpoint("mine")->api_key.empty());
}

TEST_F(ConfigTest, OnlyOpenAiHasABaseUrlUnlessItIsSaid) {
  sources_.environment = {{"OPENAI_API_KEY", std::string(kCanary)}};
  for (const char* table :
       {"[endpoint.mine]\nmax_inputs = 8\n", "[endpoint.azure]\ndialect = \"azure\"\n",
        "[endpoint.openai]\ndialect = \"azure\"\n", "[endpoint.local]\ndialect = \"openai\"\n"}) {
    write("embedd.toml", table);
    EXPECT_THAT(fault(), testing::AllOf(HasSubstr("embedd.toml:1: endpoint \""),
                                        HasSubstr("\": needs base_url, such as \"http")))
        << table;
  }
  write("embedd.toml", "[endpoint.openai]\nmax_inputs = 8\n[endpoint.words]\ndialect = \"local\"\n");
  EXPECT_EQ(load().endpoint("openai")->base_url, provider::kOpenAiBaseUrl);
  EXPECT_EQ(load().endpoint("words")->base_url, "");
}

TEST_F(ConfigTest, AKeyInTheFileIsRefusedAndNotRepeated) {
  write("embedd.toml", "[endpoint.openai]\napi_key = \"" + std::string(kCanary) + "\"\n");
  EXPECT_THAT(fault(), HasSubstr("embedd.toml:2: endpoint.openai.api_key: a key does not belong"));
}

TEST_F(ConfigTest, TheEnvironmentsBaseUrlWinsOverTheTables) {
  write("embedd.toml", "[endpoint.openai]\nbase_url = \"https://table/v1\"\n");
  EXPECT_EQ(load().endpoint("openai")->base_url, "https://table/v1");
  sources_.environment = {{"OPENAI_BASE_URL", "https://environment/v1"}};
  EXPECT_EQ(load().endpoint("openai")->base_url, "https://environment/v1");
}

TEST_F(ConfigTest, ADatabaseUrlIsShownWithoutItsPassword) {
  sources_.environment = {{"DATABASE_URL", "postgresql://ann:" + std::string(kCanary) + "@db:5433/traces"}};
  const Config config = load();
  EXPECT_EQ(config.database.display, "postgresql://ann@db:5433/traces");
  EXPECT_EQ(redact("password is " + std::string(kCanary)), "password is ***");
  EXPECT_THAT(std::string(config.database.conninfo.reveal()), HasSubstr("dbname='traces'"));
}

TEST_F(ConfigTest, ADatabaseElsewhereIsVerifiedUnlessToldOtherwise) {
  sources_.environment = {{"DATABASE_URL", ""}};
  const auto conninfo = [&](const std::string& url) {
    sources_.environment["DATABASE_URL"] = url;
    return std::string(load().database.conninfo.reveal());
  };
  for (const char* url :
       {"postgresql://ann@db.example.com/x", "host=10.0.0.5", "hostaddr=10.0.0.5", "host=localhost,db",
        "host=127.evil.example", "host=db hostaddr=127.0.0.1", "host=/tmp,db"}) {
    EXPECT_THAT(conninfo(url), HasSubstr("sslmode='verify-full'")) << url;
    EXPECT_THAT(conninfo(url), HasSubstr("sslrootcert=")) << url;
  }
  for (const char* url : {"", "postgresql://ann@localhost/x", "postgresql:///x", "host=/run/postgresql",
                          "host=@socket", "postgresql://127.0.0.1,[::1]/x", "host=,localhost"})
    EXPECT_THAT(conninfo(url), Not(HasSubstr("ssl"))) << url;
  EXPECT_THAT(conninfo("postgresql://db/x?sslmode=prefer"), HasSubstr("sslmode='prefer'"));
  EXPECT_THAT(conninfo("postgresql://db/x?sslrootcert=/my/ca"), HasSubstr("sslrootcert='/my/ca'"));
  EXPECT_THAT(conninfo("postgresql://db/x?service=mine"), Not(HasSubstr("ssl")));
  write(".env", "PGSSLMODE=require\n");
  EXPECT_THAT(conninfo("postgresql://db/x"), HasSubstr("sslmode='require'"));
}

TEST_F(ConfigTest, AMalformedDatabaseUrlIsNotRepeated) {
  sources_.environment = {{"DATABASE_URL", "postgresql://ann:" + std::string(kCanary) + "@[db:5433/traces"}};
  EXPECT_THAT(fault(), HasSubstr("the environment: DATABASE_URL is not a connection string"));
  sources_.environment = {{"DATABASE_URL", "host=db pasword=" + std::string(kCanary)}};
  EXPECT_THAT(fault(), HasSubstr("DATABASE_URL is not a connection string"));
}

TEST_F(ConfigTest, ADatabaseUrlMayBeWrittenAsOtherToolsDo) {
  struct Written {
    const char *url, *conninfo, *note;
  };
  for (const Written& written :
       {Written{"postgres://ann:pw@localhost/x", "user='ann' password='pw' dbname='x' host='localhost'", ""},
        {"postgresql+asyncpg://ann@localhost/x", "user='ann' dbname='x' host='localhost'", ""},
        {"postgresql+psycopg2:///x", "dbname='x'", ""},
        {"jdbc:postgresql://localhost:5433/x?user=ann", "user='ann' dbname='x' host='localhost' port='5433'",
         ""},
        {"psql://ann@localhost/x", "user='ann' dbname='x' host='localhost'", ""},
        {" \"postgres://localhost/x\"\n", "dbname='x' host='localhost'", ""},
        {"'host=localhost dbname=x'", "dbname='x' host='localhost'", ""},
        {"postgres://localhost/x?schema=public", "dbname='x' host='localhost'",
         "DATABASE_URL: ignored what is not PostgreSQL's: schema"},
        {"postgres://localhost/x?pool=5&connect_timeout=3&pgbouncer=true",
         "connect_timeout='3' dbname='x' host='localhost'",
         "DATABASE_URL: ignored what is not PostgreSQL's: pool, pgbouncer"},
        {"postgres://localhost/x?ssl=require", "dbname='x' host='localhost' sslmode='require'", ""},
        {"postgres://localhost/x?ssl=true&", "dbname='x' host='localhost' sslmode='require'", ""},
        {"postgres://localhost/x?sslmode=no-verify", "dbname='x' host='localhost' sslmode='require'", ""},
        {"postgres://db/x?ssl=strange&sslrootcert=/ca",
         "dbname='x' host='db' sslrootcert='/ca' sslmode='verify-full'",
         "DATABASE_URL: ignored what is not PostgreSQL's: ssl"},
        {"postgres://ann:p?w@localhost/x?a=b", "user='ann' password='p?w' dbname='x' host='localhost'",
         "DATABASE_URL: ignored what is not PostgreSQL's: a"}}) {
    sources_.environment = {{"DATABASE_URL", written.url}};
    const Config config = load();
    EXPECT_EQ(config.database.conninfo.reveal(), written.conninfo) << written.url;
    EXPECT_EQ(config.note, written.note) << written.url;
  }
}

TEST_F(ConfigTest, ARefusedDatabaseUrlComesWithLibpqsReasonAndNoneOfItsText) {
  const std::string secret(kCanary);
  struct Refused {
    std::string url;
    const char* reason;
  };
  for (const Refused& refused :
       {Refused{"mysql://ann:" + secret + "@db/x", R"(missing "=" after "..." in connection info string)"},
        Refused{"host=db pasword=" + secret, R"(invalid connection option "...")"},
        Refused{"host='" + secret, "unterminated quoted string in connection info string"},
        Refused{"postgresql://ann:" + secret + "@[db/x",
                R"(looking for matching "]" in IPv6 host address in URI: "...")"},
        Refused{"postgresql://ann:" + secret + "@[::1]\"/x", R"(unexpected character "...")"},
        Refused{"postgresql://ann:" + secret + "%zz@db/x", R"(invalid percent-encoded token: "...")"},
        Refused{"postgresql://db/x?" + secret,
                R"(missing key/value separator "=" in URI query parameter: "...")"},
        Refused{"postgresql://ann:a/b?c&d" + secret + "=x@db/y", "percent-encode the password"}}) {
    sources_.environment = {{"DATABASE_URL", refused.url}};
    EXPECT_THAT(fault(), HasSubstr(refused.reason)) << refused.reason;
  }
}

TEST_F(ConfigTest, APasswordThatRunsOverIntoWhatIsShownIsRefusedAndNotRepeated) {
  for (const char* url :
       {"postgresql://app:hunter2@secretpart@127.0.0.1/x", "postgresql://app:hunter2@secretpart:1@db/x",
        "postgresql://app:hunter2@secretpart/x@127.0.0.1/x", "postgresql://app:1/secretpart@127.0.0.1/x",
        "postgres://app:secretpart", "postgresql://app:hunter2@@secretpart@db",
        "postgresql://app:hunter2@db,secretpart@db/x", "postgresql://app:hunter2@secretpart%40db/x"}) {
    sources_.environment = {{"DATABASE_URL", url}};
    const std::string message = fault();
    EXPECT_THAT(message, HasSubstr("percent-encode the password")) << url;
    EXPECT_THAT(message, Not(HasSubstr("secretpart"))) << url;
    EXPECT_THAT(message, Not(HasSubstr("hunter2"))) << url;
  }
}

TEST_F(ConfigTest, AnAtSignInItsPlaceIsTaken) {
  for (const char* url :
       {"postgresql://app:hunter2%40x@db:5432/x", "postgresql://app@db/mail%40home?options=a@b",
        "postgresql:///x?host=@socket", "host=@socket user=a@b password=c@d", "host=a,@b port=1,2",
        "postgresql://app:a?b@db/x", "postgresql://a,b:5433,c/x?user=u@v"}) {
    sources_.environment = {{"DATABASE_URL", url}};
    EXPECT_TRUE(load_config(sources_)) << url;
  }
}

TEST_F(ConfigTest, PgVariablesOfDotenvFillWhatTheUrlLeavesOut) {
  write(".env", "PGHOST=ignored\nPGPASSWORD=\"it's \\\\\"\nDATABASE_URL=postgresql://db/traces\n");
  const Config config = load();
  EXPECT_THAT(std::string(config.database.conninfo.reveal()), HasSubstr("host='db'"));
  EXPECT_THAT(std::string(config.database.conninfo.reveal()), HasSubstr(R"(password='it\'s \\')"));
}

TEST_F(ConfigTest, LinesOfDotenvThatMeanNothingAreNotedOnceAndNotRepeated) {
  write(".env", "source sk-canary-5150\nEMBEDD_POLL_SECONDS=7\nsk-canary-5150\n");
  const Config config = load();
  EXPECT_EQ(config.values.duration("poll_seconds"), seconds(7));
  EXPECT_EQ(config.note, ".env: ignored what is not KEY=VALUE, line 1, 3");
  write(".env", "EMBEDD_POL_SECONDS=7\n");
  EXPECT_THAT(fault(), HasSubstr("Did you mean 'EMBEDD_POLL_SECONDS'?"));
}

TEST_F(ConfigTest, DotenvMayReferToTheEnvironmentAndToItself) {
  sources_.environment = {{"DB_PASSWORD", "pw"}};
  write(".env",
        "DB_HOST=localhost\nDATABASE_URL=postgresql://ann:${DB_PASSWORD}@${DB_HOST}/x\nOTHER=${NOBODY}\n");
  const Config config = load();
  EXPECT_EQ(config.database.conninfo.reveal(), "user='ann' password='pw' dbname='x' host='localhost'");
  EXPECT_EQ(config.note, ".env: empty, because they are not set: NOBODY");
}

TEST_F(ConfigTest, LowerCaseNamesOfDotenvAreSaidToBeIgnored) {
  write(".env", "database_url=postgresql://db/x\nPgHost=db\nembedd_http=:1\nother=1\nopenai_api_key=" +
                    std::string(kCanary) + "\n");
  const Config config = load();
  EXPECT_EQ(config.note,
            ".env:1: database_url is ignored: write it in capitals, DATABASE_URL; "
            ".env:2: PgHost is ignored: write it in capitals, PGHOST; "
            ".env:3: embedd_http is ignored: write it in capitals, EMBEDD_HTTP; "
            ".env:5: openai_api_key is ignored: write it in capitals, OPENAI_API_KEY");
}

TEST_F(ConfigTest, ADatabaseUrlFileCanBeReadAgain) {
  write("url", "postgresql://ann:first@db/x\n");
  sources_.environment = {{"DATABASE_URL_FILE", directory_ / "url"}};
  const Config config = load();
  ASSERT_TRUE(config.database_now);
  EXPECT_FALSE(config.listen_now);
  write("url", "postgresql://ann:second@db/x\n");
  const auto now = config.database_now();
  ASSERT_TRUE(now);
  EXPECT_THAT(std::string(now->reveal()), HasSubstr("password='second'"));
  write("url", "");
  EXPECT_FALSE(config.database_now()) << "half written: what was read last stays in force";
  sources_.environment = {{"DATABASE_URL", "postgresql://db/x"}};
  EXPECT_FALSE(load().database_now);
}

TEST_F(ConfigTest, SettingsHelpNamesEverySettingAndNoValue) {
  sources_.environment = {{"OPENAI_API_KEY", std::string(kCanary)}};
  load();
  const std::string help = settings_help();
  for (const Setting& setting : all_settings())
    EXPECT_THAT(help, HasSubstr(std::string(setting.environment)));
  EXPECT_THAT(help, Not(HasSubstr(std::string(kCanary))));
}

TEST_F(ConfigTest, TokensHaveRights) {
  sources_.environment = {{"SUPPORT_TOKEN", std::string(kCanary)}, {"OTHER_FILE", "/run/other"}};
  write("embedd.toml",
        "[token.support]\nsecret = { env = \"SUPPORT_TOKEN\" }\nvectorizers = [\"tickets\"]\n"
        "filter = '{\"column\": \"tenant\", \"op\": \"=\", \"value\": 7}'\nrequests_per_minute = 600\n"
        "[token.other]\nsecret = { env = \"OTHER\" }\nwrite = true\ndead_letters = true\n"
        "contributor = \"00000000-0000-0000-0000-00000000000a\"\n");
  const Config config = load();
  ASSERT_EQ(config.tokens.size(), 2U);
  const TokenTable &other = config.tokens[0], &support = config.tokens[1];
  EXPECT_EQ(support.rights.name, "support");
  EXPECT_EQ(support.secret.reveal(), kCanary);
  EXPECT_EQ(support.rights.vectorizers, std::vector<std::string>{"tickets"});
  EXPECT_EQ(support.rights.filter->column, "tenant");
  EXPECT_EQ(support.rights.requests_per_minute, 600);
  EXPECT_FALSE(support.rights.write);
  EXPECT_EQ(other.secret_file, "/run/other");
  EXPECT_TRUE(other.rights.write);
  EXPECT_TRUE(other.rights.dead_letters);
  EXPECT_FALSE(support.rights.dead_letters);
  EXPECT_EQ(other.rights.contributor, "00000000-0000-0000-0000-00000000000a");
  EXPECT_FALSE(other.rights.filter);
}

TEST_F(ConfigTest, AMetricsPrefixIsTheBeginningOfAName) {
  sources_.environment = {{"EMBEDD_METRICS_PREFIX", "commontrace"}};
  EXPECT_EQ(load().metrics_prefix, "commontrace");
  for (const char* wrong : {"2x", "common-trace", "embedd", "a b"}) {
    sources_.environment = {{"EMBEDD_METRICS_PREFIX", wrong}};
    const auto refused = load_config(sources_);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_THAT(refused.error().message, HasSubstr("cannot be the prefix of further metrics"));
  }
}

}  // namespace
}  // namespace embedd::cli
