//! Firstline's pure core: what a request is, how it is read, what is decided and
//! what is said. No async, no I/O, no clock, no randomness: time and chance come in
//! as values. Start with [`chat`] (what comes in and goes out), then [`triage`]
//! (assess, decide, cite, redact), [`ticket`] and [`words`].

pub mod capabilities;
pub mod chat;
pub mod command;
pub mod incident;
pub mod retry;
pub mod text;
pub mod ticket;
pub mod triage;
pub mod words;
