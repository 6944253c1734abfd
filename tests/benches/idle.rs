//! Memory of the real program connected to a Slack workspace (Socket Mode), a Teams tenant and
//! fifty Discord guilds of forty channels, idle after a first answer.
//!
//! `cargo bench -p acceptance --bench idle -- [--seconds S]`, after `cargo build --release`

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;
use std::time::Duration;

use acceptance::discord::{self, FakeDiscord};
use acceptance::process::{Service, firstline, run};
use acceptance::slack::{self, FakeSlack};
use acceptance::teams::{self, FakeTeams};

const GUILDS: u64 = 50;
const CHANNELS: u64 = 40;
const ANA: u64 = 101;

fn memory_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    let kb: f64 = line.split_whitespace().nth(1).and_then(|v| v.parse().ok()).unwrap_or(0.0);
    kb / 1024.0
}

async fn prepare(dir: &Path) {
    std::fs::write(dir.join("firstline.toml"), acceptance::bot::COMPANY).unwrap();
    for arguments in [&["migrate"][..], &["user", "add", "ana@example.com", "Ana"]] {
        let mut command = firstline(&dir.join("data"));
        command.args(arguments);
        run(command).await;
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--seconds").skip(1);
    let seconds = arguments.next().map_or(60, |seconds| seconds.parse().unwrap());
    acceptance::model::install_crypto();
    let slack = FakeSlack::start().await;
    let email = Some("ana@example.com".to_owned());
    let ana = slack::User {
        id: "UANA".into(),
        name: "ana".into(),
        email: email.clone(),
        ..Default::default()
    };
    slack.add_user(ana);
    let teams = FakeTeams::start().await;
    teams.add_user(teams::User { email, ..teams::User::new("Ana Lima") });
    let discord = FakeDiscord::start().await;
    discord.live_in_real_time();
    discord.add_member(discord::User::new(ANA, "ana"));
    discord.set_other_guilds(GUILDS - 1);
    for n in 0..CHANNELS {
        discord.add_channel(500 + n, &format!("channel-{n}"));
    }
    let environment = [
        ("FIRSTLINE__SLACK__MODE", "socket".to_owned()),
        ("FIRSTLINE__SLACK__BOT_TOKEN", FakeSlack::BOT_TOKEN.into()),
        ("FIRSTLINE__SLACK__APP_TOKEN", FakeSlack::APP_TOKEN.into()),
        ("FIRSTLINE__SLACK__API_URL", slack.api_url()),
        ("FIRSTLINE__TEAMS__APP_ID", FakeTeams::APP_ID.into()),
        ("FIRSTLINE__TEAMS__APP_PASSWORD", FakeTeams::APP_PASSWORD.into()),
        ("FIRSTLINE__TEAMS__TENANT_ID", FakeTeams::TENANT.into()),
        ("FIRSTLINE__TEAMS__OPENID_METADATA_URL", teams.metadata_url()),
        ("FIRSTLINE__TEAMS__TOKEN_URL", teams.token_url()),
        ("FIRSTLINE__DISCORD__TOKEN", FakeDiscord::TOKEN.into()),
        ("FIRSTLINE__DISCORD__APPLICATION_ID", FakeDiscord::APPLICATION.to_string()),
        ("FIRSTLINE__DISCORD__API_URL", discord.api_url()),
    ];
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let config = dir.path().join("firstline.toml");
    let service =
        Service::start(&dir.path().join("data"), &config, "", &environment).await.unwrap();
    let pid = service.child.id().unwrap();
    discord.connected().await;
    println!("connected: {:.0} MB", memory_mb(pid));
    let direct = discord.dm(ANA);
    discord.says(direct, ANA, "how do I post a vendor invoice in Keystone?");
    discord.until(|discord| discord.messages(direct).len() > 1).await;
    println!("after a first answer: {:.0} MB", memory_mb(pid));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    println!("idle for {seconds} s: {:.0} MB", memory_mb(pid));
}
