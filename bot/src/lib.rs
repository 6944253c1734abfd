//! Firstline: ask in a chat, get a cited answer or a ticket.

pub mod config;
pub mod ports;
pub mod store;
