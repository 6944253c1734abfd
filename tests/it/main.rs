//! The acceptance tests: one binary, one module per area.
#![allow(clippy::unwrap_used)]

mod attack_flows;
mod attacks;
mod browser;
mod chat_crash;
mod cli;
mod console;
mod crash;
mod cut;
mod discord;
mod discord_acts;
mod discord_fake;
mod drafts;
mod drafts_crash;
mod drafts_slack;
mod follow;
mod migrations;
mod model;
mod one_story;
mod people;
mod pipeline;
mod probes;
mod replicas;
mod slack;
mod slack_acts;
mod slack_coverage;

mod slack_socket;
mod slack_wire;
mod store;
mod store_accept;
mod store_accounts;
mod store_jobs;
mod store_knowledge;
mod store_people;
mod store_places;
mod store_safety;
mod store_settle;
mod store_tickets;
mod suggestions;
mod suggestions_elsewhere;
mod teams;
mod teams_fake;
mod teams_missed;
mod tidy;
mod watch;
