//! Names that stand in files: in the Ingestfile, on the command line, in what was edited by hand in a job, in a book.

use crate::names::good;
use crate::project::Project;

#[test]
fn names_in_an_ingestfile_stay_below_their_root_and_are_names_on_every_system() {
    for name in ["../x.txt", "/etc/x.txt", "a/../../x.txt", "C:/x.txt", "a\\\\x.txt", "a//x.txt", "a\\u0007.txt"] {
        Project::new(&format!("version = 1\n[rule.r]\ncommand = \"true\"\noutputs = {{ out = \"{name}\" }}\n"))
            .build(&[])
            .fails(2);
        let input = format!(
            "version = 1\n[rule.r]\ninputs = {{ f = {{ file = \"{name}\" }} }}\ncommand = \"true\"\noutputs = {{ out = \"o.txt\" }}\n"
        );
        Project::new(&input).build(&[]).fails(2);
        let files = format!("version = 1\n[rule.r]\ncommand = \"true\"\nfiles = [\"{name}\"]\noutputs = {{ out = \"o.txt\" }}\n");
        Project::new(&files).build(&[]).fails(2);
        let gate = format!(
            "version = 1\n[rule.r]\ncommand = \"true\"\noutputs = {{ out = \"o.json\" }}\ngate = {{ out = {{ schema = \"{name}\" }} }}\n"
        );
        Project::new(&gate).build(&[]).fails(2);
        for key in ["sources", "artifacts", "env"] {
            Project::new(&format!("version = 1\n[job]\n{key} = \"{name}\"\n")).build(&[]).fails(2);
        }
    }
    for name in ["con.txt", "a/NUL", "xy:z.txt", "what?.txt", "end.", "tree /"] {
        let told =
            Project::new(&format!("version = 1\n[rule.r]\ncommand = \"true\"\noutputs = {{ out = \"{name}\" }}\n")).build(&[]);
        told.fails(2).stderr_has("is no name for a file on every system: it ").stderr_has("Ingestfile.toml:4:");
    }
}

#[test]
fn outputs_that_differ_in_case_or_unicode_form_only_are_one_path() {
    for (a, b) in [("out/A.txt", "OUT/a.txt"), ("\u{c9}.txt", "e\u{301}.txt")] {
        let rule = |name: &str, out: &str| format!("[rule.{name}]\ncommand = \"true\"\noutputs = {{ out = \"{out}\" }}\n");
        let p = Project::new(&format!("version = 1\n{}{}", rule("one", a), rule("two", b)));
        p.build(&[]).fails(2).stderr_has("`one.out` and `two.out` have one output path");
    }
}

#[test]
fn environments_and_jobs_of_the_command_line_are_single_names() {
    let p = good();
    for name in ["../x", "..", "a/b", "/etc", "nul", "-x", "a\nb", "x.", "a:b"] {
        for option in ["--env", "--job"] {
            let option = format!("{option}={name}");
            let built = p.run(&["build", &option]);
            assert!(matches!(built.code, Some(1 | 2)), "{option:?}: {:?}", built.code);
            built.stderr_has("cannot be the name of");
        }
    }
    assert!(!p.exists("artifacts") && !p.exists("../x"));
    // A folder of the command line may lie anywhere.
    p.run(&["build", "--job-dir", "a/../elsewhere"]).ok();
    assert!(p.exists("elsewhere/out/good.txt.txt"));
}

#[test]
fn names_that_were_edited_into_a_job_lead_nowhere() {
    let p = good().file("victim.txt", "mine\n");
    p.build(&[]).ok();
    let job = p.text("artifacts/ingest/dev/current");
    for text in ["../../../etc\n", "/etc\n", "a/b\n", "", "..", "x\n\u{1b}[31my"] {
        p.file("artifacts/ingest/dev/current", text);
        for command in [&["build"][..], &["status"], &["clean", "--all"], &["why", "upper"]] {
            let built = p.run(command);
            assert!(matches!(built.code, Some(1 | 2)), "{command:?} {text:?}: {:?} {}", built.code, built.stderr);
            assert!(!built.stderr.contains('\u{1b}'));
        }
    }
    p.file("artifacts/ingest/dev/current", &job);
    let manifest = p.published("manifest.json");
    for name in ["../../../../victim.txt", "/etc/passwd", "out/../../../../../victim.txt"] {
        p.edit(&manifest, "\"out/{id}.txt\"", &format!("{:?}", name));
        p.run(&["status"]).ok();
        p.run(&["clean"]);
        assert_eq!(p.text("victim.txt"), "mine\n");
        p.run(&["build"]);
        p.build(&["--new-job"]).ok();
        p.file("artifacts/ingest/dev/current", &job);
        p.remove(&p.job());
        p.build(&[]).ok();
    }
    assert_eq!(p.text("victim.txt"), "mine\n");
}

/// A book of one page with files attached to it that are called like paths.
fn book_with_attachments() -> Vec<u8> {
    use lopdf::{Document, Object, Stream, dictionary};
    let mut book = Document::with_version("1.7");
    let tree = book.new_object_id();
    let font = book.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Times-Roman" });
    let text = b"BT /F1 12 Tf 72 700 Td (The attached warden keeps watch over the flooded road until the third bell.) Tj ET";
    let content = book.add_object(Stream::new(dictionary! {}, text.to_vec()));
    let page = book.add_object(dictionary! {
        "Type" => "Page", "Parent" => tree, "Contents" => content,
        "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
        "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
    });
    book.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 }.into());
    let mut attached: Vec<Object> = Vec::new();
    for name in ["../../x", "/tmp/ingest-attached-x", "..\\..\\x", "a/../../../x", "C:\\x"] {
        let bytes = book.add_object(Stream::new(dictionary! { "Type" => "EmbeddedFile" }, b"attached".to_vec()));
        let file = dictionary! {
            "Type" => "Filespec", "F" => Object::string_literal(name), "UF" => Object::string_literal(name),
            "EF" => dictionary! { "F" => bytes, "UF" => bytes },
        };
        let file = book.add_object(file);
        attached.extend([Object::string_literal(name), file.into()]);
    }
    let names = dictionary! { "EmbeddedFiles" => dictionary! { "Names" => attached } };
    let catalog = book.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree, "Names" => names });
    book.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    book.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_attached_to_a_book_is_written_nowhere() {
    let ingestfile = std::fs::read_to_string(crate::project::repository().join("Ingestfile.toml")).unwrap();
    let p = Project::of_passes(&ingestfile).file("fixtures/uploads/attached.pdf", book_with_attachments());
    let beside = |p: &Project| {
        let names = std::fs::read_dir(p.path("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| n != "cache" && n != "artifacts").collect();
        names.sort();
        names
    };
    let before = beside(&p);
    p.build(&[]).ok();
    assert!(p.artifact("passC_chunks.json").contains("The attached warden keeps watch"));
    assert_eq!(beside(&p), before);
    assert!(!p.exists("../x") && !p.exists("/tmp/ingest-attached-x"));
    let all = p.tree("artifacts").into_iter().chain(p.tree("cache"));
    let named_x: Vec<String> =
        all.filter(|(path, (_, bytes))| path.ends_with("/x") || bytes == b"attached").map(|(path, _)| path).collect();
    assert_eq!(named_x, Vec::<String>::new());
}
