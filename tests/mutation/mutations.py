#!/usr/bin/env python3
"""Breaks the code on purpose, one guarantee at a time, and shows which tests notice: ./dev mutate [NAME...]

Each mutation replaces one piece of source with a wrong one, builds the tests that should notice, and runs them. A
mutation that survives is a hole in the tests. Works on a copy of the tree; the sources are never touched.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutants"

# name, guarantee, file, what is replaced, by what, test binary, filter
MUTATIONS = [
    ("in_doubt_is_forgotten", "G1", "src/core/settlements.cc",
     "return add(std::move(pending));\n    case ErrorKind::misconfigured:", "return;\n    case ErrorKind::misconfigured:",
     "sim_tests", "Scenario.ALostConnection*:Scenario.ADatabaseRestart*:Seeds.*"),
    ("reconcile_is_never_due", "G1", "src/core/worker.cc",
     "if (state.reconcile_due && !vectorizer.paused)", "if (false)",
     "sim_tests", "Scenario.RowsWrittenBehind*"),
    ("complete_ignores_the_text", "G2", "src/pg/queue_sql.cc",
     "WHERE {hash} = f.hash AND (f.slot >= 0 OR f.kept IS NOT NULL)", "WHERE (f.slot >= 0 OR f.kept IS NOT NULL)",
     "contract_tests", "Postgres/*"),
    ("settling_ignores_the_lease", "G2", "src/pg/queue_sql.cc",
     " AND q.generation = {{g}} AND q.lease = j.lease\n  FOR UPDATE", " AND q.generation = {{g}}\n  FOR UPDATE",
     "contract_tests", "Postgres/*"),
    ("a_changed_text_keeps_its_lease", "G2", "src/pg/triggers.cc",
     "revision = q.revision + 1, lease = NULL,", "revision = q.revision + 1,",
     "contract_tests", "Postgres/*"),
    ("leases_are_never_extended", "G4", "src/core/worker_settling.cc",
     "if (now < next_extend_ || !queue_.ready()) return;", "return;",
     "sim_tests", "Scenario.ALongRequest*"),
    ("a_stopping_worker_keeps_its_leases", "G4", "src/core/worker.cc",
     "for (const auto& lane : lanes_) give_back(*lane, now);\n  }\n  if (!canceled_", "}\n  if (!canceled_",
     "sim_tests", "Scenario.AStoppingWorker*"),
    ("lapsed_leases_are_not_rescued", "G4", "src/pg/queue_sql.cc",
     "WHERE (q.priority, q.run_at) <= (0::smallint, now())",
     "WHERE (q.priority, q.run_at) <= (0::smallint, now()) AND q.lease IS NULL",
     "contract_tests", "Postgres/*"),
    ("settling_waits_for_jobs_being_written", "G5", "src/pg/queue_sql.cc",
     "AND q.lease = j.lease\n  FOR UPDATE OF q SKIP LOCKED", "AND q.lease = j.lease\n  FOR UPDATE OF q",
     "contract_tests", "Postgres/*"),
    ("completing_waits_for_users", "G5", "src/pg/queue_sql.cc",
     "AND (f.slot >= 0 OR f.kept IS NOT NULL)\n  FOR NO KEY UPDATE OF t SKIP LOCKED",
     "AND (f.slot >= 0 OR f.kept IS NOT NULL)\n  FOR NO KEY UPDATE OF t",
     "contract_tests", "Postgres/*"),
    ("a_refused_batch_is_not_split", "G6", "src/core/retry_policy.cc",
     "return failure.jobs > 1 ? Verdict::split : alone_at_fault(failure);", "return alone_at_fault(failure);",
     "sim_tests", "Scenario.PoisonStaysAlone:Seeds.*"),
    ("a_refused_statement_is_not_split", "G6", "src/core/settlements.cc",
     "if (pending.settlement.jobs.size() > 1) return split(std::move(pending));", "",
     "sim_tests", "Scenario.ARowThatTheDatabaseRefuses*:Seeds.*"),
    ("many_bad_rows_are_a_bad_vectorizer", "G6", "src/core/retry_policy.cc",
     "return Verdict::doubt;", "return Verdict::pause_vectorizer;", "sim_tests", "Bisection.*"),
    ("outages_are_charged", "G7", "src/core/retry_policy.cc",
     "return failure.endpoint_healthy ? Verdict::set_aside : Verdict::hold;", "return Verdict::charge;",
     "sim_tests", "Provider/*:Seeds.*"),
    ("retry_after_is_ignored", "G7", "src/core/retry_policy.cc",
     "if (retry_after) return std::clamp", "if (false) return std::clamp",
     "sim_tests", "Scenario.RateLimits*:Seeds.*"),
    ("everyone_probes_at_once", "G7", "src/core/endpoint_gate.h",
     "return probing_ ? 1 : std::clamp", "return std::clamp",
     "unit_tests", "Gate.*"),
    ("quota_is_a_rate_limit", "G7", "src/core/retry_policy.cc",
     "case ErrorKind::quota_exhausted: return backoff(seconds(30), minutes(15)",
     "case ErrorKind::quota_exhausted: return backoff(seconds(1), minutes(1)",
     "sim_tests", "Provider/*"),
    ("without_a_key_requests_go_out", "G8", "src/core/endpoint_gate.h",
     "return key_ == KeyState::present;", "return true;",
     "sim_tests", "Scenario.*Key*"),
    ("answers_are_taken_by_position", "G9", "src/http/response.cc",
     "if (std::ranges::all_of(indexes_, [](std::int64_t index) { return index == kNoIndex; })) return {};", "return {};",
     "unit_tests", "*"),
    ("zeros_are_stored", "G9", "src/http/response.cc",
     "return magnitudes == 0 ? Content::all_zero : Content::vector;", "return Content::vector;",
     "unit_tests", "*"),
    ("memory_has_no_bound", "G10", "src/core/worker.cc",
     "if (!batches_.empty() && held_bytes() + answer > options_.held_bytes)", "if (answer == 0)",
     "sim_tests", "Scenario.MemoryStays*"),
    ("redirects_are_followed", "G11", "src/http/post.cc",
     "CURLOPT_FOLLOWLOCATION, 0L", "CURLOPT_FOLLOWLOCATION, 1L",
     "contract_tests", "*OpenAi*"),
    ("equal_texts_are_paid_each", "G12", "src/core/batch.cc",
     "if (fresh) batch.carriers.push_back(i);\n    batch.slots.push_back(found->second);",
     "batch.carriers.push_back(i);\n    batch.slots.push_back(fresh ? found->second : next);",
     "sim_tests", "Scenario.EqualTexts*"),
    ("a_held_row_is_bought_again", "G12", "src/pg/queue_sql.cc",
     "kept_hash = CASE WHEN f.held THEN f.hash END,", "kept_hash = NULL,",
     "contract_tests", "Postgres/*"),
    ("a_text_that_came_back_is_bought_again", "G12", "src/pg/queue_sql.cc",
     "AND l.generation = {g}) = s.hash THEN 1", "AND l.generation = {g}) = s.hash AND false THEN 1",
     "contract_tests", "Postgres/*"),
    ("claims_never_retry", "G13", "src/core/worker.cc",
     "lane->claiming = false;\n  if (!claim.jobs) {", "if (!claim.jobs) {",
     "sim_tests", "Scenario.ALostConnection*:Seeds.*"),
]


def run(arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, **options)


def copy_tree():
    for part in ("CMakeLists.txt", "CMakePresets.json", "cmake", "src", "tests", "migrations", "samples", "bench", "fuzz", ".deps"):
        source, target = ROOT / part, COPY / part
        if source.is_dir():
            run(["cp", "-a", "-u", "--no-target-directory", str(source), str(target)], check=True)
        elif source.exists():
            shutil.copy2(source, target)


def build(target):
    return run(["ninja", "-C", str(COPY / "build" / "release"), target])


def verdict(mutation):
    name, guarantee, file, old, new, binary, test_filter = mutation
    path = COPY / file
    original = path.read_text()
    if original.count(old) < 1:
        # The formatter may have broken the line elsewhere: compare with white space folded.
        pattern = re.compile(r"\s+".join(re.escape(word) for word in old.split()))
        match = pattern.search(original)
        if not match:
            return "STALE: the code it breaks is not there any more"
        old = match.group(0)
    try:
        path.write_text(original.replace(old, new, 1))
        built = build(binary)
        if built.returncode != 0:
            return "DOES NOT BUILD: " + built.stdout[-300:]
        try:
            tests = run([str(COPY / "build/release/tests" / binary), "--gtest_filter=" + test_filter, "--gtest_brief=1"],
                        timeout=300)
        except subprocess.TimeoutExpired:
            return "caught: the tests hang"
        if tests.returncode == 0:
            return "SURVIVED"
        failed = re.findall(r"\[  FAILED  \] ([\w/.]+)", tests.stdout)
        if not failed:  # a broken invariant aborts the run
            return "caught: " + (tests.stderr.strip().splitlines() or ["crash"])[-1][:110]
        return "caught: " + ", ".join(dict.fromkeys(failed))[:150]
    finally:
        path.write_text(original)


def main():
    wanted = set(sys.argv[1:])
    COPY.mkdir(parents=True, exist_ok=True)
    # So that the copy's first build comes out of the compiler cache.
    os.environ.update(CCACHE_BASEDIR=str(COPY), CCACHE_NOHASHDIR="1")
    copy_tree()
    run(["cmake", "--preset", "release"], cwd=COPY, check=True)
    holes = 0
    for mutation in MUTATIONS:
        if wanted and mutation[0] not in wanted:
            continue
        result = verdict(mutation)
        holes += not result.startswith("caught")
        print(f"{mutation[1]:<4} {mutation[0]:<42} {result}", flush=True)
    print(f"{holes} mutations were not caught")
    return 1 if holes else 0


sys.exit(main())
