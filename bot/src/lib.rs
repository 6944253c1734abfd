//! Firstline: ask in a chat, get a cited answer or a ticket.

pub mod adapters;
pub mod config;
pub mod flows;
pub mod ports;
pub mod prompts;
pub mod store;
