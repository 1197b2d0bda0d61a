//! The proxy in front of a team's own application: one process for each host, told over a unix socket what to do.
//!
//! It decides nothing. Which version gets which share of the traffic is said by whoever deploys; the proxy switches without losing a
//! request, remembers what was there before, counts what each version answers, and goes on when everything else is down.
//!
//! Here: [`ask`] (what can be told, parsed and bounded), [`route`] (who gets a request), [`forward`] (one request on its way),
//! [`listen`] (connections), [`control`] (the unix socket). Not here: deciding to deploy or to roll back.

#![expect(
    clippy::disallowed_methods,
    reason = "a process of its own, whose background work is its connections, its looks at targets and what it drains"
)]

pub mod arm;
pub mod ask;
pub mod body;
pub mod change;
pub mod control;
pub mod counts;
pub mod forward;
pub mod headers;
pub mod health;
pub mod listen;
pub mod page;
pub mod remember;
pub mod route;
pub mod share;
pub mod table;
pub mod take;
pub mod tls;
pub mod upgrade;
