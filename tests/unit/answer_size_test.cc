#include "core/answer_size.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr std::size_t kValues = 100 * 1536;

TEST(AnswerSize, AssumesNumbersUntilTheFirstAnswer) {
  AnswerSize size;
  EXPECT_EQ(size.bytes_per_value(), 24U);
  size.learn(kValues * 16 / 3, kValues);
  EXPECT_EQ(size.bytes_per_value(), 6U);
}

TEST(AnswerSize, BelievesMoreAtOnceAndLessBitByBit) {
  AnswerSize size;
  size.learn(kValues * 6, kValues);
  size.learn(kValues * 20 + 2048, kValues);
  EXPECT_EQ(size.bytes_per_value(), 21U) << "rounded up";
  size.learn(kValues * 6, kValues);
  EXPECT_GT(size.bytes_per_value(), 12U);
  for (int i = 0; i < 20; ++i) size.learn(kValues * 5, kValues);
  EXPECT_EQ(size.bytes_per_value(), 6U);
}

TEST(AnswerSize, NoBodyIsNotLessThanTheVectors) {
  AnswerSize size;
  size.learn(0, kValues);
  EXPECT_EQ(size.bytes_per_value(), 6U);
}

TEST(AnswerSize, WhatComesWithOneSmallVectorSaysNothing) {
  AnswerSize size;
  size.learn(400, 4);
  EXPECT_EQ(size.bytes_per_value(), 6U);
}

TEST(AnswerSize, AnAnswerWithoutVectorsSaysNothing) {
  AnswerSize size;
  size.learn(5000, 0);
  EXPECT_EQ(size.bytes_per_value(), 24U);
}

}  // namespace
}  // namespace embedd
