//! Firstline: ask in a chat, get a cited answer or a ticket.
//!
//! The path of a request, as a tour: a platform's event is verified and turned into a
//! `ChatEvent` ([`platform`], [`console`] for the web), [`accept`] writes it with its job
//! in one transaction, a [`worker`] leases the job, a flow ([`flows`]) gathers, decides
//! and settles, and delivery tells the platform. All the bot can do to the world is in
//! [`ports`]; the world itself is in [`adapters`] and [`store`].

pub mod accept;
pub mod adapters;
pub mod app;
pub mod cli;
pub mod compute;
pub mod config;
pub mod console;
pub mod crash;
pub mod demo;
pub mod doctor;
pub mod files;
pub mod flows;
pub mod ingest;
pub mod job;
pub mod platform;
pub mod ports;
pub mod prefill;
pub mod prompts;
pub mod sources;
pub mod spool;
pub mod store;
pub mod telemetry;
pub mod worker;
