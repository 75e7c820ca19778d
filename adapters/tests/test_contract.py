"""What holds of every adapter, whatever its tool."""

import json
import unittest
from pathlib import Path
from typing import Any

from tests.staging import ADAPTERS, Staging, start

ECHO = Path(__file__).parent / "echo_adapter.py"


def asking(**params: Any) -> Staging:
    staging = Staging(("out",)).given("value", ["å", 1])
    staging.request["params"] = params
    return staging


def lines(*requests: Any) -> tuple[list[Any], str, int]:
    done = start(ECHO, "--worker", stdin="".join(json.dumps(r) + "\n" for r in requests))
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr, done.returncode


class OneShot(unittest.TestCase):
    def test_output_and_response_lie_in_the_folder(self) -> None:
        staging = asking(does="warns")
        done = staging.run(ECHO)
        self.assertEqual((done.returncode, done.stderr), (0, "warning: it was only copied\n"))
        self.assertEqual((staging.folder / "outputs/out.json").read_bytes(), '["å",1]'.encode())
        said = staging.response()
        self.assertEqual((said["item"], said["outputs"], said["counts"]), ("book", ["out"], {"items": 1}))
        self.assertEqual((said["warnings"], said["error"], said["tool"]["name"]), (["it was only copied"], None, "pip"))

    def test_params_come_from_the_request_before_the_command_line(self) -> None:
        self.assertEqual(asking(does="copies").run(ECHO, "--param", "does=fails").returncode, 0)
        self.assertEqual(asking().run(ECHO, "--param", "does=fails").returncode, 1)

    def test_a_failure_is_told_with_its_kind_and_the_way_out(self) -> None:
        staging = asking(does="fails")
        done = staging.run(ECHO)
        self.assertEqual((done.returncode, done.stderr), (1, "error: the book is torn\nhint: fetch it again\n"))
        wanted = {"kind": "bad_document", "message": "the book is torn", "hint": "fetch it again", "retry": False}
        self.assertEqual(staging.response()["error"], wanted)

    def test_what_a_library_raises_is_named_with_its_place(self) -> None:
        done = asking(does="raises").run(ECHO)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^error: ValueError: no such page \(echo_adapter\.py:\d+\)\n$")

    def test_an_output_that_was_not_written_is_a_failure(self) -> None:
        self.assertIn("the output `out` was not written", asking(does="claims").run(ECHO).stderr)

    def test_the_network_is_out_of_reach(self) -> None:
        staging = asking(does="connects")
        self.assertEqual(staging.run(ECHO).returncode, 1)
        self.assertEqual(staging.response()["error"]["kind"], "network")

    def test_a_batch_in_a_file_is_one_response_for_each(self) -> None:
        good, bad = asking(), asking(does="fails")
        whole = asking()
        whole.request = {"version": 1, "requests": [bad.line(), good.line()]}
        self.assertEqual(whole.run(ECHO).returncode, 1)
        self.assertEqual(bad.response()["error"]["kind"], "bad_document")
        self.assertIsNone(good.response()["error"])

    def test_a_malformed_request_is_exit_code_2(self) -> None:
        cases: list[tuple[str, Any, str]] = [
            ("version", 2, "this adapter knows requests of version 1, and this one is 2"),
            ("item", "book", "`item` an object"),
            ("inputs", {}, "needs one file as its input `value`; it has none"),
            ("inputs", {"value": "../../etc/passwd"}, "`value` is no path within the request's folder"),
            ("inputs", {"value": "/etc/passwd"}, "`value` is no path within the request's folder"),
            ("outputs", {}, "names no output `out`"),
        ]
        for key, value, said in cases:
            with self.subTest(key=key, value=value):
                staging = asking()
                staging.request[key] = value
                done = staging.run(ECHO)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)
        self.assertIn("is no JSON", start(ECHO, str(torn()), env={}).stderr)
        self.assertIn("there is no `request.json`", start(ECHO, str(ADAPTERS)).stderr)
        self.assertEqual(start(ECHO).returncode, 2)


def torn() -> Path:
    staging = asking()
    (staging.folder / "request.json").write_text('{"version": 1')
    return staging.folder


class Environment(unittest.TestCase):
    def test_the_version_is_asked_without_loading_anything(self) -> None:
        done = start(ECHO, "--version", env={"ECHO_IMPORT": "no_such_module"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^pip \S+, python 3\.\d+, unicode \S+\n$")

    def test_what_is_missing_is_named_with_the_command_that_mends_it(self) -> None:
        hint = r"hint: ingest adapter setup echo\n$"
        cases = [
            ({"ECHO_PACKAGE": "no-such-tool"}, r"the package `no-such-tool` is not installed for `"),
            ({"ECHO_PINNED": "0.0.1"}, r"`pip` is \S+, and this adapter is made for 0\.0\.1"),
            ({"ECHO_IMPORT": "no_such_module"}, r"`pip` cannot be loaded: `no_such_module` is missing or broken"),
        ]
        for env, said in cases:
            with self.subTest(env=env):
                done = asking().run(ECHO, env=env)
                self.assertEqual(done.returncode, 3)
                self.assertRegex(done.stderr, said)
                self.assertRegex(done.stderr, hint)

    def test_a_worker_that_cannot_work_says_so_before_any_request(self) -> None:
        done = start(ECHO, "--worker", env={"ECHO_PINNED": "0.0.1"}, stdin="")
        said = json.loads(done.stdout)
        self.assertEqual((said["ready"], said["error"]["kind"], done.returncode), (False, "wrong_version", 3))


class Worker(unittest.TestCase):
    def test_it_greets_and_answers_a_line_for_each_request(self) -> None:
        first, second = asking(), asking(does="fails")
        said, _, code = lines({**first.line(), "id": 7}, {**second.line(), "id": 8})
        self.assertEqual([s.get("ready") for s in said], [True, None, None])
        self.assertEqual([(s["id"], s["index"], s["outputs"]) for s in said[1:]], [(7, 0, ["out"]), (8, 0, [])])
        self.assertEqual((said[2]["error"]["kind"], code), ("bad_document", 0))
        self.assertEqual(first.output("out"), ["å", 1])

    def test_a_batch_is_answered_item_by_item(self) -> None:
        good, bad, last = asking(), asking(does="raises"), asking()
        said, _, _ = lines({"version": 1, "id": "b", "requests": [good.line(), bad.line(), last.line()]})
        went_well = [(s["id"], s["index"], s["error"] is None) for s in said[1:]]
        self.assertEqual(went_well, [("b", 0, True), ("b", 1, False), ("b", 2, True)])

    def test_junk_is_answered_and_the_next_request_is_done(self) -> None:
        done = start(ECHO, "--worker", stdin="{\n[]\n" + json.dumps({**asking().line(), "id": 1}) + "\n")
        said = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([s["error"] and s["error"]["kind"] for s in said], [None, "bad_request", "bad_request", None])

    def test_stray_prints_go_to_stderr(self) -> None:
        said, stderr, _ = lines(asking(does="prints").line())
        self.assertEqual(len(said), 2)
        self.assertIn("a stray line", stderr)
        self.assertIn("and one past Python", stderr)

    def test_a_library_reads_no_request(self) -> None:
        # More than a pipe and a buffer hold, so that there is something left to be read.
        first, second = asking(does="reads stdin"), asking(padding="x" * 300_000)
        said, _, _ = lines(first.line(), second.line())
        self.assertEqual((first.output("out"), len(said)), ([""], 3))

    def test_one_that_dies_has_answered_what_was_done(self) -> None:
        said, _, code = lines({"version": 1, "requests": [asking().line(), asking(does="dies").line(), asking().line()]})
        self.assertEqual((len(said), said[-1]["index"], code), (2, 0, 9))


class Locks(unittest.TestCase):
    def test_each_adapter_is_made_for_what_its_lock_pins(self) -> None:
        import sys

        sys.path.insert(0, str(ADAPTERS))
        import haystack_enrich
        import llamaindex_graph
        import unstructured_partition

        for tool in (haystack_enrich.TOOL, llamaindex_graph.TOOL, unstructured_partition.TOOL):
            lock = (ADAPTERS / f"{tool.setup}.lock").read_text(encoding="utf-8")
            self.assertIn(f"\n{tool.package}=={tool.pinned} ", f"\n{lock}")

    def test_a_package_may_differ_between_systems(self) -> None:
        import contract

        pins = contract.pins_of("llamaindex")
        self.assertEqual((pins["pydantic"].somewhere_only, len(pins["pydantic"].versions)), (False, 1))
        self.assertEqual((pins["colorama"].somewhere_only, len(pins["numpy"].versions)), (True, 2))

    def test_every_pin_has_hashes(self) -> None:
        for lock in ADAPTERS.glob("*.lock"):
            for pin in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
                if pin and not pin.startswith("#"):
                    self.assertIn("--hash=sha256:", pin)


if __name__ == "__main__":
    unittest.main()
