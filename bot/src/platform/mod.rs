//! Chat platforms: each folder or file verifies, turns payloads into events, and sends.

pub mod web;
