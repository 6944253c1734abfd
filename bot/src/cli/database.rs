//! `migrate`, `backup FILE`, `restore FILE`.

use std::path::PathBuf;

use clap::Args;

use super::{Done, Global, context, output};
use crate::ports::Store;

const MIGRATE_EXAMPLES: &str = "\
Examples:
  firstline backup before.flb && firstline migrate

A SQLite database is migrated whenever a command opens it; PostgreSQL only by this.";
const BACKUP_EXAMPLES: &str = "\
Examples:
  firstline backup firstline-2026-03-01.flb

The file holds everything, from either kind of database, and restores into either.";
const RESTORE_EXAMPLES: &str = "\
Examples:
  firstline --data ./new restore firstline-2026-03-01.flb

The database must be empty. The search index is rebuilt from it at the next start.";

#[derive(Debug, Args)]
#[command(after_help = MIGRATE_EXAMPLES)]
pub(super) struct MigrateArgs {}

#[derive(Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub(super) struct BackupArgs {
    /// Where to write it; the file must not exist
    file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(super) struct RestoreArgs {
    /// A file made by `firstline backup`
    file: PathBuf,
}

pub(super) async fn migrate(global: &Global, _args: MigrateArgs) -> anyhow::Result<Done> {
    let config = global.load_config()?;
    let data = global.data_dir();
    context::make_data_dir(&data)?;
    let store = Store::connect(&context::database_url(&config, &data)).await?;
    let pending = store.migrations_pending().await?;
    store.migrate().await?;
    let text = match pending.len() {
        0 => "The database is up to date.".to_owned(),
        1 => "Applied 1 migration.".to_owned(),
        n => format!("Applied {n} migrations."),
    };
    output::text(&text)?;
    Ok(Done::Well)
}

pub(super) async fn backup(global: &Global, args: BackupArgs) -> anyhow::Result<Done> {
    anyhow::ensure!(
        !args.file.exists(),
        "{} exists already; give the backup another name.",
        args.file.display()
    );
    let opened = context::open(global).await?;
    opened.store.backup(&args.file).await?;
    let bytes = std::fs::metadata(&args.file)?.len();
    output::text(&format!("Wrote {} ({:.1} MB).", args.file.display(), bytes as f64 / 1e6))?;
    Ok(Done::Well)
}

pub(super) async fn restore(global: &Global, args: RestoreArgs) -> anyhow::Result<Done> {
    anyhow::ensure!(
        args.file.is_file(),
        "there is no backup {}; check the path.",
        args.file.display()
    );
    let config = global.load_config()?;
    let data = global.data_dir();
    context::make_data_dir(&data)?;
    Store::restore(&context::database_url(&config, &data), &args.file).await?;
    output::text(&format!("Restored from {}.", args.file.display()))?;
    Ok(Done::Well)
}
