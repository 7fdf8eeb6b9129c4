#include "server/monitoring/static_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace quorumbook::server {
namespace {

namespace fs = std::filesystem;

class StaticFilesTest : public ::testing::Test {
 protected:
  StaticFilesTest() : top_(fs::path(::testing::TempDir()) / "quorumbook_static_files") {
    fs::remove_all(top_);
    fs::create_directories(top_ / "web" / "assets");
    Write("web/index.html", "<p>pages</p>");
    Write("web/assets/app.js", "run()");
    Write("secret.txt", "secret");
    fs::create_symlink("../secret.txt", top_ / "web" / "link.txt");
  }
  ~StaticFilesTest() override { fs::remove_all(top_); }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(top_ / name) << text;
  }
  HttpResponse Get(const std::string& path) const {
    HttpRequest request;
    request.path = path;
    return StaticFiles(top_ / "web").Get(request);
  }

  const fs::path top_;
};

TEST_F(StaticFilesTest, ServesFilesWithTheirTypes) {
  const HttpResponse script = Get("/assets/app.js");
  EXPECT_EQ(script.status, 200u);
  EXPECT_EQ(script.body, "run()");
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
}

TEST_F(StaticFilesTest, PathsOfPagesAreTheIndex) {
  for (const char* path : {"/", "/market", "/market/AMZN"}) {
    EXPECT_EQ(Get(path).body, "<p>pages</p>") << path;
  }
}

TEST_F(StaticFilesTest, NothingOutsideIsRead) {
  for (const char* path : {"/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt",
                           "/link.txt", "//etc/hostname.txt", "/assets%2f..%2f..%2fsecret.txt"}) {
    const HttpResponse response = Get(path);
    EXPECT_EQ(response.status, 404u) << path;
    EXPECT_EQ(response.body.find("secret\n"), std::string::npos) << path;
  }
}

TEST_F(StaticFilesTest, NoRequestWaitsForTheDisk) {
  const StaticFiles files(top_ / "web");
  fs::remove_all(top_ / "web");
  HttpRequest request;
  request.path = "/assets/app.js";
  EXPECT_EQ(files.Get(request).body, "run()");
}

TEST_F(StaticFilesTest, MissingAssetsAreMissing) {
  EXPECT_EQ(Get("/assets/gone.js").status, 404u);
  EXPECT_EQ(Get("/api/nothing").status, 404u) << "no page of the dashboard";
  EXPECT_EQ(Get("/%zz").status, 404u);
}

TEST_F(StaticFilesTest, APageSaysThatTheDashboardIsNotThere) {
  fs::remove(top_ / "web" / "index.html");
  const HttpResponse response = Get("/");
  EXPECT_EQ(response.status, 404u);
  EXPECT_NE(response.body.find("not installed"), std::string::npos);
}

}  // namespace
}  // namespace quorumbook::server
