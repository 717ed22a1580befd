"""What learning systems hand out, with odd and hostile files among it, and who is who in it."""

from __future__ import annotations

import io
import os
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from unittest.mock import Mock

import pytest

from kube_embedded.tests.support.some import some
from labkit.core.errors import UsageError
from labkit.grading.intake import archives, submissions
from labkit.grading.intake.intake import Intake, collect
from labkit.grading.intake.roster import Roster
from labkit.grading.intake.submissions import Submission, Unreadable, code_cells, files_beside, find
from tests.grading.support import submit

EXERCISE = "ex4-roles"
FILE = f"{EXERCISE}.ipynb"
NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

Files = Sequence[tuple[str | zipfile.ZipInfo, bytes]]


def archive(files: Files) -> bytes:
    """A zip archive."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in files:
            written.writestr(name, content)
    return data.getvalue()


def took(
    tmp_path: Path,
    files: Files | bytes,
    roster: str | bytes = "",
    *,
    duplicates: str = "newest",
    late: bool = True,
) -> Intake:
    """What is taken in of an archive with these files."""
    path = tmp_path / "download.zip"
    path.write_bytes(files if isinstance(files, bytes) else archive(files))
    return took_paths(tmp_path, [path], roster, duplicates=duplicates, late=late)


def took_paths(
    tmp_path: Path,
    paths: Sequence[Path],
    roster: str | bytes = "",
    *,
    duplicates: str = "newest",
    late: bool = True,
) -> Intake:
    """What is taken in of these paths."""
    table = tmp_path / "roster.csv"
    table.write_bytes(roster if isinstance(roster, bytes) else roster.encode())
    unpacked = tmp_path / "unpacked"
    people = Roster(table) if roster else None
    return collect(paths, unpacked, roster=people, duplicates=duplicates, late=late)


def learners(intake: Intake) -> list[str]:
    """Whose notebooks are graded."""
    return [entry.learner for entry in intake.submissions]


class TestCanvas:
    def test_a_bulk_download_is_taken_in(self, tmp_path: Path) -> None:
        files = [
            (f"{who}_{EXERCISE}.ipynb", NOTEBOOK)
            for who in ("bertann_12_345", "김철수_13_346", "anon_x1y2z_347")
        ]
        intake = took(tmp_path, files)
        assert [(entry.learner, entry.sender) for entry in intake.submissions] == [
            ("anon_x1y2z", "canvas:anon_x1y2z"),
            ("bertann", "canvas:12"),
            ("김철수", "canvas:13"),
        ]
        assert not intake.lines
        assert all(entry.shares_folder for entry in some(intake.submissions))

    def test_a_resubmission_and_a_browsers_copy_are_the_exercise(self, tmp_path: Path) -> None:
        names = (
            "a_1_1_ex4-roles-1.ipynb",
            "b_2_2_ex4-roles (3).ipynb",
            "c_3_3_ex4-roles-final.ipynb",
        )
        intake = took(tmp_path, [(name, NOTEBOOK) for name in names])
        assert learners(intake) == ["a", "b"]
        assert intake.lines == ["Not graded: c_3_3_ex4-roles-final.ipynb has no exercise's name."]

    def test_late_ones_are_said_and_may_be_refused(self, tmp_path: Path) -> None:
        names = [
            (f"a_1_1_{FILE}", NOTEBOOK),
            (f"a_LATE_1_2_{FILE}", NOTEBOOK),
            (f"LATE_anon_x_9_{FILE}", NOTEBOOK),
        ]
        (tmp_path / "accepted").mkdir()
        intake = took(tmp_path / "accepted", names)
        assert [(entry.learner, entry.late) for entry in intake.submissions] == [
            ("a", True),
            ("anon_x", True),
        ]
        assert f"Late, and graded: a_LATE_1_2_{FILE}." in intake.lines
        intake = took(tmp_path, names, late=False)
        assert [(entry.learner, entry.late) for entry in intake.submissions] == [("a", False)]
        assert f"Not graded: a_LATE_1_2_{FILE} is late." in intake.lines

    def test_two_people_of_one_name_are_not_taken_for_one(self, tmp_path: Path) -> None:
        intake = took(
            tmp_path,
            [
                (f"kim_1_5_{FILE}", NOTEBOOK),
                (f"kim_2_6_{FILE}", NOTEBOOK),
                (f"lee_3_7_{FILE}", NOTEBOOK),
            ],
        )
        assert learners(intake) == ["lee"]
        assert [line for line in intake.lines if "would be kim's" in line] == intake.lines
        assert len(intake.lines) == 2

    def test_what_is_no_notebook_is_named(self, tmp_path: Path) -> None:
        intake = took(
            tmp_path,
            [(f"a_1_1_{FILE}", NOTEBOOK), ("b_2_2_answer.pdf", b"%PDF"), ("index.html", b"")],
        )
        assert intake.lines == ["Not graded: b_2_2_answer.pdf is no notebook."]

    def test_a_text_instead_of_a_file_is_named(self, tmp_path: Path) -> None:
        pages = [("lee_LATE_2_text.html", b""), ("kim_3_link.html", b"")]
        intake = took(tmp_path, [(f"a_1_1_{FILE}", NOTEBOOK), *pages])
        assert intake.left_out == [
            f"Not graded: {name} is no notebook." for name in sorted(dict(pages))
        ]


class TestMoodle:
    def test_folders_and_flat_files_of_all_versions_are_taken_in(self, tmp_path: Path) -> None:
        intake = took(
            tmp_path,
            [
                (f"Ann Lee_101_assignsubmission_file_/{FILE}", NOTEBOOK),
                (f"Zoë Müller_102_assignsubmission_file/work/{EXERCISE} (1).ipynb", NOTEBOOK),
                (f"Bo Ek_103_assignsubmission_file_{FILE}", NOTEBOOK),
                ("Cy Fu_104_assignsubmission_onlinetext/onlinetext.html", b""),
                ("Di Go_105_assignsubmission_file_answer.pdf", b""),
            ],
        )
        assert [(each.learner, each.sender, each.shares_folder) for each in intake.submissions] == [
            ("Ann_Lee", "moodle:101", False),
            ("Bo_Ek", "moodle:103", True),
            ("Zoë_Müller", "moodle:102", False),
        ]
        assert intake.lines == [
            "Not graded: Cy Fu_104_assignsubmission_onlinetext holds no notebook.",
            "Not graded: Di Go_105_assignsubmission_file_answer.pdf is no notebook.",
        ]

    def test_a_learners_archive_is_opened_once(self, tmp_path: Path) -> None:
        deep = archive([("deeper.zip", archive([(FILE, NOTEBOOK)])), (f"hw/{FILE}", NOTEBOOK)])
        only = archive([("deeper.zip", archive([(FILE, NOTEBOOK)]))])
        files = [
            ("Ann_1_assignsubmission_file_/hw.zip", deep),
            ("Bob_2_assignsubmission_file_/hw.zip", only),
        ]
        intake = took(tmp_path, files)
        assert learners(intake) == ["Ann"]
        assert (
            sum(
                "deeper.zip: it is an archive in an archive in another" in line
                for line in intake.lines
            )
            == 2
        )
        assert any(
            "Bob_2_assignsubmission_file_ holds no notebook" in line for line in intake.lines
        )


class TestOtherLayouts:
    def test_nbgraders_tree_and_an_archive_of_it_are_the_same(self, tmp_path: Path) -> None:
        for learner in ("ann", "bob"):
            submit(tmp_path / "submitted" / learner, "ps4", EXERCISE, [])
        path = tmp_path / "course.zip"
        with zipfile.ZipFile(path, "w") as written:
            for each in (tmp_path / "submitted").rglob("*.ipynb"):
                written.write(each, each.relative_to(tmp_path))
        assert learners(took_paths(tmp_path, [tmp_path / "submitted"])) == ["ann", "bob"]
        assert learners(took_paths(tmp_path / "submitted", [path])) == ["ann", "bob"]

    def test_archives_of_learners_lie_in_a_folder(self, tmp_path: Path) -> None:
        folder = tmp_path / "s"
        (folder / "bob").mkdir(parents=True)
        (folder / "ann.zip").write_bytes(archive([(FILE, NOTEBOOK)]))
        (folder / "bob" / "hw.zip").write_bytes(archive([(f"hw/{FILE}", NOTEBOOK)]))
        submit(folder, "cat", EXERCISE, [])
        before = sorted(path for path in folder.rglob("*"))
        intake = took_paths(tmp_path, [folder])
        assert learners(intake) == ["ann", "bob", "cat"]
        assert not intake.lines
        assert sorted(path for path in folder.rglob("*")) == before

    def test_a_macs_archive_has_its_names_in_utf8_without_saying_so(self, tmp_path: Path) -> None:
        name = unicodedata.normalize("NFD", f"김철수/{FILE}")
        data = archive([(name, NOTEBOOK), (f"__MACOSX/김철수/._{FILE}", b"\0\5\x16\7")])
        silent = bytearray(data)
        for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # takes the flag away that says UTF-8
            start = -1
            while (start := silent.find(mark, start + 1)) >= 0:
                (flags,) = struct.unpack_from("<H", silent, start + at)
                struct.pack_into("<H", silent, start + at, flags & ~archives.UTF8_NAME)
        assert learners(took(tmp_path, bytes(silent))) == ["김철수"]

    @pytest.mark.parametrize(("name", "encoding"), [("김철수", "cp949"), ("Zoë_Müller", "cp437")])
    def test_an_archive_of_windows_has_its_names_in_its_own_encoding(
        self, name: str, encoding: str, tmp_path: Path
    ) -> None:
        written = name.encode(encoding)
        data = archive([("x" * len(written) + f"/{FILE}", NOTEBOOK)]).replace(
            b"x" * len(written), written
        )
        assert learners(took(tmp_path, data)) == [name]

    def test_an_exercises_folder_is_no_learner(self, tmp_path: Path) -> None:
        files = [
            (f"{EXERCISE}/ann/{FILE}", NOTEBOOK),
            (f"{EXERCISE}/bob/{EXERCISE}.IPYNB", NOTEBOOK),
        ]
        assert learners(took(tmp_path, files)) == ["ann", "bob"]
        for who, folder in (("cy", EXERCISE), ("di", "homework 4")):
            alone = submit(tmp_path / "submitted" / who, folder, EXERCISE, [])
            assert [entry.learner for entry in find(alone)] == [who]
        alone = tmp_path / "submitted" / "cy" / EXERCISE / FILE
        with pytest.raises(UsageError, match="no submission") as refused:
            find(alone.parent.parent)
        assert "Name the folder above" in refused.value.todo

    def test_several_are_named_and_the_later_counts(self, tmp_path: Path) -> None:
        old, new = tmp_path / "week1", tmp_path / "week2"
        first, second = submit(old, "ann", EXERCISE, ["1"]), submit(new, "ann", EXERCISE, ["2"])
        submit(new, "bob", EXERCISE, [])
        os.utime(first, (1, 1))
        chosen = {
            rule: took_paths(tmp_path, [new, old], duplicates=rule)
            for rule in ("newest", "first", "refuse")
        }
        assert {
            rule: next(each.path for each in intake.submissions) for rule, intake in chosen.items()
        } == {"newest": second, "first": first, "refuse": new / "bob" / FILE}
        assert chosen["newest"].lines == [f"Not graded: ann/{FILE}: ann/{FILE} counts."]
        assert (
            chosen["refuse"].lines
            == [f"Not graded: ann/{FILE} is one of 2 of ann's {EXERCISE}."] * 2
        )

    def test_without_a_submission_it_stops(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no submission"):
            took(tmp_path, [("readme.txt", b"")])
        with pytest.raises(UsageError, match="There is no"):
            took_paths(tmp_path, [tmp_path / "nowhere.zip"])


def link(name: str) -> zipfile.ZipInfo:
    """An entry that is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


class TestHostileArchives:
    @pytest.mark.parametrize(
        "name", ["../evil.ipynb", "/tmp/evil.ipynb", "a/../../evil", "C:\\evil", "..\\evil"]
    )
    def test_a_path_that_leads_out_is_refused_and_named(self, name: str, tmp_path: Path) -> None:
        intake = took(tmp_path, [(name, b"x"), (f"ann/{FILE}", NOTEBOOK)])
        assert learners(intake) == ["ann"]
        (line,) = intake.lines
        assert "is not unpacked: its path leads out of the archive" in line
        assert "evil" in line
        assert not list(tmp_path.rglob("evil*"))

    def test_a_link_is_refused_and_named(self, tmp_path: Path) -> None:
        intake = took(tmp_path, [(link(f"eve/{FILE}"), b"/etc/passwd"), (f"ann/{FILE}", NOTEBOOK)])
        assert learners(intake) == ["ann"]
        assert (
            intake.lines[0]
            == f"Not graded: download.zip: eve/{FILE} is not unpacked: it is no ordinary file."
        )

    def test_a_learners_bomb_is_refused_and_the_others_are_graded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archives, "MAX_FOUND", 4 << 20)
        bomb = archive([(f"{number}.bin", bytes(2 << 20)) for number in range(50)])
        files = [
            ("eve_1_assignsubmission_file_/b.zip", bomb),
            (f"ann_2_assignsubmission_file_/{FILE}", NOTEBOOK),
        ]
        intake = took(tmp_path, files)
        assert learners(intake) == ["ann"]
        assert any(
            "b.zip: the archive is not opened: what is in it is too large" in line
            for line in intake.lines
        )
        assert (
            sum(
                path.stat().st_size for path in (tmp_path / "unpacked").rglob("*") if path.is_file()
            )
            < 8 << 20
        )

    def test_a_huge_file_is_not_written_whole_whatever_the_archive_says_of_its_size(
        self, tmp_path: Path
    ) -> None:
        data = bytearray(archive([(f"eve/{FILE}", bytes(30 << 20)), (f"ann/{FILE}", NOTEBOOK)]))
        struct.pack_into("<I", data, data.find(b"PK\1\2") + 24, 100)
        for name, content in (
            ("lies", bytes(data)),
            ("says so", archive([(f"eve/{FILE}", bytes(30 << 20))])),
        ):
            (tmp_path / name).mkdir()
            intake = took(tmp_path / name, content)
            huge = [entry.path for entry in intake.submissions if entry.learner == "eve"]
            assert sum(path.stat().st_size for path in huge) < 9 << 20
        with pytest.raises(Unreadable, match="larger than 8 MiB"):
            code_cells(huge[0])

    def test_a_file_of_just_the_largest_size_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archives, "MAX_BYTES", 1000)
        for size, left in ((1000, 1000), (1001, 1001), (5000, 1001)):
            folder = tmp_path / str(size)
            folder.mkdir()
            (folder / "a.zip").write_bytes(archive([("a.ipynb", bytes(size))]))
            assert list(archives.unpack(folder / "a.zip", folder / "out")) == []
            assert (folder / "out" / "a.ipynb").stat().st_size == left

    def test_many_small_files_are_refused(self, tmp_path: Path) -> None:
        many = archive([(f"{number}.txt", b"") for number in range(archives.MAX_FOUND_FILES + 1)])
        intake = took(tmp_path, [("eve/many.zip", many), (f"ann/{FILE}", NOTEBOOK)])
        assert learners(intake) == ["ann"]
        assert any("the archive is not opened: it has 1001 files" in line for line in intake.lines)

    def test_folders_without_end_are_refused_and_named(self, tmp_path: Path) -> None:
        deep = archive([("d/" * depth + "x", b"") for depth in (600, 1200, 1800)])
        intake = took(tmp_path, [("eve/deep.zip", deep), (f"ann/{FILE}", NOTEBOOK)])
        assert learners(intake) == ["ann"]
        assert any(
            "is not unpacked: it lies in more than 64 folders" in line for line in intake.lines
        )

    def test_damaged_encrypted_and_unusual_archives_are_named(self, tmp_path: Path) -> None:
        good = archive([(FILE, NOTEBOOK)])
        encrypted = bytearray(good)
        encrypted[6] |= 1
        encrypted[encrypted.find(b"PK\1\2") + 8] |= 1
        unusual = io.BytesIO()
        with zipfile.ZipFile(unusual, "w", zipfile.ZIP_LZMA) as written:
            written.writestr(FILE, NOTEBOOK)
        bad = {
            "cut": good[:-30],
            "none": b"PK",
            "encrypted": bytes(encrypted),
            "lzma": unusual.getvalue(),
        }
        intake = took(
            tmp_path,
            [*((f"{who}/a.zip", data) for who, data in bad.items()), (f"ann/{FILE}", NOTEBOOK)],
        )
        assert learners(intake) == ["ann"]
        for who in bad:
            assert any(f"{who}/a.zip: " in line for line in intake.lines), who
            assert f"Not graded: {who} holds no notebook." in intake.lines

    def test_names_that_no_disk_takes_are_refused_and_named(self, tmp_path: Path) -> None:
        intake = took(tmp_path, [("n" * 300 + "/x.ipynb", b""), (f"a\nb\x1b[2J/{FILE}", NOTEBOOK)])
        assert learners(intake) == ["a_b_2J"]
        assert "File name too long" in intake.lines[0]

    def test_one_file_stands_in_the_way_of_another(self, tmp_path: Path) -> None:
        intake = took(
            tmp_path, [("ann", b""), (f"ann/{FILE}", NOTEBOOK), (f"bob/{FILE}", NOTEBOOK)]
        )
        assert learners(intake) == ["bob"]
        assert f"ann/{FILE} is not unpacked" in intake.lines[0]


class TestOddFiles:
    def test_pipes_and_directories_in_a_folder_stop_nobody(self, tmp_path: Path) -> None:
        folder = tmp_path / "s"
        submit(folder, "ann", EXERCISE, [])
        for odd in ("pipe", "raw\udce9", "n" * 250):
            (folder / odd).mkdir()
        os.mkfifo(folder / "pipe" / "hw.zip")
        os.mkfifo(folder / "pipe" / FILE)
        (folder / "pipe" / "x.zip").mkdir()
        (folder / "raw\udce9" / FILE).write_bytes(NOTEBOOK)
        with (folder / "ann" / "huge.zip").open("wb") as file:
            file.truncate(10 << 30)
        intake = took_paths(tmp_path, [folder])
        assert learners(intake) == ["ann", "pipe", "raw_"]
        assert (
            "Not graded: huge.zip: the archive is not opened: it is larger than 64 MiB."
            in intake.lines
        )
        assert any("nnn holds no notebook" in line for line in intake.lines)

    def test_folders_deeper_than_a_path_may_be_long_stop_nobody(self, tmp_path: Path) -> None:
        submit(tmp_path, "ann", EXERCISE, [])
        (tmp_path / "eve").mkdir()
        with ExitStack() as opened:
            number = None
            for name in ("eve", *["d" * 200] * 30):
                if number is not None:
                    os.mkdir(name, dir_fd=number)
                number = os.open(
                    name if number is not None else tmp_path / name, os.O_RDONLY, dir_fd=number
                )
                opened.callback(os.close, number)
        assert learners(took_paths(tmp_path, [tmp_path])) == ["ann"]

    def test_of_many_folders_beside_a_notebook_not_all_are_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit(tmp_path, "eve", EXERCISE, [])
        (tmp_path / "eve" / "data.csv").write_text("1")
        for number in range(200):
            (tmp_path / "eve" / ".git" / f"{number}").mkdir(parents=True)
            (tmp_path / "eve" / "many" / f"{number}").mkdir(parents=True)
        (submission,) = find(tmp_path)
        monkeypatch.setattr(submissions, "MAX_ENTRIES", 100, raising=False)
        scandir = Mock(wraps=os.scandir)
        monkeypatch.setattr(os, "scandir", scandir)
        assert files_beside(submission) == {"data.csv": b"1"}
        assert scandir.call_count < 100

    def test_a_directory_that_is_named_like_a_notebook_is_not_the_one_that_counts(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "ann" / FILE).mkdir(parents=True)
        real = submit(tmp_path / "ann", "work", EXERCISE, [])
        assert [entry.path for entry in find(tmp_path)] == [real]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf16_is_unreadable_and_says_so(self, encoding: str, tmp_path: Path) -> None:
        path = tmp_path / FILE
        path.write_bytes(NOTEBOOK.decode().encode(encoding))
        with pytest.raises(
            Unreadable, match="its text is UTF-16: open it in JupyterLab and save it"
        ):
            code_cells(path)

    def test_a_byte_order_mark_is_no_harm(self, tmp_path: Path) -> None:
        path = tmp_path / FILE
        path.write_bytes(b"\xef\xbb\xbf" + NOTEBOOK)
        assert code_cells(path) == []


ROSTER = (
    's01,Ann Lee,ann@x.edu\ns02,"Müller, Zoë",zoe@x.edu\ns03,김철수,kim@x.edu\ns04,Bo Ek,bo@x.edu\n'
)


class TestRoster:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("heading", ["", "ID,Name,E-Mail\n"])
    def test_a_table_is_read_however_it_was_saved(
        self, encoding: str, delimiter: str, heading: str, tmp_path: Path
    ) -> None:
        text = heading + ROSTER.replace('"Müller, Zoë"', "Zoë Müller")
        path = tmp_path / "roster.csv"
        path.write_bytes(text.replace(",", delimiter).replace("\n", "\r\n").encode(encoding))
        people = Roster(path).people
        assert list(people) == ["s01", "s02", "s03", "s04"]
        assert (people["s02"].name, people["s03"].name, people["s04"].mail) == (
            "Zoë Müller",
            "김철수",
            "bo@x.edu",
        )

    @pytest.mark.parametrize("first", ["sep=;\n", "SEP=;\r\n", "Spring class\n\n"])
    def test_what_is_above_the_headings_is_nobody(self, first: str, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_text(f"{first}id;name;mail\ns01;Lee, Ann;a@x.edu\n")
        assert list(Roster(path).people) == ["s01"]

    @pytest.mark.parametrize("heading", ["name", "Full name", "mail", "first name"])
    def test_one_known_heading_is_enough(self, heading: str, tmp_path: Path) -> None:
        """Below an unknown heading all cells are numbers, as below one that the table's first row might be."""
        path = tmp_path / "roster.csv"
        path.write_text(f"{heading},id,section\nann@x.edu,s01,a\nbo@x.edu,s02,b\n")
        assert list(Roster(path).people) == ["s01", "s02"]

    def test_a_table_of_windows_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_bytes("s02;Zoë Müller;z@x.edu".encode("cp1252"))
        assert Roster(path).people["s02"].name == "Zoë Müller"

    def test_what_a_system_writes_becomes_the_id(self, tmp_path: Path) -> None:
        names = ("leeann_1_1", "müllerzoë_2_2", unicodedata.normalize("NFD", "김철수_3_3"))
        intake = took(tmp_path, [(f"{name}_{FILE}", NOTEBOOK) for name in names], ROSTER)
        assert learners(intake) == ["s01", "s02", "s03"]
        assert intake.lines == [f"Nothing to grade for {EXERCISE}: s04 (Bo Ek)."]
        assert intake.people["s02"].numbers == {"canvas": "2"}

    @pytest.mark.parametrize("name", ["s01", "S01", "ann@x.edu", "Ann Lee", "Lee, Ann", "lee ann"])
    def test_a_folder_is_named_by_id_mail_or_name(self, name: str, tmp_path: Path) -> None:
        submit(tmp_path / "s", name, EXERCISE, [])
        assert learners(took_paths(tmp_path, [tmp_path / "s"], ROSTER)) == ["s01"]

    def test_who_is_not_in_it_is_said_and_graded(self, tmp_path: Path) -> None:
        intake = took(
            tmp_path, [(f"guest_9_9_{FILE}", NOTEBOOK), (f"leeann_1_1_{FILE}", NOTEBOOK)], ROSTER
        )
        assert learners(intake) == ["guest", "s01"]
        assert f"Not in the roster, and graded as guest: guest_9_9_{FILE}." in intake.lines

    def test_nobody_gets_anothers_score_by_calling_themselves_by_an_id(
        self, tmp_path: Path
    ) -> None:
        """Canvas' names are the learners' own choice: somebody is called s04, as is somebody else's id."""
        intake = took(
            tmp_path, [(f"s04_9_9_{FILE}", NOTEBOOK), (f"leeann_1_1_{FILE}", NOTEBOOK)], ROSTER
        )
        assert learners(intake) == ["s01"]
        assert f"Not graded: s04_9_9_{FILE}: s04 is another's id in the roster." in intake.lines

    def test_two_of_one_name_are_told_apart_by_the_systems_number_alone(
        self, tmp_path: Path
    ) -> None:
        export = (
            "Student,ID,SIS User ID,SIS Login ID,Section,ex4-roles (77)\n"
            "    Points Possible,,,,,8\n"
            '"Kim, Min",501,u1,min1,A,\n"Kim, Min",502,u2,min2,B,\n'
            '"Student, Test",503,,,A,\n'
        )
        files = [(f"kimmin_502_9_{FILE}", NOTEBOOK), (f"kimmin_501_8_{FILE}", NOTEBOOK)]
        intake = took(tmp_path, files, export)
        assert [(entry.learner, Path(entry.origin).name) for entry in intake.submissions] == [
            ("min1", f"kimmin_501_8_{FILE}"),
            ("min2", f"kimmin_502_9_{FILE}"),
        ]
        assert "Nothing to grade" not in str(intake.lines), "of the test student that Canvas adds"
        with pytest.raises(UsageError, match="no submission") as refused:
            took_paths(
                tmp_path / "unpacked", [tmp_path / "download.zip"], "1,Kim Min,\n2,Kim Min,\n"
            )
        assert "would be kimmin's" in refused.value.why

    def test_two_of_one_name_are_two_though_the_roster_has_one(self, tmp_path: Path) -> None:
        names = [f"Ann Lee_{number}_assignsubmission_file_/{FILE}" for number in (1, 2)]
        intake = took(
            tmp_path, [*((name, NOTEBOOK) for name in names), (f"s04/{FILE}", NOTEBOOK)], ROSTER
        )
        assert learners(intake) == ["s04"]
        assert [
            f"Not graded: {name} would be s01's {EXERCISE}, and another's is as well."
            for name in names
        ] == [line for line in intake.lines if "would be" in line]

    def test_a_number_of_canvas_is_not_taken_for_a_students_number(self, tmp_path: Path) -> None:
        intake = took(tmp_path, [(f"guest_1234_9_{FILE}", NOTEBOOK)], "1234,Ann Lee,ann@x.edu\n")
        assert learners(intake) == ["guest"]

    def test_moodles_worksheet_is_a_roster(self, tmp_path: Path) -> None:
        sheet = (
            "Identifier,Full name,Email address,Status,Grade\nParticipant 101,Ann Lee,a@x.edu,,\n"
        )
        intake = took(tmp_path, [(f"Ann L._101_assignsubmission_file_/{FILE}", NOTEBOOK)], sheet)
        assert learners(intake) == ["a@x.edu"]
        assert intake.people["a@x.edu"].name == "Ann Lee"

    def test_moodles_participants_are_a_roster(self, tmp_path: Path) -> None:
        sheet = "First name,Last name,ID number,Email address\nAnn,Lee,s01,a@x.edu\n"
        assert learners(
            took(tmp_path, [(f"Ann Lee_7_assignsubmission_file_/{FILE}", NOTEBOOK)], sheet)
        ) == ["s01"]

    @pytest.mark.parametrize(
        "text", ["20231234,김철수,k@x.kr\n20231235,똠방,\n", "20231234.0,김철수,k@x.kr\n"]
    )
    def test_a_table_of_windows_in_korea_is_read(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_bytes(text.encode("cp949"))
        assert Roster(path).people["20231234"].name == "김철수"

    @pytest.mark.parametrize(
        "text",
        [
            "ID;Vollständiger Name;E-Mail-Adresse\nTeilnehmer/in5;Ann Lee;a@x.edu\n",
            "이름,성,학번,이메일 주소\n민수,김,s1,m@x.kr\n",
            "학번,이름\n20231234,김철수\n",
        ],
    )
    def test_headings_that_are_not_known_are_nobody(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(
            UsageError, match=r"headings of .* are not known: (ID, Vol|이름, 성|학번, 이)"
        ):
            Roster(path)

    @pytest.mark.parametrize(
        "first", ["a1,Ann Lee,a@x.edu,", "a1,Ann Lee,a@x.edu,B", "a1,Ann Lee,,", "7,Ann Lee,,"]
    )
    def test_a_first_learner_is_no_heading(self, first: str, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_text(
            f"{first}\n8,Bo Ek,b@x.edu,c@x.edu\n"
            if "@" in first
            else f"{first}\nb2,Bo Ek,b@x.edu,\n"
        )
        assert [person.name for person in Roster(path).people.values()] == ["Ann Lee", "Bo Ek"]

    def test_a_roster_that_is_none_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        for text, said in (
            ("", "Nobody is in"),
            ("s1,Ann,\ns1,Bob,\n", "Two rows of .* have the id s1"),
            ("2.02E+07,Ann,\n", "shortened an id"),
            ("PK\3\4", "no table of text"),
        ):
            path.write_text(text)
            with pytest.raises(UsageError, match=said):
                Roster(path)


def test_a_submission_crosses_to_a_grader_whole(tmp_path: Path) -> None:
    entry = took(tmp_path, [(f"a_LATE_1_2_{FILE}", NOTEBOOK)]).submissions[0]
    assert Submission(**asdict(entry)) == entry
