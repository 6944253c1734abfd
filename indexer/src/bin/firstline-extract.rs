//! The reading child on its own, for this crate's tests and measurements. The product starts
//! itself with a hidden subcommand instead.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [kind, path] => {
            firstline_indexer::extract_child_main(&kind.to_string_lossy(), Path::new(path))
        }
        _ => {
            eprintln!("usage: firstline-extract pdf|docx FILE");
            ExitCode::from(2)
        }
    }
}
