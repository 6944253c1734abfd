//! The program. Everything it does begins in `firstline::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    firstline::cli::main()
}
